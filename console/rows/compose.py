"""What the composer shows of a campaign's definition, and how an edit goes back into it.

An edit changes only the fields that the composer knows: what a program has set beside them stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from console.rows.delivery_errors import (
    NO_RULE_ERRORS,
    NO_SCHEDULE_ERRORS,
    RuleErrors,
    ScheduleErrors,
    rule_error,
    schedule_error,
    sentence_of,
)
from console.rows.steps import EXPERIMENT, step_of


@dataclass(frozen=True, slots=True)
class Errors:
    """What is wrong with a field, in its place; `other` has what no field of the form is about."""

    name: str = ""
    title: str = ""
    subtitle: str = ""
    body: str = ""
    image: str = ""
    link: str = ""
    buttons: str = ""
    extras: str = ""
    schedule: ScheduleErrors = NO_SCHEDULE_ERRORS
    rules: RuleErrors = NO_RULE_ERRORS
    audience: str = ""
    experiment: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a select."""

    value: str
    label: str


_ERROR_FIELDS: Final = {field.name for field in fields(Errors)} - {"schedule", "rules"}
_ALIASES: Final = {
    "actions": "buttons",
    "include": "audience",
    "exclude": "audience",
    "unseen_days": "audience",
}


def errors_by_field(problems: Sequence[tuple[str, str]]) -> Errors:
    """Sorts the paths of a refused definition to the form's fields; the first of a field is shown."""
    found: dict[str, str] = {}
    schedule: dict[str, str] = {}
    rules: dict[str, str] = {}
    for path, message in problems:
        if place := schedule_error(path, message):
            schedule.setdefault(*place)
        elif place := rule_error(path, message):
            rules.setdefault(*place)
        else:
            name, said = _field(path), sentence_of(message)
            found.setdefault(name, f"{path}: {message}" if name == "other" and path else said)
    return Errors(**found, schedule=ScheduleErrors(**schedule), rules=RuleErrors(**rules))


def _field(path: str) -> str:
    if step_of(path) == EXPERIMENT:
        return EXPERIMENT
    parts = [part.split("[")[0] for part in path.split(".")]
    for part in reversed(parts):
        name = _ALIASES.get(part, part)
        if name in _ERROR_FIELDS and "actions" not in parts:
            return name
    if "actions" in parts:
        return "buttons"
    return "extras" if "content" in parts else "other"
