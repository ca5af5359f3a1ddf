"""The rules of the send: quiet hours, caps, pace, lateness, urgency, holdout."""

import reflex as rx

from backend.domain.vocabulary import Role
from backend.services import policies
from console.rows import send_rules as rows
from console.rows.read_back import PolicyWords, policy_facts
from console.rows.send_rules import SendRules
from console.states.base import read, requires
from console.states.compose import ComposeState


class SendRulesState(rx.State):
    """Every edit is saved at once. `facts` are the app's policies for the chosen category; `zone` is the app's."""

    form: SendRules = SendRules()
    facts: PolicyWords = PolicyWords()
    zone: str = "UTC"
    revision: int = 0

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        compose = await self.get_state(ComposeState)
        if compose._definition():
            self.zone = compose._zone()
            self.form = rows.rules_of(compose._definition(), self.zone)
            self.facts = policy_facts(await read(policies.get), compose.category)
            self.revision += 1

    @rx.event
    @requires(Role.EDITOR)
    async def look(self, category: str):
        """Another category has other caps."""
        self.facts = policy_facts(await read(policies.get), str(category))

    @rx.event
    @requires(Role.EDITOR)
    async def put(self, name: str, value: str | bool):
        before, self.form = self.form, rows.put(self.form, name, value)
        compose = await self.get_state(ComposeState)
        if compose._definition() and self.form != before:
            await compose._save(rows.change_of(self.form, name, self.zone))
