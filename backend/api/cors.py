"""Which pages of other sites may call the ingest routes: those of the origins that an app allows.

A preflight carries no key, so it is held against every app's origins; the request that follows is held
against its own app's (`deps.client_caller`). Receipts come from anywhere: their signature proves them.
"""

import asyncio
from collections.abc import Callable, Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.bootstrap import Core
from backend.db import Actor
from backend.services import apps

VISITOR = Actor("visitor")
RECEIPTS = "/api/v1/receipts"
INGEST = ("/api/v1/devices", "/api/v1/users/", "/api/v1/events", "/api/v1/webpush-key", RECEIPTS)
METHODS = "GET, POST, PUT, PATCH, DELETE"
HEADERS = "Authorization, Content-Type, Tocsin-Device, Tocsin-User, Idempotency-Key"
MAX_AGE = "600"
_DONE = "tocsin.cors"


class CorsByApp:
    """Answers preflights and opens answers to the origins that apps allow.

    A framework that answers preflights itself must be inside; wrapped twice, it acts once.
    """

    def __init__(self, app: ASGIApp, core: Callable[[], Core]) -> None:
        self._app = app
        self._core = core

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if not origin or _DONE in scope or not scope["path"].startswith(INGEST):
            await self._app(scope, receive, send)
            return
        scope[_DONE] = True
        allowed = await self._allowed(scope["path"], origin)
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await _preflight(send, allowed)
            return
        await self._app(scope, receive, _opening(send, allowed))

    async def _allowed(self, path: str, origin: str) -> str | None:
        """The value of `Access-Control-Allow-Origin`, None for an origin that no app allows."""
        if path.startswith(RECEIPTS):
            return "*"
        return origin if allows(await asyncio.to_thread(self._origins), origin) else None

    def _origins(self) -> set[str]:
        with self._core().reading(VISITOR) as work:
            return apps.allowed_origins(work)


def allows(allowed: Iterable[str], origin: str) -> bool:
    """Whether one of the allowed origins is this one; `*` is every one."""
    return bool({origin, "*"} & set(allowed))


async def _preflight(send: Send, allowed: str | None) -> None:
    headers = [(b"vary", b"Origin"), (b"content-length", b"0")]
    if allowed:
        headers += [
            (b"access-control-allow-origin", allowed.encode()),
            (b"access-control-allow-methods", METHODS.encode()),
            (b"access-control-allow-headers", HEADERS.encode()),
            (b"access-control-max-age", MAX_AGE.encode()),
        ]
    await send({"type": "http.response.start", "status": 204 if allowed else 403, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _opening(send: Send, allowed: str | None) -> Send:
    """Sends the answer on with our word on who may read it in place of anybody else's."""

    async def opened(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", []) if not pair[0].lower().startswith(b"access-control-")]
            mine = [(b"access-control-allow-origin", allowed.encode())] if allowed else []
            exposed = [(b"access-control-expose-headers", b"Retry-After")] if allowed else []
            message["headers"] = [*kept, (b"vary", b"Origin"), *mine, *exposed]
        await send(message)

    return opened
