"""Policies as a form holds them: windows, caps and limits as typed, and what they would have changed yesterday."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from backend.domain.quiet import WEEKDAYS
from backend.errors import FieldError, Invalid
from backend.services import policy_words
from backend.services.fields import parse
from backend.services.policies import Policies, PoliciesIn
from backend.services.policy_preview import CapThen, PolicyPreview
from console import words

QUIET, CAPS, GUARD, LOOK = "quiet", "caps", "guard", "look"
SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    QUIET: ("quiet_hours",),
    CAPS: ("caps",),
    GUARD: ("error_limit_percent", "launch_threshold"),
    LOOK: ("color",),
}
NAMES: Final = {QUIET: "Quiet hours", CAPS: "Caps", GUARD: "Guardrails", LOOK: "Look"}
KINDS: Final = {"rolling": "In so many hours", "daily": "In a calendar day", "gap": "Gap between pushes"}


@dataclass(frozen=True, slots=True)
class DayMark:
    """A weekday of a window, on or off."""

    name: str
    short: str
    word: str
    on: bool


@dataclass(frozen=True, slots=True)
class WindowLine:
    """A window as typed; `key` is its own as long as the form is open."""

    key: int = 0
    start: str = "22:00"
    end: str = "08:00"
    days: tuple[DayMark, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class CapLine:
    """A cap as typed: `pushes` and `hours` of a rolling one, `pushes` of a daily one, `minutes` of a gap."""

    key: int = 0
    kind: str = "rolling"
    pushes: str = "3"
    hours: str = "24"
    minutes: str = "60"
    problem: str = ""
    then: str = ""


@dataclass(frozen=True, slots=True)
class PolicyDraft:
    """The form; `next` is the key of the next line."""

    windows: tuple[WindowLine, ...] = ()
    caps: tuple[CapLine, ...] = ()
    error_limit: str = ""
    threshold: str = ""
    color: str = ""
    next: int = 0


@dataclass(frozen=True, slots=True)
class Changed:
    """Which sections differ from what is in force."""

    quiet: bool = False
    caps: bool = False
    guard: bool = False
    look: bool = False
    any: bool = False


@dataclass(frozen=True, slots=True)
class PolicyProblems:
    """What is wrong with the fields that stand alone, and with a section as a whole."""

    quiet: str = ""
    caps: str = ""
    error_limit: str = ""
    threshold: str = ""
    color: str = ""


@dataclass(frozen=True, slots=True)
class Then:
    """What the form would have changed yesterday; empty while it is being found out."""

    day: str = ""
    sent: str = ""
    quiet: str = ""
    caps: str = ""
    error_limit: str = ""
    threshold: str = ""
    note: str = ""


def draft(kept: Policies) -> PolicyDraft:
    """The form of what is in force."""
    windows = tuple(window_line(number, row) for number, row in enumerate(kept.quiet_hours))
    caps = tuple(cap_line(100 + number, row) for number, row in enumerate(kept.caps))
    limits = str(kept.error_limit_percent), str(kept.launch_threshold)
    return PolicyDraft(windows, caps, *limits, kept.color or "", 1_000)


def window_line(key: int, row: Mapping[str, Any]) -> WindowLine:
    chosen = row.get("days") or WEEKDAYS
    return WindowLine(key, row["start"], row["end"], marks(chosen))


def marks(chosen: Iterable[str]) -> tuple[DayMark, ...]:
    on = set(chosen)
    return tuple(DayMark(name, policy_words.SHORT[name][:2], policy_words.DAYS[name], name in on) for name in WEEKDAYS)


def cap_line(key: int, row: Mapping[str, Any]) -> CapLine:
    given = {name: str(row[name]) for name in ("pushes", "hours", "minutes") if name in row}
    return CapLine(key, row["kind"], **given)


def cap_json(line: CapLine) -> dict[str, Any]:
    """A cap as the service takes it; text that is no number stays, to be refused."""
    needs = {"rolling": ("pushes", "hours"), "daily": ("pushes",), "gap": ("minutes",)}[line.kind]
    return {"kind": line.kind, **{name: whole(getattr(line, name)) for name in needs}}


def window_json(line: WindowLine) -> dict[str, Any]:
    """A window as the service takes it."""
    on = [mark.name for mark in line.days if mark.on]
    return {"start": line.start, "end": line.end, **({} if len(on) == len(WEEKDAYS) else {"days": on})}


def whole(text: str) -> int | str:
    stripped = text.strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) < 12 else stripped


def values(form: PolicyDraft, sections: Iterable[str] = tuple(SECTIONS)) -> dict[str, Any]:
    """These sections of the form as the service takes them."""
    every: dict[str, Any] = {
        "quiet_hours": [window_json(line) for line in form.windows],
        "caps": [cap_json(line) for line in form.caps],
        "error_limit_percent": whole(form.error_limit),
        "launch_threshold": whole(form.threshold),
        "color": form.color.strip() or None,
    }
    return {name: every[name] for section in sections for name in SECTIONS[section]}


def changed(form: PolicyDraft, kept: PolicyDraft) -> Changed:
    """Which sections say something else than what is in force."""
    differ = {section: values(form, (section,)) != values(kept, (section,)) for section in SECTIONS}
    return Changed(**differ, any=any(differ.values()))


def taken_over(form: PolicyDraft, kept: PolicyDraft, section: str) -> PolicyDraft:
    """The form with one section as it is in force."""
    match section:
        case "quiet":
            return replace(form, windows=kept.windows)
        case "caps":
            return replace(form, caps=kept.caps)
        case "guard":
            return replace(form, error_limit=kept.error_limit, threshold=kept.threshold)
        case _:
            return replace(form, color=kept.color)


def with_window(form: PolicyDraft) -> PolicyDraft:
    """One more window: the night, or what many add to it."""
    line = WindowLine(form.next, days=marks(WEEKDAYS))
    return replace(form, windows=(*form.windows, line), next=form.next + 1)


def with_cap(form: PolicyDraft) -> PolicyDraft:
    return replace(form, caps=(*form.caps, CapLine(form.next)), next=form.next + 1)


def timed(lines: Sequence[WindowLine], key: int, field: str, text: str) -> tuple[WindowLine, ...]:
    """The windows with another `start` or `end` of one."""
    changes = {field: text[:5]} if field in ("start", "end") else {}
    return tuple(replace(line, **changes) if line.key == key else line for line in lines)


def turned(lines: Sequence[WindowLine], key: int, day: str) -> tuple[WindowLine, ...]:
    """The windows with one weekday of one the other way."""
    return tuple(
        replace(line, days=tuple(replace(one, on=one.on != (one.name == day)) for one in line.days))
        if line.key == key
        else line
        for line in lines
    )


def capped(lines: Sequence[CapLine], key: int, field: str, text: str) -> tuple[CapLine, ...]:
    """The caps with another kind or number of one."""
    known = text in KINDS if field == "kind" else field in ("pushes", "hours", "minutes")
    changes = {field: text[:11]} if known else {}
    return tuple(replace(line, **changes) if line.key == key else line for line in lines)


def refused(form: PolicyDraft, errors: Sequence[FieldError]) -> tuple[PolicyDraft, PolicyProblems]:
    """The form with what is wrong beside each line and field; windows without a day are found here."""
    told = {error.field: sentence(error.message) for error in errors}
    windows = tuple(
        replace(line, problem=_of(told, f"quiet_hours[{number}]") if _any_day(line) else "Choose at least one day.")
        for number, line in enumerate(form.windows)
    )
    problems = PolicyProblems(
        quiet=told.get("quiet_hours", ""),
        caps=told.get("caps", ""),
        error_limit="Enter a whole number from 0 to 100." if "error_limit_percent" in told else "",
        threshold="Enter a whole number of at least 1." if "launch_threshold" in told else "",
        color="Write a colour as #rrggbb." if "color" in told else "",
    )
    return replace(form, windows=windows, caps=cap_problems(form.caps, errors)), problems


def cap_problems(lines: Sequence[CapLine], errors: Sequence[FieldError]) -> tuple[CapLine, ...]:
    """The caps, each with what is wrong with it."""
    told = {error.field: sentence(error.message) for error in errors}
    return tuple(
        replace(line, problem="Enter whole numbers of at least 1." if _of(told, f"caps[{number}]") else "")
        for number, line in enumerate(lines)
    )


def checked(form: PolicyDraft, sections: Sequence[str]) -> tuple[PolicyDraft, PolicyProblems, PoliciesIn | None]:
    """The form and its problems, and these sections as the service takes them, unless one of them is wrong."""
    given, errors = None, []
    try:
        given = parse(PoliciesIn, values(form, sections))
    except Invalid as error:
        errors = error.errors
    told, problems = refused(form, errors)
    dayless = QUIET in sections and not all(map(_any_day, form.windows))
    return told, problems, None if dayless else given


def _any_day(line: WindowLine) -> bool:
    return any(one.on for one in line.days)


def _of(told: Mapping[str, str], place: str) -> str:
    """What is said of a line or one of its fields."""
    found = [message for field, message in told.items() if field == place or field.startswith(place + ".")]
    return found[0] if found else ""


def sentence(message: str) -> str:
    return f"{message[:1].upper()}{message[1:]}."


def then(found: PolicyPreview) -> Then:
    """What a preview says, section by section."""
    sent = f"{words.plural(found.pushes, 'push', 'pushes')} to {words.plural(found.people, 'person', 'people')}"
    both = [one.text for one in found.caps if one.cap is None]
    return Then(
        day=f"{found.day:%A}, {_day(found.day)}, {found.timezone}",
        sent=sent if found.pushes else "nothing was sent",
        quiet=found.quiet_hours.text if found.quiet_hours else "",
        caps=f"Together: {both[0][:1].lower()}{both[0][1:]}" if both else "",
        error_limit=found.error_limit_percent.text if found.error_limit_percent else "",
        threshold=found.launch_threshold.text if found.launch_threshold else "",
        note=found.note,
    )


def caps_then(lines: Sequence[CapLine], found: Sequence[CapThen]) -> tuple[CapLine, ...]:
    """The caps, each with what it would have done."""
    told = {tuple(sorted(one.cap.items())): one.text for one in found if one.cap is not None}
    return tuple(replace(line, then=told.get(tuple(sorted(cap_json(line).items())), "")) for line in lines)


def _day(day: date) -> str:
    return f"{day.day} {day:%B}"
