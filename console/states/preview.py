"""The notification as one person will get it, rendered and encoded by the code that sends it."""

import json
from collections.abc import Mapping
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Platform, Role
from backend.errors import Invalid, NotFound
from backend.services import inspector, subscribers
from backend.services.inspector import Preview, Whom
from backend.services.subscribers import DeviceRow
from console.components.draft import held_var
from console.rows import preview as rows
from console.rows.content_form import FieldProblem, Sent, filled_problems, parse_draft
from console.rows.payload import Payload, payload
from console.rows.preview import Choice
from console.rows.template_draft import sample_of
from console.states.base import read, requires, viewer
from console.states.compose import ComposeState

RECENT = 5


class PreviewState(rx.State):
    """What `person` gets; empty is nobody in particular. `device` is the chosen one of several."""

    person: str = ""
    label: str = ""
    recent: tuple[Choice, ...] = ()
    device: str = ""
    devices: tuple[Choice, ...] = ()
    platform: str = Platform.IOS
    payload: Payload = Payload()
    problem: str = ""
    wrong: tuple[FieldProblem, ...] = ()
    ready: bool = False
    _draft: str = "{}"

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Begins with nobody; the draft comes by `follow`."""
        self.reset()

    @rx.event
    @requires(Role.EDITOR)
    async def follow(self, draft: dict):
        """Renders what the browser holds, when another wording or language is opened there or is given to it."""
        return await self._follow(draft)

    @rx.event
    @requires(Role.EDITOR)
    async def look_as(self, person: str, device: str):
        """Renders for somebody by their user id, on that device of theirs; empty is nobody in particular."""
        self.person, self.device = str(person).strip()[:255], str(device)[:64]
        self.label = rows.called(self.person)
        self.devices = await read(_devices, self.person)
        self.platform = self._platform()
        if self.person:
            mine = Choice(self.person, self.label)
            self.recent = (mine, *(one for one in self.recent if one.id != self.person))[:RECENT]
        return await self._follow(json.loads(self._draft))

    @rx.event
    @requires(Role.EDITOR)
    async def look_on(self, device: str):
        """Renders for another device of the same person."""
        self.device = str(device)[:64]
        self.platform = self._platform()
        return await self._follow(json.loads(self._draft))

    @rx.event
    @requires(Role.EDITOR)
    async def inspect(self, platform: str):
        """Takes another platform's message apart."""
        self.platform = str(platform) if platform in set(Platform) else self.platform
        return await self._follow(json.loads(self._draft))

    async def _follow(self, draft: Mapping[str, Any]) -> Any:
        """The event that hands the browser the server's rendering of this draft."""
        compose, sent, data = await self.get_state(ComposeState), parse_draft(draft), sample_of(draft)
        if data is None and (not compose._definition() or sent.of not in ("", compose._id)):
            return None
        self._draft = json.dumps(draft)
        try:
            found = await read(_rendered, compose._id, sent, data, self.person, self.device)
        except (Invalid, NotFound) as error:
            self.problem, self.payload, self.ready, self.wrong = error.detail, Payload(), True, ()
            return held_var.push({})
        self.payload = payload(found[self.platform], viewer().app.name)
        self.problem, self.ready, self.wrong = "", True, filled_problems(sent, found)
        asked = {"edit": sent.edit, "variant": sent.variant, "language": sent.language, "device": self.device}
        return held_var.push(rows.held(asked, found))

    def _platform(self) -> str:
        """That of the chosen device, else the one that was open."""
        return next((one.platform for one in self.devices if one.id == self.device), self.platform)


def _rendered(
    work: Work, campaign_id: str, sent: Sent, data: Mapping[str, Any] | None, person: str, device: str
) -> dict[str, Preview]:
    """By platform; the chosen device stands for its own. With `data` it is a template's text, of no campaign."""
    name = sent.names[sent.variant] if sent.variant < len(sent.names) else None
    locale = sent.language or None
    asked = {str(one): Whom(user_id=person or None, platform=one, locale=locale) for one in Platform}
    if device:
        asked[inspector.seat(work, Whom(device_id=device)).row.platform] = Whom(device_id=device, locale=locale)
    if data is not None:
        return {platform: inspector.of_content(work, sent.content, whom, said=data) for platform, whom in asked.items()}
    return {
        platform: inspector.of_campaign(work, campaign_id, whom, variant=name, text=sent.content or None)
        for platform, whom in asked.items()
    }


def _devices(work: Work, person: str) -> tuple[Choice, ...]:
    """Theirs; none of somebody who is not there, which the rendering says."""
    try:
        held: tuple[DeviceRow, ...] = subscribers.get_user(work, person).devices if person else ()
    except NotFound:
        return ()
    return rows.devices(held)
