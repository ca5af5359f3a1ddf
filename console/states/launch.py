"""The last look before a launch: what would happen, and the confirmation by its count."""

import re

import reflex as rx

from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid
from backend.services import campaigns, preflight
from console import routes
from console.rows.launch import Check, check_of
from console.states.base import read, requires, viewer, write
from console.states.compose import SAVED, ComposeState


class LaunchState(rx.State):
    """Open while the dialog is; `check` is the pre-flight of the saved draft."""

    open: bool = False
    checking: bool = False
    launching: bool = False
    check: Check = Check()
    typed: str = ""
    problem: str = ""

    @rx.event
    @requires(Role.EDITOR)
    async def review(self):
        """Opens the dialog and walks the whole audience through the sender's own code, writing nothing."""
        compose = await self.get_state(ComposeState)
        if compose.saved != SAVED:
            yield rx.toast.warning("Not saved yet: see the marked fields.")
            return
        self.open, self.checking, self.typed, self.problem, self.check = True, True, "", "", Check()
        yield
        found = await read(preflight.preflight, compose._id)
        self.check = check_of(found, compose._definition(), viewer().app)
        self.checking = False

    @rx.event
    @requires(Role.EDITOR)
    async def close(self, is_open: bool = False):
        self.open = bool(is_open)

    @rx.event
    @requires(Role.EDITOR)
    async def type_count(self, text: str):
        self.typed = re.sub(r"\D", "", str(text))

    @rx.event
    @requires(Role.EDITOR)
    async def launch(self):
        """Starts or schedules it for exactly the audience that was shown."""
        compose = await self.get_state(ComposeState)
        if self.launching or not self.check.possible or (self.check.must_type and self.typed != str(self.check.count)):
            return
        self.launching = True
        yield
        try:
            await write(campaigns.launch, compose._id, expected_audience=self.check.audience)
        except (Conflict, Invalid) as error:
            self.problem = error.detail
            return
        finally:
            self.launching = False
        self.open = False
        yield rx.redirect(routes.campaign(compose._id))
