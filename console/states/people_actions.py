"""What a member does to a person's data: attributes, a test push, the export, the erasure."""

from dataclasses import asdict
from typing import Any

import orjson
import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid
from backend.services import campaigns, messages, person, subscribers
from backend.services.people import UserIn
from console import routes
from console.rows.people_actions import EMPTY, AttributeForm, Choice
from console.rows.people_person import read_value
from console.states.base import read, requires, write
from console.states.people_person import PersonState

CAMPAIGNS = 30


class PersonActionsState(rx.State):
    """The dialogs of a person's page."""

    form: AttributeForm = EMPTY
    revision: int = 0
    erasing: bool = False
    problem: str = ""
    testing: bool = False
    campaigns: tuple[Choice, ...] = ()
    tested: str = ""

    @rx.event
    @requires(Role.EDITOR)
    async def open_attribute(self, name: str, kind: str, value: str):
        """The form of one attribute; without a name, of a new one."""
        self.form = AttributeForm(True, str(name), str(kind) or "text", str(value), new=not name)
        self.revision += 1

    @rx.event
    @requires(Role.EDITOR)
    async def show_attribute(self, is_open: bool):
        self.form = self.form if is_open else EMPTY

    @rx.event
    @requires(Role.EDITOR)
    async def save_attribute(self, form: dict):
        """Writes the attribute; what is refused is said in the form."""
        name = self.form.name or str(form.get("attribute_name", "")).strip()
        kind, text = str(form.get("attribute_kind", "text")), str(form.get("attribute_value", ""))
        try:
            await self._write(name, read_value(kind, text))
        except ValueError as error:
            self.form = AttributeForm(True, self.form.name, kind, text, self.form.new, problem=str(error))
            return None
        except Invalid as error:
            said = error.errors[0].message
            self.form = AttributeForm(
                True, self.form.name, kind, text, self.form.new, problem=f"{said[:1].upper()}{said[1:]}."
            )
            return None
        self.form = EMPTY
        return rx.toast.success("Saved")

    @rx.event
    @requires(Role.EDITOR)
    async def forget_attribute(self, name: str):
        await self._write(str(name), None)
        return rx.toast.success(f"{name} removed")

    async def _write(self, name: str, value: Any):
        page = await self.get_state(PersonState)
        await write(person.change, page.shown.id, UserIn(attributes={name: value}))
        await page._read()

    @rx.event
    @requires(Role.EDITOR)
    async def export(self):
        """Everything held about the person, as a file."""
        page = await self.get_state(PersonState)
        held = await write(subscribers.export_user, page.shown.id)
        text = orjson.dumps(asdict(held), option=orjson.OPT_INDENT_2).decode()
        return rx.download(data=text, filename=f"person-{page.shown.id}.json", mime_type="application/json")

    @rx.event
    @requires(Role.ADMIN)
    async def show_erase(self, is_open: bool):
        self.erasing, self.problem = bool(is_open), ""

    @rx.event
    @requires(Role.ADMIN)
    async def erase(self, form: dict):
        """Erases the person whose id was typed."""
        page = await self.get_state(PersonState)
        if not page.shown.id or str(form.get("typed", "")).strip() != page.shown.typed:
            self.problem = f"Type {page.shown.typed} to erase this person."
            return None
        await write(subscribers.erase_user, page.shown.id)
        self.erasing, self.problem = False, ""
        return [rx.redirect(routes.PEOPLE), rx.toast.success("The person has been erased")]

    @rx.event
    @requires(Role.EDITOR)
    async def show_test(self, is_open: bool):
        """Offers the newest campaigns."""
        self.testing, self.problem, self.tested = bool(is_open), "", ""
        if is_open:
            found = await read(campaigns.listing, limit=CAMPAIGNS)
            self.campaigns = tuple(Choice(row.id, row.name) for row in found.items)

    @rx.event
    @requires(Role.EDITOR)
    async def send_test(self, form: dict):
        """Sends a campaign as it stands to this person's devices, through the real senders."""
        page = await self.get_state(PersonState)
        devices = [device.id for device in page.shown.devices if device.state == "active"]
        try:
            sent = await write(_test, str(form.get("campaign", "")), devices)
        except Invalid as error:
            self.problem = f"{error.errors[0].field}: {error.errors[0].message}"
            return
        self.problem, self.tested = "", routes.deliveries(run_id=sent.run_id)


def _test(work: Work, campaign_id: str, devices: list[str]) -> Any:
    if not devices:
        raise Invalid("devices", "this person has none that takes pushes")
    return messages.send_test(work, campaign_id, device_ids=devices)
