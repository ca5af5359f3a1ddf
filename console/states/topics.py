"""Topics as the audience: which there are and which are chosen; `AudienceState` saves them with the rest."""

from collections.abc import Sequence

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.services import topic_audience, topics
from console.rows import topics as rows
from console.rows.topics import TopicLine
from console.states.audience import AudienceState
from console.states.base import read, requires
from console.states.compose import ComposeState

SHOWN = 50


class TopicsState(rx.State):
    """The topics of the campaign that `ComposeState` has opened; none are offered without an FCM credential."""

    shown: tuple[TopicLine, ...] = ()
    offered: bool = False
    problem: str = ""
    added: int = 0

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Reads the known topics and marks those of the campaign."""
        self.reset()
        compose = await self.get_state(ComposeState)
        if not compose._definition():
            return
        chosen = compose._definition()["audience"].get("topics", [])
        known, offered = await read(_known)
        self.shown, self.offered = rows.lines(known, chosen), offered or bool(chosen)

    @rx.event
    @requires(Role.EDITOR)
    async def toggle(self, name: str):
        self.shown, self.problem = tuple(one.toggled() if one.name == name else one for one in self.shown), ""
        async for step in self._store():
            yield step

    @rx.event
    @requires(Role.EDITOR)
    async def add(self, form: dict):
        """A topic that an app keeps by itself may be named as well."""
        try:
            self.shown = rows.added(self.shown, str(dict(form).get("topic", ""))[:1000])
        except ValueError as error:
            self.problem = str(error)
            return
        self.problem, self.added = "", self.added + 1
        async for step in self._store():
            yield step

    async def _store(self):
        audience = await self.get_state(AudienceState)
        audience._topics = rows.chosen(self.shown)
        async for step in audience._store():
            yield step


def _known(work: Work) -> tuple[Sequence[topics.TopicRow], bool]:
    return topics.listing(work, limit=SHOWN).items, topic_audience.offered(work)
