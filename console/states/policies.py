"""The policies of the app: one form, saved section by section, with what it would have changed yesterday."""

from dataclasses import replace

import reflex as rx

from backend.domain.vocabulary import Role
from backend.errors import NotFound
from backend.services import policies, policy_preview
from backend.services.fields import parse
from backend.services.policies import PoliciesIn
from backend.services.policy_preview import PreviewIn
from console.rows import policies as rows
from console.rows.policies import SECTIONS, Changed, PolicyDraft, PolicyProblems, Then
from console.states.base import read, requires, write


class PoliciesState(rx.State):
    """`form` is as typed; what is in force is kept beside it."""

    form: PolicyDraft = PolicyDraft()
    changed: Changed = Changed()
    problems: PolicyProblems = PolicyProblems()
    then: Then = Then()
    revision: int = 0
    ready: bool = False
    empty: bool = False
    _kept: PolicyDraft = PolicyDraft()
    _before: dict = {}  # noqa: RUF012 - Reflex copies it for each visitor
    _round: int = 0

    @rx.event
    @requires(Role.ADMIN)
    async def load(self):
        """Shows what is in force."""
        self.reset()
        try:
            self.form = self._kept = rows.draft(await read(policies.get))
        except NotFound:
            self.empty = self.ready = True
            return None
        self.revision, self.ready = self.revision + 1, True
        return PoliciesState.look

    @rx.event
    @requires(Role.ADMIN)
    async def window(self, key: int, field: str, text: str):
        """A time of a window."""
        return self._put(windows=rows.timed(self.form.windows, key, field, text))

    @rx.event
    @requires(Role.ADMIN)
    async def day(self, key: int, name: str):
        """A weekday of a window, on or off."""
        return self._put(windows=rows.turned(self.form.windows, key, name))

    @rx.event
    @requires(Role.ADMIN)
    async def cap(self, key: int, field: str, text: str):
        """A number of a cap, or its kind."""
        return self._put(caps=rows.capped(self.form.caps, key, field, text))

    @rx.event
    @requires(Role.ADMIN)
    async def add(self, section: str):
        """One more window or cap."""
        made = rows.with_window(self.form) if section == rows.QUIET else rows.with_cap(self.form)
        return self._put(windows=made.windows, caps=made.caps, next=made.next)

    @rx.event
    @requires(Role.ADMIN)
    async def drop(self, key: int):
        """Takes a window or cap out."""
        windows = tuple(one for one in self.form.windows if one.key != key)
        return self._put(windows=windows, caps=tuple(one for one in self.form.caps if one.key != key))

    @rx.event
    @requires(Role.ADMIN)
    async def put(self, field: str, text: str):
        """A field that stands alone."""
        return self._put(**{field: str(text)[:20]}) if field in ("error_limit", "threshold", "color") else None

    @rx.event
    @requires(Role.ADMIN)
    async def save(self, section: str):
        """Puts one section in force; the toast takes it back."""
        if (given := self._checked((section,) if section in SECTIONS else ())) is None or not given.model_fields_set:
            return None
        self._before = rows.values(self._kept, (section,))
        await self._settle(section, given)
        undo = {"label": "Undo", "on_click": PoliciesState.undo(section)}
        return [rx.toast.success(f"{rows.NAMES[section]} saved", action=undo, duration=10_000), PoliciesState.look]

    @rx.event
    @requires(Role.ADMIN)
    async def undo(self, section: str):
        """What was in force before the last save."""
        if self._before.keys() != set(SECTIONS.get(section, ())):
            return None
        await self._settle(section, parse(PoliciesIn, self._before))
        return [rx.toast.success(f"{rows.NAMES[section]} as before"), PoliciesState.look]

    @rx.event
    @requires(Role.ADMIN)
    async def discard(self, section: str):
        """Back to what is in force."""
        self.form, self.revision = rows.taken_over(self.form, self._kept, section), self.revision + 1
        return self._put()

    @rx.event(background=True)
    @requires(Role.ADMIN)
    async def look(self):
        """Plays yesterday again under the form, unless it has changed meanwhile."""
        async with self:
            given, current = self._checked(tuple(SECTIONS)), self._round
        if given is not None:
            found = await read(policy_preview.preview, PreviewIn(**dict(given)))
            async with self:
                if self._round == current:
                    self.then = rows.then(found)
                    self.form = replace(self.form, caps=rows.caps_then(self.form.caps, found.caps))

    def _put(self, **changes):
        self.form = replace(self.form, **changes)
        self.changed, self._round = rows.changed(self.form, self._kept), self._round + 1
        return PoliciesState.look

    def _checked(self, sections: tuple[str, ...]) -> PoliciesIn | None:
        """The sections as the service takes them; what is wrong is said in its place."""
        self.form, self.problems, given = rows.checked(self.form, sections)
        return given

    async def _settle(self, section: str, given: PoliciesIn):
        self._kept = rows.draft(await write(policies.put, given))
        self.form, self.revision = rows.taken_over(self.form, self._kept, section), self.revision + 1
        self.changed = rows.changed(self.form, self._kept)
