"""Every refusal in one shape (RFC 9457), and the one boundary for what nobody expected."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend import errors
from backend.errors import (
    FencedOut,
    FieldError,
    Invalid,
    NotAuthenticated,
    Stale,
    StillRunning,
    TocsinError,
    TooManyRequests,
    TooMuch,
)

log = logging.getLogger("tocsin.api")
MEDIA_TYPE = "application/problem+json"
DOCS = "/api/docs"
OURS = ("/api/", "/auth/", "/files/", "/health/", "/metrics")
UPLOADS = ("/api/v1/imports", "/files/imports")
"""Where a body is written to the disk as it comes, and has a limit of its own."""
MAX_BODY = 10 * 1024 * 1024
"""Bytes: a thousand users with all their attributes."""
OTHERS = {
    "malformed": (400, "The body is not JSON, or was cut off on the way."),
    "method_not_allowed": (405, "The address is right, the method is not; `Allow` names those that are."),
    "error": (500, "Something went wrong on our side; it has been logged."),
}
"""Problems that come before any verb of ours is called."""


def _unknown(value: int | None) -> bool:
    return value is None


class FieldProblem(BaseModel):
    """One wrong field: its path in the body (`variants[0].content.title`) and what to do about it."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    message: str
    at: int | None = Field(
        None, exclude_if=_unknown, description="From which character of the field's text on; only where that is known."
    )
    length: int | None = Field(None, exclude_if=_unknown, description="And how many characters.")


class Problem(BaseModel):
    """What every refusal looks like."""

    type: str = Field(description="A link to what this kind of problem means.")
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default_factory=list, description="The wrong fields, where it is about fields.")
    version: int | None = Field(None, description="Of a save that came too late: the version that is saved now.")
    current: dict[str, Any] | None = Field(None, description="And what it says.")


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "A problem that names what is wrong",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
"""For `responses=` of a router: what OpenAPI says about refusals."""


def answer(
    status: int,
    code: str,
    detail: str,
    *,
    title: str | None = None,
    wrong: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """A problem as a response; `errors` is there only when fields are wrong, `more` is what this kind adds."""
    body: dict[str, Any] = {
        "type": f"{DOCS}#{code}",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if wrong:
        body["errors"] = [_told(one) for one in wrong]
    return JSONResponse({**body, **(more or {})}, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def _told(wrong: FieldError) -> dict[str, Any]:
    where = {} if wrong.at is None else {"at": wrong.at, "length": wrong.length}
    return {"field": wrong.field, "message": wrong.message, **where}


def kinds() -> dict[str, tuple[int, str]]:
    """Status and meaning of every problem that a client may be told, by its code."""
    own = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TocsinError)]
    told = {
        kind.code: (kind.status, (kind.__doc__ or "").strip()) for kind in own if kind not in (TocsinError, FencedOut)
    }
    return {**told, **OTHERS}


def install(app: FastAPI) -> None:
    """Lets every error leave the API as a problem."""
    app.add_exception_handler(TocsinError, _expected)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(Boundary)


def _expected(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TocsinError)
    title = (type(error).__doc__ or "").strip()
    wrong = error.errors if isinstance(error, Invalid | Stale) else ()
    more = {"version": error.version, "current": error.current} if isinstance(error, Stale) else {}
    return answer(error.status, error.code, error.detail, title=title, wrong=wrong, headers=_headers(error), more=more)


def _headers(error: TocsinError) -> dict[str, str]:
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, StillRunning):
        return {"Retry-After": "1"}
    if isinstance(error, NotAuthenticated):
        return {"WWW-Authenticate": 'Bearer realm="tocsin"'}
    return {}


def _validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    broken = next((one for one in found if one["type"] == "json_invalid"), None)
    if broken:
        sentence = f"The body is not JSON: {broken['ctx']['error']} at character {broken['loc'][-1]}."
        return answer(400, "malformed", sentence, title="The body cannot be read.")
    wrong = [FieldError(_path(one["loc"]), _sentence(one)) for one in found]
    return _expected(_request, Invalid(wrong))


def _path(location: Sequence[str | int]) -> str:
    """`("body", "variants", 0, "name")` → `variants[0].name`."""
    text = ""
    for part in location[1:] if len(location) > 1 else location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _sentence(error: Mapping[str, Any]) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == TooMuch.status:
        return _expected(_request, TooMuch())
    code = HTTPStatus(error.status_code).name.lower()
    return answer(error.status_code, code, str(error.detail), headers=error.headers)


class Boundary:
    """The API's outer wall. What nobody expected is logged under a number, and only that number is told.

    Bodies of more than `MAX_BODY` bytes are refused, announced or not, before they fill the memory.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(OURS):
            await self._app(scope, receive, send)
            return
        upload = is_upload(scope)
        if _announced(scope) > MAX_BODY and not upload:
            await _expected(Request(scope), TooMuch())(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive if upload else _limited(receive), watched)
        except Exception:
            if started:
                raise
            await _unexpected(scope)(scope, receive, send)


def is_upload(scope: Scope) -> bool:
    """Whether the body is a file that is on its way to the disk."""
    return scope["method"] == "POST" and scope["path"] in UPLOADS


def _announced(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


def _limited(receive: Receive) -> Receive:
    """Passes a body on and stops at its limit; the framework lets this kind of exception through."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise HTTPException(TooMuch.status)
        return message

    return counted


def _unexpected(scope: Scope) -> Response:
    number = secrets.token_hex(4)
    log.exception("unexpected error %s in %s %s", number, scope["method"], scope["path"])
    sentence = f"Something went wrong on our side. The log names it {number}."
    return answer(500, "error", sentence, title="Something went wrong.")
