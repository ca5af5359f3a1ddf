"""Topics as the composer offers them: those that devices are known to follow, and those that somebody has named."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from backend.domain import topic as rules
from backend.services.topics import TopicRow
from console import words


@dataclass(frozen=True, slots=True)
class TopicLine:
    """A topic, chosen or not, and how many devices are known to follow it."""

    name: str
    note: str
    chosen: bool

    def toggled(self) -> "TopicLine":
        return replace(self, chosen=not self.chosen)


def lines(known: Sequence[TopicRow], chosen: Collection[str]) -> tuple[TopicLine, ...]:
    """The known topics and, before them, those chosen of which nothing is known here."""
    names = {row.name for row in known}
    strange = [TopicLine(name, STRANGE, True) for name in chosen if name not in names]
    return (*strange, *(TopicLine(row.name, _note(row), row.name in chosen) for row in known))


STRANGE = "No device is known to follow it"


def _note(row: TopicRow) -> str:
    said = words.plural(row.subscribed, "device") + " subscribed"
    return f"{said}, {words.number(row.pending)} on the way" if row.pending else said


def chosen(shown: Sequence[TopicLine]) -> list[str]:
    return [line.name for line in shown if line.chosen]


def added(shown: Sequence[TopicLine], name: str) -> tuple[TopicLine, ...]:
    """The lines with one more topic, chosen. Raises `ValueError` with a sentence for a name that is none."""
    name = name.strip()
    if (wrong := rules.problem(name)) is not None:
        raise ValueError(f"A topic's name {wrong}.")
    if any(line.name == name for line in shown):
        return tuple(replace(line, chosen=True) if line.name == name else line for line in shown)
    return (TopicLine(name, STRANGE, True), *shown)
