"""For how long an app keeps what, in words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from backend.services.retention import KEPT

INTRODUCTION: Final = (
    "What is older is removed within hours. An empty field keeps it for ever. Deliveries and receipts are never deleted, "
    "because reports are counted from them; profiles, devices, preferences and consents stay until a person is erased."
)
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "events": ("Events", "Rules that look further back than this find nothing."),
    "deliveries": ("Whom a push went to", "After that a delivery is only a count: no person, no device. Totals stay; people's histories and rules on old pushes lose it. At least 30."),
    "attempts": ("Answers of providers", "Raw replies to pushes that were not taken, and dead letters. A dead letter that is gone cannot be retried."),
    "imports": ("Refused rows of imports", "What stood in lines of a file that were not taken. How many there were stays."),
    "audit": ("Audit trail", "Who did what in this app. At least 90."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A kind of thing and its days as the form has them; empty is for ever."""

    field: str
    label: str
    help: str
    days: str
    problem: str = ""


def kept_lines(retention: Mapping[str, int | None]) -> tuple[KeptLine, ...]:
    return tuple(KeptLine(f"kept_{name}", *WORDS[name], _written(retention[name])) for name in KEPT)


def _written(days: int | None) -> str:
    return "" if days is None else str(days)


def read_days(lines: tuple[KeptLine, ...], form: Mapping[str, object]) -> dict[str, int | str | None]:
    """Days by kind; text that is no number stays as it is, for the service to refuse."""
    given = {line.field.removeprefix("kept_"): str(form.get(line.field, "")).strip() for line in lines}
    return {name: int(text) if text.isascii() and text.isdigit() else text or None for name, text in given.items()}


def refused(
    lines: tuple[KeptLine, ...], form: Mapping[str, object], problems: Mapping[str, str]
) -> tuple[KeptLine, ...]:
    """The lines as they were typed, each with what is wrong with it."""
    return tuple(
        replace(
            line,
            days=str(form.get(line.field, "")).strip(),
            problem=problems.get(f"retention.{line.field.removeprefix('kept_')}", ""),
        )
        for line in lines
    )
