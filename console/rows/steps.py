"""The five steps of the composer: which are done, what is missing, and where something is wrong."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from backend.domain import schedule as timing
from backend.domain import schedule_words
from backend.errors import FieldError
from console import words
from console.rows.experiment import split_words

AUDIENCE, MESSAGE, EXPERIMENT, DELIVERY, LAUNCH = STEPS = ("audience", "message", "experiment", "delivery", "launch")
LABELS: Final = {
    AUDIENCE: "Audience",
    MESSAGE: "Message",
    EXPERIMENT: "Experiment",
    DELIVERY: "Delivery",
    LAUNCH: "Pre-flight & launch",
}
DONE, MISSING, WRONG = "done", "missing", "wrong"
_EXPERIMENT: Final = re.compile(r"variants(\[\d+\](\.(name|weight|template_id).*)?)?$|holdout_percent|experiment")
_WORDY: Final = ("title", "body", "title_loc_key", "body_loc_key")


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a step is: done, missing something, or wrong so many times; `note` says it in words."""

    state: str = MISSING
    note: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Marks:
    """All five, by their names."""

    audience: Mark = Mark()
    message: Mark = Mark()
    experiment: Mark = Mark()
    delivery: Mark = Mark()
    launch: Mark = Mark()


@dataclass(frozen=True, slots=True)
class Whom:
    """What is known of the audience beside the definition: how many it is, and what keeps it from being saved."""

    devices: int | None = None
    problem: str = ""


def marks(
    typed: Mapping[str, Any],
    saved: Mapping[str, Any],
    errors: Sequence[FieldError],
    whom: Whom,
    *,
    state: str,
    now: datetime,
) -> Marks:
    """The one place where steps are judged: the definition as `typed`, what of it was refused with which `errors`,
    and as it was last `saved`."""
    wrong = {name: [one for one in errors if step_of(one.field) == name] for name in STEPS}
    judged = {
        AUDIENCE: _audience(saved["audience"], whom),
        MESSAGE: _message(typed["variants"]),
        EXPERIMENT: Mark(DONE, split_words(saved)),
        DELIVERY: _delivery(saved["schedule"], now),
    }
    found = {name: _refused(wrong[name]) if wrong[name] else mark for name, mark in judged.items()}
    return Marks(**found, launch=_launch(list(found.values()), state))


def first_open(found: Marks) -> str:
    """The first step that is not done: where the composer opens."""
    return next((name for name in STEPS if getattr(found, name).state != DONE), LAUNCH)


def step_of(path: str) -> str:
    """The step in which a field of the definition is written; the name of the campaign is in none."""
    head = re.split(r"[.\[]", path, maxsplit=1)[0]
    if _EXPERIMENT.match(path):
        return EXPERIMENT
    known = {"audience": AUDIENCE, "variants": MESSAGE, "category": MESSAGE, "name": ""}
    return known.get(head, DELIVERY)


def _refused(errors: Sequence[FieldError]) -> Mark:
    return Mark(WRONG, words.plural(len(errors), "field needs another value", "fields need another value"), len(errors))


def _audience(audience: Mapping[str, Any], whom: Whom) -> Mark:
    if whom.problem:
        return Mark(WRONG, whom.problem, 1)
    if not (audience["everyone"] or audience["include"] or audience.get("topics")):
        return Mark(MISSING, "Choose whom it is for")
    if whom.devices == 0:
        return Mark(MISSING, "Nobody can be reached")
    return Mark(DONE, "Everyone" if audience["everyone"] else "Chosen")


def _message(variants: Sequence[Mapping[str, Any]]) -> Mark:
    silent = [one["name"] for one in variants if not (one.get("template_id") or _speaks(one.get("content") or {}))]
    if not silent:
        return Mark(DONE, "Written")
    if len(variants) == 1:
        return Mark(MISSING, "Write a title or a text")
    return Mark(MISSING, f"{', '.join(silent)} {'says' if len(silent) == 1 else 'say'} nothing yet")


def _speaks(content: Mapping[str, Any]) -> bool:
    """Whether any platform would show something; whether all do, the pre-flight tells."""
    layers = [content, *(content.get(platform) or {} for platform in ("ios", "android", "web"))]
    return any(layer.get("silent") or any(layer.get(name) for name in _WORDY) for layer in layers)


def _delivery(schedule: Mapping[str, Any], now: datetime) -> Mark:
    if timing.has_passed(schedule, now):
        return Mark(MISSING, "Its time has passed")
    return Mark(DONE, schedule_words.in_words(schedule).rstrip("."))


def _launch(before: Sequence[Mark], state: str) -> Mark:
    if state != "draft":
        return Mark(DONE, "Launched")
    open_steps = sum(mark.state != DONE for mark in before)
    if open_steps:
        return Mark(MISSING, f"{words.plural(open_steps, 'step')} before it")
    return Mark(MISSING, "Check it, then launch")
