"""Two editors of one campaign: what the other one has saved meanwhile, and who wins where both wrote."""

import json
from dataclasses import dataclass
from typing import Any

import reflex as rx

from backend.domain.three_way import Side
from backend.domain.vocabulary import Role
from backend.services import clashes
from console.rows import clash as rows
from console.rows.clash import ClashLine
from console.states.base import requires


@dataclass(frozen=True, slots=True)
class Ground:
    """A saved version of the campaign's definition, as JSON: what edits are made from."""

    version: int = 0
    text: str = "{}"


def definition_of(ground: Ground) -> dict[str, Any]:
    """The document itself: a state would hand it out wrapped."""
    return json.loads(ground.text)


class ClashState(rx.State):
    """`lines` wait for a decision, `left` of them still; `news` is what the other one changed and nobody disputes. The panels take their
    values anew with each `revision`; the words that may be being typed only when `waiting` is answered."""

    lines: tuple[ClashLine, ...] = ()
    left: int = 0
    news: tuple[str, ...] = ()
    waiting: bool = False
    revision: int = 0
    _base: Ground = Ground()
    _theirs: Ground = Ground()
    _chosen: dict[tuple[str, ...], str] = {}  # noqa: RUF012 - Reflex copies the defaults of a state

    @rx.event
    @requires(Role.EDITOR)
    async def choose(self, key: str, side: str):
        """Whose value shall stand in one field; an empty key means in all of them."""
        if side not in tuple(Side):
            return
        keys = [str(key)] if key else [line.key for line in self.lines]
        self._chosen = {**self._chosen, **{rows.path_of(one): side for one in keys}}
        self._show(tuple(rows.decided(line, side) if line.key in keys else line for line in self.lines))

    @rx.event
    @requires(Role.EDITOR)
    async def seen(self):
        """The news has been read."""
        self.news, self.waiting = (), False

    def _lay(self, base: Ground, mine: dict[str, Any], theirs: Ground) -> dict[str, Any] | None:
        """Mine and theirs as one definition; None while somebody has to decide, and then `lines` say what."""
        if theirs.version != self._theirs.version:
            self._chosen = {}
        self._base, self._theirs = base, theirs
        merged = clashes.merge(definition_of(base), mine, definition_of(theirs), {})
        self._show(rows.clash_lines(merged.clashes, self._chosen, len(mine["variants"])))
        if merged.clashes:
            return None
        self._tell()
        return merged.value

    def _show(self, lines: tuple[ClashLine, ...]):
        self.lines, self.left = lines, sum(not line.chosen for line in lines)

    def _settled(self, mine: dict[str, Any]) -> dict[str, Any] | None:
        """The definition as decided; None while something is left open."""
        chosen = {path: Side(side) for path, side in self._chosen.items()}
        merged = clashes.merge(definition_of(self._base), mine, definition_of(self._theirs), chosen)
        if merged.clashes:
            return None
        self._tell()
        self._chosen = {}
        self._show(())
        return merged.value

    def _tell(self):
        """Says what came in from the other side, and lets the panels show it."""
        base, theirs = definition_of(self._base), definition_of(self._theirs)
        paths = clashes.differing(base, theirs)
        self.news = rows.news(paths, len(theirs["variants"]))
        self.waiting = any(path[:1] == ("variants",) for path in paths)
        self.revision += 1
