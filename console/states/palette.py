"""What the palette finds as somebody types."""

import reflex as rx

from backend.domain.vocabulary import Role
from backend.errors import NotFound, TooSlow
from backend.services import finder
from console.rows.palette import Hits, hits
from console.states.base import read, requires, viewer

LONGEST = 4096
"""The address of a browser is that long."""


class PaletteState(rx.State):
    """The things that `answered`, the words typed last, found; `problem` says why there may be more."""

    hits: Hits = Hits()
    answered: str = ""
    problem: str = ""

    @rx.event
    @requires(Role.ANALYST)
    async def look_for(self, text: str):
        """A few things of each kind that these words name; without words, the newest campaigns."""
        asked = str(text)[:LONGEST]
        try:
            found = await read(finder.find, asked)
            self.hits, self.problem = hits(found, edits=viewer().may(Role.EDITOR)), ""
        except (NotFound, TooSlow) as error:
            self.hits, self.problem = Hits(), error.detail
        self.answered = asked
