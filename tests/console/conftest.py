"""The console without a browser: its states over a real database, called as Reflex would call them."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MethodType
from typing import Any

import pytest
import reflex as rx
from reflex.istate.data import RouterData

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.vocabulary import Role
from backend.services import apps, ids, members, sessions
from console import core as held

PASSWORD = "correct horse battery"


class Held:
    """A state as a background handler has it: to be changed only while it is held."""

    def __init__(self, state: Any) -> None:
        object.__setattr__(self, "state", state)

    async def __aenter__(self) -> "Held":
        return self

    async def __aexit__(self, *_error: object) -> None: ...

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.state, name)
        return MethodType(found.__func__, self) if isinstance(found, MethodType) else found

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.state, name, value)


@dataclass
class Visitor:
    """Somebody with a browser: their cookie and one tree of states."""

    root: rx.State
    cookie: str = ""

    def at(self, url: str) -> "Visitor":
        """Where the address bar is."""
        data = {"headers": {"cookie": self.cookie}, "pathname": url.split("?", maxsplit=1)[0], "asPath": url}
        self.root.router = RouterData.from_router_data(data)
        return self

    async def state(self, kind: type[rx.State]) -> Any:
        return await self.root.get_state(kind)

    async def do(self, handler: Any, *arguments: Any) -> list[Any]:
        """Runs an event handler; what it answered, in order."""
        kind = next(cls for cls in states() if handler in cls.event_handlers.values())
        state = await self.state(kind)
        answer = handler.fn(Held(state) if handler.is_background else state, *arguments)
        if hasattr(answer, "__aiter__"):
            return [event async for event in answer]
        answer = await answer if asyncio.iscoroutine(answer) else answer
        return [answer] if answer is not None else []


def states(kind: type[rx.State] = rx.State) -> list[type[rx.State]]:
    """Every State class of the console, however deep."""
    found = [child for direct in kind.__subclasses__() for child in [direct, *states(direct)]]
    return [cls for cls in found if cls.__module__.startswith("console.")]


@pytest.fixture
def console(sqlite_core: Core) -> Iterator[Core]:
    """The process's core is this test's."""
    held.use(sqlite_core)
    yield sqlite_core
    held._held.clear()


@pytest.fixture
def shop(console: Core) -> apps.AppRow:
    with console.work(OPERATOR) as work:
        return apps.create_app(work, slug="shop", name="Shop", default_timezone="Europe/Warsaw")


@pytest.fixture
def visitor(console: Core, shop: apps.AppRow) -> Callable[[Role | None], Visitor]:
    """Makes a member of a role, signed in; None is a stranger."""

    def make(role: Role | None) -> Visitor:
        cookie = ""
        if role is not None:
            email = f"{role}@example.test"
            with console.work(OPERATOR) as work:
                made = members.add_member(work, email, role, password=PASSWORD)
                token = sessions.start(work, ids.number(work, ids.MEMBER, made.id))
            cookie = f"{members.COOKIE}={token}"
        return Visitor(rx.State(_reflex_internal_init=True), cookie).at("/")

    return make
