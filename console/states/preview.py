"""The notification as it will arrive, rendered by the code that sends it; and a test of it."""

from collections.abc import Mapping
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Platform, Role
from backend.errors import Invalid, NotFound
from backend.services import messages, preflight, segmentation
from console import routes
from console.rows.preview import NOBODY, Rendered, rendered
from console.states.base import read, requires, write
from console.states.compose import SAVED, ComposeState

EVERYBODY = {"everyone": True}
SUGGESTED = 5


class PreviewState(rx.State):
    """The rendering for `person`; empty means the text as typed."""

    person: str = ""
    people: tuple[str, ...] = ()
    shown: Rendered = NOBODY
    tested: str = ""
    test_link: str = ""

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Suggests a few people of the audience to look through."""
        self.reset()
        compose = await self.get_state(ComposeState)
        if not compose._definition():
            return
        self.people = await read(_suggested, compose._definition()["audience"])
        await self._render(compose)

    @rx.event
    @requires(Role.EDITOR)
    async def look_as(self, person: str):
        """Renders for somebody by their user id, or as typed."""
        self.person = str(person).strip()[:255]
        compose = await self.get_state(ComposeState)
        await self._render(compose)

    @rx.event
    @requires(Role.EDITOR)
    async def send_test(self, form: dict):
        """Sends the saved draft to one user's devices, through the real senders."""
        compose = await self.get_state(ComposeState)
        user = str(form.get("test_user", "")).strip()
        if not user:
            return rx.toast.warning("Enter the id of a user to send to.")
        if compose.saved != SAVED:
            return rx.toast.warning("Not saved yet: see the marked fields.")
        try:
            sent = await write(messages.send_test, compose._id, user_ids=[user])
        except Invalid as error:
            self.tested, self.test_link = "", ""
            return rx.toast.warning(error.errors[0].message if error.errors else error.detail)
        count = len(sent.deliveries)
        if not count:
            return rx.toast.warning(f"{user} has no device that can be reached.")
        self.tested = f"Sent to {count} {'device' if count == 1 else 'devices'} of {user}."
        self.test_link = routes.deliveries(run_id=sent.run_id)
        return None

    async def _render(self, compose: ComposeState):
        content, schedule = compose._content(), compose._definition()["schedule"]
        try:
            self.shown = rendered(self.person, await read(_previews, content, self.person or None, schedule))
        except NotFound as error:
            self.shown = Rendered(problem=error.detail)


def _suggested(work: Work, audience: Mapping[str, Any]) -> tuple[str, ...]:
    """People of the audience; of everybody where it is topics, of which we know no members."""
    try:
        return segmentation.suggested(work, EVERYBODY if audience.get("topics") else audience, SUGGESTED)
    except Invalid:
        return ()


def _previews(work: Work, content: Mapping[str, Any], person: str | None, schedule: Mapping[str, Any]):
    return {one.value: preflight.preview(work, content, one, person, schedule=schedule) for one in Platform}
