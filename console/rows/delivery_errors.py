"""What is wrong with a schedule or a rule of the send, in its place in the form and in the form's own words."""

import re
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"[a-z_]+\.[a-z_]")


@dataclass(frozen=True, slots=True)
class ScheduleErrors:
    """By the form's fields; `whole` is about the schedule as such."""

    whole: str = ""
    at: str = ""
    wall: str = ""
    date: str = ""
    rule: str = ""
    start: str = ""
    zone: str = ""
    until: str = ""
    exclude: str = ""
    event: str = ""
    where: str = ""
    delay: str = ""
    cancel: str = ""
    unless: str = ""
    again: str = ""


@dataclass(frozen=True, slots=True)
class RuleErrors:
    """By the form's fields."""

    throttle: str = ""
    spread: str = ""
    late: str = ""
    not_after: str = ""
    holdout: str = ""


NO_SCHEDULE_ERRORS: Final = ScheduleErrors()
NO_RULE_ERRORS: Final = RuleErrors()
NUMBER: Final = "Write a whole number, or nothing for no limit."
_DAY: Final = "Choose a day and a time."
_CONDITION: Final = "Each condition needs a property of its own and a value of its kind."
_SCHEDULE: Final = {
    "": ("whole", ""),
    "kind": ("whole", ""),
    "at": ("at", "Choose a day, a time, and a zone such as Europe/Warsaw."),
    "wall": ("wall", "Choose a time."),
    "past": ("wall", ""),
    "date": ("date", "Choose a day."),
    "rrule": ("rule", ""),
    "start": ("start", _DAY),
    "zone": ("zone", "Choose a zone such as Europe/Warsaw."),
    "until": ("until", "Choose the last day."),
    "exclude": ("exclude", "Choose days, each as one date; there can be 366."),
    "event": ("event", "Choose the event that starts it."),
    "where": ("where", _CONDITION),
    "delay_seconds": ("delay", "Write a whole number; a year at most."),
    "cancel_event": ("cancel", "Name the event, or leave the field empty."),
    "cancel_where": ("unless", _CONDITION),
    "reentry": ("again", "Write a whole number of days, 1 to 3650."),
}
_RULES: Final = {
    "throttle_per_minute": "throttle",
    "spread_minutes": "spread",
    "late": "late",
    "not_after": "not_after",
    "holdout_percent": "holdout",
}
_NO_NUMBER: Final = {
    "throttle": NUMBER,
    "spread": "Write a whole number of minutes up to 1440, or nothing to send without a spread.",
    "late": "Write a whole number of minutes.",
    "holdout": "Write a number from 0 to 99.9.",
}
_RULE_WORDS: Final = (
    ("INTERVAL", "Write a whole number for how often, from 1 on."),
    ("COUNT", "Write a whole number of times, 1 to 10000."),
    ("BYMONTHDAY", "Write a day of the month: 1 to 31, or -1 for the last one."),
    ("BYMINUTE", "Several times of one day must share their minutes, such as 09:30 and 17:30."),
    ("BYHOUR", "Choose each time of the day."),
    ("must not be empty", "Write a rule, such as FREQ=WEEKLY;BYDAY=TU."),
    ("never comes up", "No date fits these days."),
)


def schedule_error(path: str, message: str) -> tuple[str, str] | None:
    """(field, sentence) of a refusal at `schedule.…`; None for any other path."""
    first, _, rest = path.partition(".")
    if first != "schedule":
        return None
    field, sentence = _SCHEDULE.get(rest.split(".")[0].split("[")[0], ("whole", ""))
    if field == "unless" and "cancel_event" in message:
        return field, "Name the event that calls it off first."
    if field == "rule":
        sentence = next((said for fragment, said in _RULE_WORDS if fragment in message), "")
    return field, sentence or sentence_of(message)


def rule_error(path: str, message: str) -> tuple[str, str] | None:
    """The same for a rule of the send."""
    field = _RULES.get(path.partition(".")[0])
    if field is None:
        return None
    if field == "not_after" and "offset" not in message and "RFC" not in message:
        return field, sentence_of(message)
    if field == "not_after":
        return field, _DAY
    number = message.startswith(("must be a whole number", "must be a number", "must be greater than"))
    beyond = field in ("spread", "holdout") and message.startswith("must be less than")
    return field, _NO_NUMBER[field] if number or beyond else sentence_of(message)


def sentence_of(message: str) -> str:
    """`must not be empty` as a sentence of its own; a name such as `user.name` at its start stays as it is written."""
    named = _NAME.match(message) is not None
    begun = message if named else message[:1].upper() + message[1:]
    return begun + ("" if message.endswith((".", "!", "?")) else ".")
