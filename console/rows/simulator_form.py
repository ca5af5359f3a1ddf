"""The knobs as a form in plain words, and the form as knobs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from backend.simulator import behaviour as simulated
from backend.simulator.behaviour import KNOBS, Knob
from backend.simulator.faults import CATALOGUE, Fault
from backend.simulator.wire import Host
from console.rows.simulator import HOST, SERVICE

EVERYWHERE = ""
PLACES = ((EVERYWHERE, "All hosts"), *((str(host), HOST[host]) for host in simulated.HOSTS))
SHARE, NUMBER, SWITCH, CHOICE = "share", "number", "switch", "choice"
DOWN_AS = {"refused": "Nobody listens", "reset": "Connections are reset", "silent": "Silence"}
YES, NO, INHERIT = "yes", "no", ""

_GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Speed",
        (("latency_ms", "Each answer waits", "ms"), ("jitter_ms", "and up to so much more", "ms")),
    ),
    (
        "Lost answers",
        (
            ("refuse", "Refused unseen", "%"),
            ("reset_before_accept", "Reset unseen", "%"),
            ("reset_after_accept", "Accepted, then reset", "%"),
            ("hang_up_after_accept", "Accepted, then cut off", "%"),
            ("silence_after_accept", "Accepted, never answered", "%"),
        ),
    ),
    (
        "Connections",
        (
            ("goaway_every", "Retire a connection after", "requests"),
            ("goaway_graceful", "Retire in two steps", ""),
            ("streams", "Requests open at once", "requests"),
            ("down_seconds", "Down for", "s"),
            ("down_as", "What clients meet then", ""),
        ),
    ),
    (
        "Clocks and tokens",
        (
            ("clock_skew_seconds", "Clock ahead by", "s"),
            ("provider_token_seconds", "Apple's tokens expire after", "s"),
            ("token_updates", "Apple minds frequent tokens", ""),
            ("access_token_seconds", "Google's tokens live", "s"),
            ("access_token_announced", "and are said to live", "s"),
            ("retry_after_dates", "Retry-After as a date", ""),
        ),
    ),
    (
        "Limits",
        (
            ("device_per_minute", "One device may get", "a minute"),
            ("fcm_per_minute", "The FCM project may send", "a minute"),
        ),
    ),
    (
        "Devices and people",
        (
            ("gone_seconds", "Dead devices are gone for", "s"),
            ("receipt_slowness", "People take their time", "×"),
            ("seed", "Seed of chance and people", ""),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Option:
    """One of a few words."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """A knob: its label, what it does, its value here and what holds without one."""

    name: str
    label: str
    help: str
    unit: str
    kind: str
    value: str
    otherwise: str
    options: tuple[Option, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Knobs that belong together; `note` names those that are turned."""

    title: str
    fields: tuple[Field, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A share of good requests that one service answers otherwise. `known` ones are in the catalogue."""

    number: int
    answer: str
    share: str = ""
    wait: str = ""
    known: bool = True
    label: str = ""
    error: str = ""


def groups(behaviour: Mapping[str, Any], place: str, *, down: bool) -> tuple[Group, ...]:
    """The knobs of one host, or of all; an outage that is over is not asked for again."""
    made = []
    for title, knobs in _GROUPS:
        fields = [_field(behaviour, place, each, down=down) for each in knobs if not place or KNOBS[each[0]].local]
        if fields:
            made.append(Group(title, tuple(fields), " · ".join(_turned(field) for field in fields if field.value)))
    return tuple(made)


def _field(behaviour: Mapping[str, Any], place: str, row: tuple[str, str, str], *, down: bool) -> Field:
    name, label, unit = row
    default = simulated.default(name)
    value = behaviour["only"].get(place, {}).get(name) if place else behaviour[name]
    if name == "down_seconds" and not down:
        value = None if place else default
    kind = _kind(name, default)
    above = behaviour[name] if place else default
    shown = "" if value is None or (value == default and not place) else _shown(kind, value)
    otherwise = _word(kind, above)
    options = _options(kind, f"{otherwise} ({'as elsewhere' if place else 'default'})")
    return Field(name, label, KNOBS[name].says, unit, kind, shown, otherwise, options)


def _turned(field: Field) -> str:
    chosen = next((option.label for option in field.options if option.value == field.value), field.value)
    return f"{field.label}: {chosen} {field.unit}".rstrip()


def _kind(name: str, default: Any) -> str:
    if isinstance(default, bool):
        return SWITCH
    if isinstance(default, str):
        return CHOICE
    return SHARE if KNOBS[name].most == 1.0 else NUMBER


def _shown(kind: str, value: Any) -> str:
    """The value as the form writes it."""
    if kind == SWITCH:
        return YES if value else NO
    if kind == CHOICE:
        return str(value)
    return f"{value * 100 if kind == SHARE else value:.10g}"


def _word(kind: str, value: Any) -> str:
    """What holds while the field is empty."""
    if kind == SWITCH:
        return "Yes" if value else "No"
    return DOWN_AS[value] if kind == CHOICE else _shown(kind, value)


def _options(kind: str, otherwise: str) -> tuple[Option, ...]:
    choices = {SWITCH: {YES: "Yes", NO: "No"}, CHOICE: DOWN_AS}.get(kind, {})
    if not choices:
        return ()
    return (Option(INHERIT, otherwise), *(Option(value, label) for value, label in choices.items()))


def answers(behaviour: Mapping[str, Any]) -> tuple[Answer, ...]:
    """The mix, a line each."""
    lines = []
    for service, faults in behaviour["mix"].items():
        for text, share in faults.items():
            fault, wait = text.partition("@")[::2]
            known = fault in CATALOGUE.get(service, ())
            label = _label(service, fault)
            lines.append(Answer(len(lines), f"{service}:{fault}", _shown(SHARE, share), wait, known, label))
    return tuple(lines)


def knobs_of(
    behaviour: Mapping[str, Any], place: str, form: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The behaviour with this host's knobs as the form says, and what is wrong by field; nothing is wrong or nothing
    may be set.
    """
    own: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for _, knobs in _GROUPS:
        for name, *_ in knobs:
            text = str(form.get(name, "")).strip()
            if text and (not place or KNOBS[name].local):
                try:
                    own[name] = _read(name, text)
                except ValueError as error:
                    wrong[name] = str(error)
    if not place:
        return {**own, "mix": behaviour["mix"], "only": behaviour["only"]}, wrong
    only = {host: knobs for host, knobs in behaviour["only"].items() if host != place}
    return {**behaviour, "only": only | ({place: own} if own else {})}, wrong


def _read(name: str, text: str) -> Any:
    """Raises `ValueError` with a sentence."""
    knob, default = KNOBS[name], simulated.default(name)
    kind = _kind(name, default)
    if kind == SWITCH:
        return text == YES
    if kind == CHOICE:
        return text
    value = _number(text, whole=isinstance(default, int))
    value = value / 100 if kind == SHARE else value
    if not knob.least <= value <= knob.most:
        raise ValueError(_range(knob, kind))
    return value


def _number(text: str, *, whole: bool) -> float:
    try:
        return int(text) if whole else float(text.replace(",", "."))
    except ValueError as error:
        raise ValueError("Type a whole number." if whole else "Type a number.") from error


def _range(knob: Knob, kind: str) -> str:
    least, most = (0.0, 100.0) if kind == SHARE else (knob.least, knob.most)
    return f"Between {least:g} and {most:g}." if most < float("inf") else f"Not below {least:g}."


def mix_of(
    lines: tuple[Answer, ...], form: Mapping[str, Any]
) -> tuple[dict[str, dict[str, float]], tuple[Answer, ...]]:
    """The mix as the form says, and its lines with what is wrong with them."""
    mix: dict[str, dict[str, float]] = {}
    checked = []
    for line in lines:
        try:
            _add(mix, line, form)
            checked.append(replace(line, error=""))
        except ValueError as error:
            checked.append(replace(line, error=str(error)))
    return mix, tuple(checked)


def _add(mix: dict[str, dict[str, float]], line: Answer, form: Mapping[str, Any]) -> None:
    """Raises `ValueError` with a sentence."""
    asked = {
        name: str(form.get(f"{name}_{line.number}", getattr(line, name))).strip()
        for name in ("answer", "share", "wait")
    }
    service, _, fault = asked["answer"].partition(":")
    text = fault + _wait(asked["wait"])
    Fault.parse(text)
    own = mix.setdefault(service, {})
    own[text] = own.get(text, 0.0) + _share(asked["share"])
    if sum(own.values()) > 1 + 1e-9:
        raise ValueError("The shares of one provider come to more than 100%.")


def _wait(text: str) -> str:
    return f"@{_number(text, whole=True)}" if text else ""


def _share(text: str) -> float:
    share = _number(text or "0", whole=False) / 100
    if not 0 <= share <= 1:
        raise ValueError("Between 0 and 100%.")
    return share


def choices() -> tuple[tuple[str, tuple[Option, ...]], ...]:
    """What may be answered, by service."""
    return tuple(
        (SERVICE[service], tuple(Option(f"{service}:{fault}", _label(service, fault)) for fault in faults))
        for service, faults in CATALOGUE.items()
    )


def _label(service: str, fault: str) -> str:
    """`FCM · 503 UNAVAILABLE`; a number is autopush's own name of an error."""
    status, _, reason = fault.partition("/")
    return f"{SERVICE[service]} · {status} {'errno ' if reason.isdecimal() else ''}{reason}".rstrip()


def with_errors(groups_: tuple[Group, ...], wrong: Mapping[str, str]) -> tuple[Group, ...]:
    """The same fields, each with what is wrong with it."""
    return tuple(
        replace(group, fields=tuple(replace(field, error=wrong.get(field.name, "")) for field in group.fields))
        for group in groups_
    )


FIRST = Answer(0, f"{Host.APNS}:{CATALOGUE[Host.APNS][-3]}", "5")
"""What a new line begins with."""
