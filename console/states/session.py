"""The signed-in member as the frame shows them, and the app they work in."""

import asyncio
from dataclasses import dataclass

import reflex as rx

from backend.domain.vocabulary import Role
from backend.services import members
from backend.services.apps import AppRow
from backend.services.members import Viewer
from console import routes, simulation, words
from console.core import core
from console.states.base import actor, app_number, find_viewer, requires, to_sign_in, viewer

RANK = {role.value: role.rank for role in Role}


@dataclass(frozen=True, slots=True)
class Me:
    """The member in the corner of the frame."""

    name: str = ""
    email: str = ""
    initials: str = ""
    role: str = ""
    rank: int = -1


@dataclass(frozen=True, slots=True)
class AppChoice:
    """An app that the member may open."""

    id: str = ""
    name: str = ""
    initials: str = ""
    zone: str = "UTC"
    current: bool = False
    color: str = ""
    website: str = ""


class SessionState(rx.State):
    """Everything is empty until a guarded visit has filled it: strangers are sent these values too."""

    me: Me = Me()
    app: AppChoice = AppChoice()
    apps: tuple[AppChoice, ...] = ()
    ready: bool = False
    simulator: bool = False

    @rx.event
    async def enter(self):
        """The guard of every page: a stranger goes to the sign-in page, with the way back."""
        found = await asyncio.to_thread(find_viewer, self.router.headers.cookie or "")
        if found is None:
            self.reset()
            return to_sign_in(self)
        self.me, self.app, self.apps, self.ready = _me(found), _app(found), _apps(found), True
        self.simulator = found.may(Role.ADMIN) and simulation.found() is not None
        return None

    @rx.event
    @requires(Role.ANALYST)
    async def open_app(self, app_id: str):
        """Goes over to another app; every page starts afresh there."""
        chosen = next((app for app in viewer().apps if app.id == app_id), None)
        if chosen is not None:
            await asyncio.to_thread(_choose, chosen.number)
        return rx.call_script(f"location.assign({routes.OVERVIEW!r})")


def _choose(number: int) -> None:
    with core().work(actor(), app_number()) as work:
        members.choose_app(work, viewer(), number)


def _me(found: Viewer) -> Me:
    role = str(found.role or "")
    return Me(found.name or found.email, found.email, words.initials(found.name, found.email), role, RANK.get(role, -1))


def _app(found: Viewer) -> AppChoice:
    app = found.app
    return _choice(app, current=True) if app else AppChoice()


def _choice(app: AppRow, *, current: bool) -> AppChoice:
    name = words.initials(app.name, app.slug)
    return AppChoice(app.id, app.name, name, app.default_timezone, current, app.color or "", app.website or "")


def _apps(found: Viewer) -> tuple[AppChoice, ...]:
    current = found.app.id if found.app else ""
    return tuple(_choice(app, current=app.id == current) for app in found.apps)
