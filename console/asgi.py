"""What wraps everything that the server answers: pages, API and uploads."""

import contextlib
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.problems import is_upload

# Reflex evaluates small scripts (toasts, client state), hence 'unsafe-eval'; nothing is ever loaded from elsewhere:
# the pictures of a push are shown from our own copies.
CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]
IMMUTABLE = (b"cache-control", b"public, max-age=31536000, immutable")
REVALIDATE = (b"cache-control", b"no-cache")
MAX_BODY = 25 * 1024 * 1024


def security_headers(app: ASGIApp) -> ASGIApp:
    """Adds the headers that confine a page to this origin, and says how long a file may be kept."""

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_headers(scope["path"], message)]
            await send(message)

        await app(scope, receive, send_with_headers)

    return asgi


def _headers(path: str, message: Message) -> list[tuple[bytes, bytes]]:
    given = {name.lower() for name, _ in message.get("headers", [])}
    extra = [*HEADERS, (b"content-security-policy", CSP.encode()), _caching(path)]
    return [(name, value) for name, value in extra if name and name not in given]


def _caching(path: str) -> tuple[bytes, bytes]:
    if path.startswith("/assets/"):  # these file names carry a hash of their content
        return IMMUTABLE
    return (b"", b"") if path.startswith("/api/") else REVALIDATE


class _TooLarge(Exception):
    """The body went over the limit while it was read."""


def body_limit(app: ASGIApp) -> ASGIApp:
    """Refuses request bodies over `MAX_BODY` bytes with 413, whether announced or streamed; uploads have their own."""

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_upload(scope):
            await app(scope, receive, send)
        elif _announced(scope) > MAX_BODY:
            await _refuse(send)
        else:
            await _limited(app, scope, receive, send)

    return asgi


def _announced(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


async def _limited(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """The application inside may answer the break-off in its own way; the sender is told 413 all the same."""
    seen, started, refused = 0, False, False

    async def counted() -> Any:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise _TooLarge
        return message

    async def watched(message: Message) -> None:
        nonlocal started, refused
        if seen > MAX_BODY and not started:
            if not refused:
                refused = True
                await _refuse(send)
            return
        started = True
        await send(message)

    with contextlib.suppress(_TooLarge):
        await app(scope, counted, watched)
    if seen > MAX_BODY and not started and not refused:
        await _refuse(send)


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"The body is larger than is taken here."})
