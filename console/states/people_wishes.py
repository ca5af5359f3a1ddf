"""What a person wants to hear, and what they have said yes or no to."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx

from backend.db import Work
from backend.domain.quiet import WEEKDAYS
from backend.domain.vocabulary import Role
from backend.errors import Invalid, NotFound
from backend.services import (
    categories,
    consents,
    devices,
    fields,
    people_search,
    person,
    preference_history,
    preference_link,
    preferences,
)
from backend.services.consents import ConsentIn
from backend.services.preferences import DevicePreferencesIn, PreferencesIn
from console import routes
from console.rows import people_wishes as rows
from console.rows.people_wishes import ChangeLine, ConsentLine, WishForm, WishLine
from console.states.base import read, requires, viewer, write
from console.states.people_person import person_id, tab_of

CONSENTS = 100
CHANGES = 25


class WishesState(rx.State):
    """The tab of preferences and consents."""

    wishes: tuple[WishLine, ...] = ()
    form: WishForm = WishForm()
    consents: tuple[ConsentLine, ...] = ()
    more: bool = False
    adding: bool = False
    problem: str = ""
    wrong: str = ""
    revision: int = 0
    ready: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads the tab, when it is the one shown."""
        self.ready, self.problem, self.wrong, self.adding = False, "", "", False
        if tab_of(self) == "wishes":
            await self._read()
            self.revision += 1

    async def _read(self):
        try:
            held, wishes, named, page, now = await read(_held, person_id(self))
        except NotFound:
            return
        zone = viewer().app.default_timezone
        self.wishes = tuple(rows.wish_line(row, named, zone, now) for row in wishes)
        self.form = rows.wish_form(held, zone, now)
        self.consents = rows.consent_lines(page.items, consents.latest(page.items), zone, now)
        self.more, self.ready = page.next is not None, True

    @rx.event
    @requires(Role.EDITOR)
    async def switch(self, slug: str, on: bool):
        """A category, on the person's behalf."""
        await self._put({"categories": {str(slug): bool(on)}})
        return [rx.toast.success("Saved"), WishHistoryState.load]

    @rx.event
    @requires(Role.EDITOR)
    async def follow(self, slug: str, device: str):
        """Forgets what was said for a device: it follows the person again."""
        await write(_follow, person_id(self), str(slug), str(device))
        await self._read()
        return [rx.toast.success("This device follows the person again"), WishHistoryState.load]

    @rx.event
    @requires(Role.EDITOR)
    async def copy_link(self):
        """The address of the person's own page, for whoever answers them."""
        made = await read(_link, person_id(self))
        told = f"Link copied. It is good until {made.expires_at:%d %B %Y}, and for this person only."
        return [rx.set_clipboard(made.url), rx.toast.success(told)]

    @rx.event
    @requires(Role.EDITOR)
    async def save(self, form: dict):
        """Quiet hours and the pause; empty fields clear them."""
        try:
            await self._put(_times(form, viewer().app.default_timezone))
        except Invalid as error:
            self.wrong = rows.refused(error.errors[0])
            return None
        self.wrong, self.revision = "", self.revision + 1
        return [rx.toast.success("Saved"), WishHistoryState.load]

    async def _put(self, changes: dict[str, Any]):
        await write(_put, person_id(self), changes)
        await self._read()

    @rx.event
    @requires(Role.EDITOR)
    async def show_add(self, is_open: bool):
        self.adding, self.problem = bool(is_open), ""

    @rx.event
    @requires(Role.EDITOR)
    async def add_consent(self, form: dict):
        """Writes a consent down; entries are never changed."""
        given = {
            "purpose": str(form.get("purpose", "")).strip(),
            "given": form.get("answer") == "yes",
            "how": str(form.get("how", "")),
            "at": _instant(str(form.get("said_at", "")), viewer().app.default_timezone),
        }
        try:
            await write(_add, person_id(self), given)
        except Invalid as error:
            self.problem = f"{error.errors[0].field.capitalize()}: {error.errors[0].message}."
            return None
        self.adding, self.problem = False, ""
        await self._read()
        return rx.toast.success("Consent recorded")


class WishHistoryState(rx.State):
    """What was changed, one page of it."""

    changes: tuple[ChangeLine, ...] = ()
    following: str = ""
    first: bool = True
    ready: bool = False

    @rx.event
    @requires(Role.ANALYST)
    async def load(self):
        """Reads the page that the address names."""
        cursor = self.router.url.query_parameters.get("cursor")
        self.ready, self.first, self.changes, self.following = False, not cursor, (), ""
        if tab_of(self) != "wishes":
            return
        try:
            page, names, named, now = await read(_changes, person_id(self), cursor)
        except (NotFound, Invalid):
            self.ready = True
            return
        zone = viewer().app.default_timezone
        self.changes = tuple(
            rows.change_line(f"{place}", row, names, named, zone, now) for place, row in enumerate(page.items)
        )
        more = routes.person(person_id(self), tab="wishes", cursor=page.next)
        self.following, self.ready = more if page.next else "", True


def _times(form: dict[str, Any], zone: str) -> dict[str, Any]:
    start, end = str(form.get("quiet_start", "")).strip(), str(form.get("quiet_end", "")).strip()
    days = [day for day in WEEKDAYS if form.get(f"quiet_{day}")]
    quiet = {"start": start, "end": end, "days": days, "timezone": str(form.get("quiet_zone", "")).strip() or None}
    return {
        "quiet_hours": quiet if start or end else None,
        "paused_until": _instant(str(form.get("paused_until", "")), zone),
    }


def _instant(text: str, zone: str) -> str | None:
    """What a browser's date and time field says, in the app's time zone."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).isoformat() if text else None
    except ValueError:
        return text


def _held(work: Work, user_id: str):
    user = people_search.number_of(work, user_id)
    page = consents.listing(work, user, limit=CONSENTS)
    named = rows.titles(devices.devices_of(work, user))
    return preferences.get(work, user), preferences.wishes(work, user), named, page, work.now


def _changes(work: Work, user_id: str, cursor: str | None):
    user = people_search.number_of(work, user_id)
    names = {one.slug: one.name for one in categories.listing(work, archived=True)}
    page = preference_history.listing(work, user, cursor=cursor, limit=CHANGES)
    return page, names, rows.titles(devices.devices_of(work, user)), work.now


def _follow(work: Work, user_id: str, slug: str, device: str):
    person.check_theirs(work, user_id, device)
    return preferences.put_device(work, device, DevicePreferencesIn(categories={slug: None}))


def _link(work: Work, user_id: str):
    return preference_link.make(work, people_search.number_of(work, user_id))


def _put(work: Work, user_id: str, changes: dict[str, Any]):
    user = people_search.number_of(work, user_id)
    return preferences.put(work, user, fields.parse(PreferencesIn, changes))


def _add(work: Work, user_id: str, given: dict[str, Any]):
    return consents.add(work, people_search.number_of(work, user_id), fields.parse(ConsentIn, given))
