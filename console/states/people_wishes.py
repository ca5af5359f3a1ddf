"""What a person wants to hear, and what they have said yes or no to."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid, NotFound
from backend.services import consents, fields, people_search, preferences
from backend.services.consents import ConsentIn
from backend.services.preferences import PreferencesIn
from console.rows.people_person import ConsentLine, WishForm, WishLine, consent_lines, wish_form, wish_line
from console.states.base import read, requires, viewer, write
from console.states.people_person import person_id, tab_of

CONSENTS = 100


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
            held, wishes, page, now = await read(_held, person_id(self))
        except NotFound:
            return
        zone = viewer().app.default_timezone
        self.wishes = tuple(wish_line(row, zone, now) for row in wishes)
        self.form = wish_form(held, zone, now)
        self.consents = consent_lines(page.items, consents.latest(page.items), zone, now)
        self.more, self.ready = page.next is not None, True

    @rx.event
    @requires(Role.EDITOR)
    async def switch(self, slug: str, on: bool):
        """A category, on the person's behalf."""
        await self._put({"categories": {str(slug): bool(on)}})
        return rx.toast.success("Saved")

    @rx.event
    @requires(Role.EDITOR)
    async def save(self, form: dict):
        """Quiet hours and the pause; empty fields clear them."""
        try:
            await self._put(_times(form, viewer().app.default_timezone))
        except Invalid as error:
            said = error.errors[0].message
            self.wrong = f"{said[:1].upper()}{said[1:]}."
            return None
        self.wrong, self.revision = "", self.revision + 1
        return rx.toast.success("Saved")

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


def _times(form: dict[str, Any], zone: str) -> dict[str, Any]:
    start, end = str(form.get("quiet_start", "")).strip(), str(form.get("quiet_end", "")).strip()
    quiet = {"start": start, "end": end, "timezone": str(form.get("quiet_zone", "")).strip() or None}
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
    return preferences.get(work, user), preferences.wishes(work, user), page, work.now


def _put(work: Work, user_id: str, changes: dict[str, Any]):
    user = people_search.number_of(work, user_id)
    return preferences.put(work, user, fields.parse(PreferencesIn, changes))


def _add(work: Work, user_id: str, given: dict[str, Any]):
    return consents.add(work, people_search.number_of(work, user_id), fields.parse(ConsentIn, given))
