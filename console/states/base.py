"""Who is looking, and the guard that every handler carries.

Any websocket client may call any handler, whatever page it is on: so the right is checked inside the
handler, each time, from the HttpOnly cookie of the websocket's handshake. Signing out or a changed
role thereby counts at once.
"""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from http.cookies import CookieError, SimpleCookie
from typing import Any, Concatenate, ParamSpec, TypeVar

import reflex as rx

from backend.db import Actor, Work
from backend.domain.vocabulary import Role
from backend.errors import NotAllowed, NotFound
from backend.services import members
from backend.services.members import Viewer
from console import routes
from console.core import core

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
_viewer: ContextVar[Viewer | None] = ContextVar("viewer", default=None)


def requires(role: Role) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Marks and guards a handler. Put it below `@rx.event`: a raw websocket call then meets it too."""

    def guard(handler: Callable[..., Any]) -> Callable[..., Any]:
        streaming = inspect.isasyncgenfunction(handler)
        wrapped = _streaming(handler, role) if streaming else _single(handler, role)
        wrapped.requires = role  # type: ignore[attr-defined]
        return wrapped

    return guard


def _single(handler: Callable[..., Any], role: Role) -> Callable[..., Any]:
    @functools.wraps(handler)
    async def wrapper(self: rx.State, *args: Any, **kwargs: Any) -> Any:
        if (refusal := await _admit(self, role)) is not None:
            return refusal
        result = handler(self, *args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    return wrapper


def _streaming(handler: Callable[..., AsyncIterator[Any]], role: Role) -> Callable[..., Any]:
    @functools.wraps(handler)
    async def wrapper(self: rx.State, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        if (refusal := await _admit(self, role)) is not None:
            yield refusal
            return
        async for event in handler(self, *args, **kwargs):
            yield event

    return wrapper


async def _admit(state: rx.State, role: Role) -> Any:
    """None when the visitor may do this; else what to answer instead."""
    viewer = await asyncio.to_thread(find_viewer, state.router.headers.cookie or "")
    _viewer.set(viewer)
    if viewer is None:
        return to_sign_in(state)
    if not viewer.may(role):
        return rx.toast.error("Your role does not allow this.")
    return None


def to_sign_in(state: rx.State) -> Any:
    """The way to the sign-in page, and from there back to what was asked for."""
    url = state.router.url
    return rx.redirect(routes.sign_in(f"{url.path}?{url.query}" if url.query else url.path))


def find_viewer(cookie_header: str) -> Viewer | None:
    """The signed-in member whose browser sent these cookies."""
    token = _session_token(cookie_header)
    if token is None:
        return None
    with core().reading(Actor("visitor")) as work:
        return members.viewer(work, token)


def _session_token(cookie_header: str) -> str | None:
    try:
        morsel = SimpleCookie(cookie_header).get(members.COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def viewer() -> Viewer:
    """The member on whose behalf the current handler runs."""
    found = _viewer.get()
    if found is None:
        raise NotAllowed
    return found


def actor() -> Actor:
    return viewer().actor


def app_number() -> int:
    """The app the member works in. Raises `NotFound` when there is none yet."""
    app = viewer().app
    if app is None:
        raise NotFound("There is no app yet.")
    return app.number


async def read(verb: Callable[Concatenate[Work, Given], Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
    """Calls a service verb in a reading unit of work of the current app, off the event loop."""

    def run() -> Answer:
        with core().reading(actor(), app_number()) as work:
            return verb(work, *args, **kwargs)

    return await asyncio.to_thread(run)


async def write(verb: Callable[Concatenate[Work, Given], Answer], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
    """Calls a service verb in a unit of work that commits when it returns."""

    def run() -> Answer:
        with core().work(actor(), app_number()) as work:
            return verb(work, *args, **kwargs)

    return await asyncio.to_thread(run)


async def call(verb: Callable[Given, Awaitable[Answer]], *args: Given.args, **kwargs: Given.kwargs) -> Answer:
    """Awaits a service verb that opens its own units of work because it goes to the network."""
    return await verb(*args, **kwargs)
