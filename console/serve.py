"""Serves console and API from one process on one port, inside the caller's event loop."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from backend.api.cors import CorsByApp
from backend.bootstrap import Core
from console import build
from console import core as held
from console.garbage import collect_seldom
from console.logs import redact


async def serve(
    core: Core, host: str, port: int, *, on_ready: Callable[[], None] | None = None, stop: asyncio.Event | None = None
) -> None:
    """Serves until `stop` is set; `on_ready` is called once the port answers.

    The frontend is built first when it is missing or stale. The caller ends the process with
    `os._exit` afterwards: an open websocket would otherwise keep granian's threads alive.
    """
    from granian.constants import Interfaces
    from granian.server.embed import Server

    held.use(core)
    app = load(await asyncio.to_thread(build.ensure))
    redact()
    server = Server(app, address=host, port=port, interface=Interfaces.ASGI, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    ready = asyncio.create_task(_announce(host, port, on_ready))
    stopping = asyncio.create_task(stop.wait()) if stop else None
    await asyncio.wait([task for task in (serving, stopping) if task], return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    if not serving.done():
        server.stop()
    await serving


def load(folder: Path):
    """The ASGI application over a built frontend. Reflex decides on these switches at import."""
    os.environ["REFLEX_WEB_WORKDIR"] = str(folder)
    from reflex_base import constants
    from reflex_base.environment import environment

    environment.REFLEX_ENV_MODE.set(constants.Env.PROD)
    environment.REFLEX_SKIP_COMPILE.set(True)
    environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.set(True)
    logging.getLogger("reflex").setLevel(logging.WARNING)
    if str(build.ROOT) not in sys.path:  # Reflex looks for rxconfig there, wherever the command was called
        sys.path.insert(0, str(build.ROOT))

    from console.console import app

    # Reflex's own outermost layer would answer every preflight: ours, which knows the apps' origins, goes around it.
    return CorsByApp(app(), held.core)


async def _announce(host: str, port: int, on_ready: Callable[[], None] | None) -> None:
    """Waits until the port takes connections, then says so once."""
    target = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    while True:
        try:
            _, writer = await asyncio.open_connection(target, port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        collect_seldom()
        if on_ready:
            on_ready()
        return
