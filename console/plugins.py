"""Build-time plugin: the compiled pages talk to the origin that served them."""

import dataclasses
import re
from pathlib import Path
from typing import Any

from reflex.plugins import Plugin

# Reflex bakes absolute addresses with the build's port into the bundle; as expressions of the page's
# own origin, one build serves any host, port and scheme.
_WEBSOCKET = re.compile(r'(["`])ws://localhost:\d+(/[\w-]*)\1')
_HTTP = re.compile(r'(["`])http://localhost:\d+(/(?:ping|_upload|_health|_all_routes|auth-codespace))\1')


@dataclasses.dataclass
class PortableFrontendPlugin(Plugin):
    """Makes the built frontend independent of the address it was built for."""

    def post_build(self, **context: Any) -> None:
        """Rewrites the bundle. Raises `RuntimeError` when there was nothing to rewrite: Reflex has changed."""
        if not sum(_rewrite(script) for script in Path(context["static_dir"]).glob("assets/*.js")):
            raise RuntimeError("no baked backend address was found; this Reflex version needs another rewrite")


def _rewrite(script: Path) -> int:
    source = script.read_text(encoding="utf-8")
    source, sockets = _WEBSOCKET.subn(r'location.origin.replace(/^http/,"ws")+"\2"', source)
    source, addresses = _HTTP.subn(r'location.origin+"\2"', source)
    if sockets or addresses:
        script.write_text(source, encoding="utf-8")
    return sockets + addresses
