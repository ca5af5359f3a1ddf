"""The last look before a launch: what would happen, and the confirmation by its count."""

import re
from collections.abc import Mapping
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid
from backend.services import campaigns, preflight, timing
from backend.services.apps import AppRow
from console import routes
from console.rows import launch_words
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
        word = launch_words.action(compose._definition()["schedule"]["kind"])
        self.open, self.checking, self.typed, self.problem, self.check = True, True, "", "", Check(action=word)
        yield
        self.check = await read(_check, compose._id, compose._definition(), viewer().app)
        self.checking = False

    @rx.event
    @requires(Role.EDITOR)
    async def close(self, is_open: bool = False):
        """Also on entering the page: what was checked was another campaign, or another moment."""
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


def _check(work: Work, campaign_id: str, definition: Mapping[str, Any], app: AppRow) -> Check:
    shown = timing.preview(work, definition["schedule"])
    return check_of(preflight.preflight(work, campaign_id), shown, definition, app, work.now)
