"""Whom to look through: a few telling people of the audience, and anybody that a member looks for."""

import reflex as rx

from backend.domain.vocabulary import Platform, Role
from backend.errors import Invalid, NotFound, TooSlow
from backend.services import people_search, telling
from console import words
from console.rows.content_form import parse_draft
from console.rows.preview import Card, Choice, cards, people
from console.states.base import read, requires
from console.states.compose import ComposeState

FOUND = 8
NOTHING = dict.fromkeys(map(str, Platform), 0)
LONGEST = 255


class TellingState(rx.State):
    """The strip, and the search. `largest` are by platform the most bytes of those looked at, who are `looked`."""

    cards: tuple[Card, ...] = ()
    ready: bool = False
    largest: dict[str, int] = NOTHING
    looked: str = ""
    found: tuple[Choice, ...] = ()
    answered: str = ""

    @rx.event
    @requires(Role.EDITOR)
    async def load(self):
        """Begins with nobody; the draft comes by `look`."""
        self.reset()

    @rx.event
    @requires(Role.EDITOR)
    async def look(self, draft: dict):
        """Looks over the audience of the campaign that is open, for the wording that is open in the browser."""
        compose, sent = await self.get_state(ComposeState), parse_draft(draft)
        if not compose._definition() or sent.of not in ("", compose._id):
            return
        name = sent.names[sent.variant] if sent.variant < len(sent.names) else None
        try:
            seen = await read(telling.recipients, compose._id, variant=name, text=sent.content or None)
        except (Invalid, NotFound):
            return
        self.cards, self.largest, self.ready = cards(seen), NOTHING | seen.largest, True
        self.looked = words.plural(seen.looked, "device")

    @rx.event
    @requires(Role.EDITOR)
    async def look_for(self, text: str):
        """A few people whom the text names, by an id, an address or an attribute; without one, those active last."""
        asked = str(text).strip()[:LONGEST]
        try:
            self.found = people((await read(people_search.search, asked, limit=FOUND)).items)
        except (Invalid, NotFound, TooSlow):
            self.found = ()
        self.answered = asked
