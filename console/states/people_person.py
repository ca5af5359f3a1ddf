"""One person: who they are, their devices and where they belong; what they did and were sent."""

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid, NotFound
from backend.services import person
from console import routes, words
from console.rows.people_person import (
    EventLine,
    PersonPage,
    PushLine,
    Thing,
    event_line,
    person_page,
    push_line,
    segment_things,
)
from console.states.base import read, requires, viewer, write

TABS = ("profile", "events", "pushes", "wishes")
PAGE = 25


def person_id(state: rx.State) -> str:
    """Whom the address names."""
    return state.router.url.path.strip("/").split("/")[-1][:255]


def tab_of(state: rx.State) -> str:
    asked = state.router.url.query_parameters.get("tab", TABS[0])
    return asked if asked in TABS else TABS[0]


class PersonState(rx.State):
    """The head of the page and the profile."""

    shown: PersonPage = PersonPage()
    segments: tuple[Thing, ...] = ()
    segments_note: str = ""
    tab: str = TABS[0]
    ready: bool = False
    missing: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads the person that the address names."""
        self.tab, self.missing = tab_of(self), False
        if self.shown.id != person_id(self):
            self.ready = False
        await self._read()

    async def _read(self):
        try:
            found, now = await read(_person, person_id(self))
        except NotFound:
            self.missing, self.ready, self.shown = True, True, PersonPage()
            return
        self.shown, self.ready = person_page(found, viewer().app.default_timezone, now), True
        if self.tab == "profile":
            membership = await read(person.segments, found.user.id)
            self.segments = segment_things(membership)
            self.segments_note = f"Of the {words.number(membership.asked)} changed last" if membership.more else ""

    @rx.event
    @requires(Role.EDITOR)
    async def unsubscribe(self):
        """Switches all of the person's devices off; the toast can take it back."""
        count = await write(person.unsubscribe, self.shown.id)
        await self._read()
        undo = {"label": "Undo", "on_click": PersonState.resubscribe}
        return rx.toast.success(f"{words.plural(count, 'device')} unsubscribed", action=undo, duration=10_000)

    @rx.event
    @requires(Role.EDITOR)
    async def resubscribe(self):
        """Switches on what a member switched off."""
        count = await write(person.resubscribe, self.shown.id)
        await self._read()
        return rx.toast.success(f"{words.plural(count, 'device')} subscribed again")

    @rx.event
    @requires(Role.EDITOR)
    async def sign_out(self, device: str):
        """Gives a device to a fresh anonymous person."""
        await write(person.sign_out, self.shown.id, str(device))
        await self._read()
        return rx.toast.success("Signed out: the device belongs to an anonymous person now")

    @rx.event
    @requires(Role.EDITOR)
    async def remove(self, device: str):
        """Removes a device; an anonymous person goes with their last one."""
        await write(person.remove_device, self.shown.id, str(device))
        await self._read()
        removed = rx.toast.success("Device removed")
        return [rx.redirect(routes.PEOPLE), removed] if self.missing else removed


class PersonHistoryState(rx.State):
    """What a person did, or was sent: one page of it, as the tab says."""

    events: tuple[EventLine, ...] = ()
    pushes: tuple[PushLine, ...] = ()
    following: str = ""
    first: bool = True
    ready: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads the page that the address names."""
        tab, cursor = tab_of(self), self.router.url.query_parameters.get("cursor")
        self.ready, self.first, self.events, self.pushes = False, not cursor, (), ()
        if tab not in ("events", "pushes"):
            return
        try:
            page, now = await read(_history, tab, person_id(self), cursor)
        except (NotFound, Invalid):
            self.following, self.ready = "", True
            return
        zone = viewer().app.default_timezone
        if tab == "events":
            self.events = tuple(event_line(position, row, zone, now) for position, row in enumerate(page.items))
        else:
            self.pushes = tuple(push_line(row, zone, now) for row in page.items)
        self.following = routes.person(person_id(self), tab=tab, cursor=page.next) if page.next else ""
        self.ready = True


def _person(work: Work, user_id: str):
    return person.get(work, user_id), work.now


def _history(work: Work, tab: str, user_id: str, cursor: str | None):
    verb = person.events if tab == "events" else person.pushes
    return verb(work, user_id, cursor=cursor, limit=PAGE), work.now
