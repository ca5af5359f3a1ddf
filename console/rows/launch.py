"""A pre-flight in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain.vocabulary import AddressKind, Platform
from backend.services.apps import AppRow
from backend.services.preflight import Preflight, Progress
from backend.services.timing import SchedulePreview
from backend.services.words import REASONS
from console import routes, theme, words
from console.rows import launch_words
from console.rows.deliveries import PLATFORM_WORD
from console.rows.launch_problems import Remark, remark
from console.rows.once_form import NOW
from console.rows.report import UNREACHABLE, unreachable
from console.words import NEVER, When

NAME_SHOWN = 30
NEAR = 0.9
"""From this part of its limit on a payload wants a look."""
SEND, DEFERRED = "send", "deferred"
WRONG = ("template_error", "too_large")
"""Reasons that are mistakes in the message; the others are as people and rules want it."""


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """How far a check is; `waiting` until the first devices are counted."""

    percent: float = 0.0
    done: str = ""
    rate: str = ""
    left: str = ""
    waiting: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a whole: how many, what share. `outcome` opens its devices, `href` leads elsewhere."""

    label: str
    count: str
    percent: str = ""
    hint: str = ""
    width: float = 0.0
    tone: str = ""
    note: str = ""
    outcome: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A number of the last run and by how much it is another now; `tone` only where more is worse or better."""

    label: str
    before: str
    change: str
    tone: str


@dataclass(frozen=True, slots=True)
class Check:
    """What a launch now would do. `count` is what a person types to confirm: the devices it is known to reach.

    `largest` are by platform the most bytes that count of one message.
    `version` is the campaign's that was checked, and `saved` how the page calls the moment at which that was saved.
    """

    audience: int = 0
    count: int = 0
    version: int = 0
    saved: str = ""
    at: When = NEVER
    headline: str = ""
    shown: str = ""
    whom: str = ""
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    held: tuple[Part, ...] = ()
    unreachable: tuple[Part, ...] = ()
    unreachable_text: str = ""
    blocking: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()
    platforms: tuple[Part, ...] = ()
    languages: tuple[Part, ...] = ()
    sizes: tuple[Part, ...] = ()
    largest: dict[str, int] = field(default_factory=dict)
    since: str = ""
    changes: tuple[Change, ...] = ()
    possible: bool = False
    must_type: bool = False
    when: str = ""
    action: str = "Launch"
    toward: str = "to"


def progress_line(found: Progress) -> ProgressLine:
    rate = found.done / found.seconds if found.seconds else 0.0
    left = words.duration((found.of - found.done) / rate) if rate and found.of > found.done else ""
    return ProgressLine(
        percent=round(100 * found.done / found.of, 1) if found.of else 0.0,
        done=f"{words.number(found.done)} of {words.plural(found.of, 'device')}",
        rate=words.per_second(rate) if rate else "",
        left=f"about {left} left" if left else "",
        waiting=not found.done,
    )


def check_of(
    found: Preflight, shown: SchedulePreview, definition: Mapping[str, Any], app: AppRow, now: datetime, saved: str = ""
) -> Check:
    """The step's contents. A launch is possible when nothing is in its way."""
    schedule = definition["schedule"]
    kind, repeats = schedule["kind"], schedule["kind"] in launch_words.EACH_TIME
    topics = definition["audience"].get("topics")
    count = max(found.audience, found.members)
    devices = words.plural(found.audience, "message" if topics else "device")
    remarks = [remark(one) for one in found.problems]
    blocking = tuple(one for one in remarks if one.tone == theme.BAD)
    return Check(
        audience=found.audience,
        count=count,
        version=found.version,
        saved=saved,
        at=words.when(now, app.default_timezone, now),
        headline=_headline(found, topics, repeats=repeats),
        shown=devices,
        whom="" if repeats else _whom(topics) if topics else devices,
        notes=(*_each_time(kind), *found.notes, *_pace(definition, found.send)),
        parts=_parts(found),
        held=_held(found, app.default_timezone, now),
        unreachable=_people(found.people_unreachable),
        unreachable_text=unreachable(found.people_unreachable),
        blocking=blocking,
        warnings=tuple(one for one in remarks if one.tone != theme.BAD),
        platforms=_shares(found.by_platform, found.audience, PLATFORM_WORD),
        languages=_shares(found.by_locale, sum(found.by_locale.values()), {}),
        sizes=tuple(_size(name, size, found.payload_limit[name]) for name, size in found.largest_payload.items()),
        largest=_largest(found),
        since=_since(found, app.default_timezone, now),
        changes=_changes(found),
        possible=not blocking,
        must_type=count > app.launch_threshold,
        when=launch_words.when(schedule, shown, app.default_timezone, now),
        action=launch_words.action(kind),
        toward="to" if kind == NOW else "for",
    )


def moved(before: Check, now: Check) -> str:
    """What a second look, at the moment of the launch, has found that the confirmed one had not."""
    told = f"The audience has moved from {words.number(before.audience)} to {now.shown} since you looked."
    news = {one.message for one in now.blocking} - {one.message for one in before.blocking}
    return f"{told} Something is in the way now." if news else told


def _headline(found: Preflight, topics: Sequence[str] | None, *, repeats: bool) -> str:
    """`4 812 of 5 000 devices would get it`; of topics nobody knows how many."""
    if topics:
        return f"{words.plural(found.reached, 'message')} would go to {_whom(topics)}"
    now = " if it went out now" if repeats else ""
    return f"{words.number(found.reached)} of {words.plural(found.audience, 'device')} would get it{now}"


def _parts(found: Preflight) -> tuple[Part, ...]:
    """The audience and what becomes of it: these add up to it."""
    skipped = sorted(found.skipped.items(), key=lambda one: -one[1])
    return (
        _part("Sent at its time", found.send, found.audience, outcome=SEND, tone=theme.GOOD),
        *([_deferred(found)] if found.deferred else []),
        *(
            _part(REASONS.get(name, name), count, found.audience, outcome=name, tone=theme.BAD if name in WRONG else "")
            for name, count in skipped
        ),
    )


def _deferred(found: Preflight) -> Part:
    lost = sum(found.skipped_later.values())
    note = ""
    if lost:
        reasons = ", ".join(f"{words.number(n)}: {REASONS.get(one, one)}" for one, n in found.skipped_later.items())
        note = f"{words.number(lost)} of them would not get it then ({reasons.rstrip('.')})."
    held = _part("Held until quiet hours are over", found.deferred, found.audience, outcome=DEFERRED, tone=theme.CARE)
    return Part(**{**_fields(held), "note": note})


def _fields(part: Part) -> dict[str, Any]:
    return {name: getattr(part, name) for name in Part.__dataclass_fields__}


def _part(label: str, count: int, whole: int, **more: str) -> Part:
    return Part(
        label=label,
        count=words.number(count),
        percent=words.percent(count, whole),
        hint=words.share(count, whole, "devices"),
        width=round(100 * count / whole, 1) if whole else 0.0,
        **more,
    )


def _shares(counts: Mapping[str, int], whole: int, named: Mapping[str, str]) -> tuple[Part, ...]:
    return tuple(_part(named.get(name, name) or "–", count, whole) for name, count in counts.items())


def _held(found: Preflight, zone: str, now: datetime) -> tuple[Part, ...]:
    """By quarters of an hour on the app's clock; the bars compare them with the fullest."""
    most = max((one.devices for one in found.deferred_until), default=0)
    where, today = ZoneInfo(zone), now.astimezone(ZoneInfo(zone))
    return tuple(
        Part(
            label=words.day_and_time(one.at.astimezone(where), today) if one.at else "Later",
            count=words.number(one.devices),
            width=round(100 * one.devices / most, 1),
            tone=theme.CARE,
        )
        for one in found.deferred_until
    )


def _people(found: Mapping[str, int]) -> tuple[Part, ...]:
    """People who match and have no device that a push could go to; beside the sum."""
    links = {"unsubscribed": routes.people(device="unsubscribed"), "no_credential": routes.CHANNELS}
    return tuple(
        Part(
            label=UNREACHABLE.get(reason, reason).capitalize(),
            count=words.number(count),
            href=links.get(reason, routes.PEOPLE),
        )
        for reason, count in found.items()
        if count
    )


def _largest(found: Preflight) -> dict[str, int]:
    """A topic's one body goes to every platform."""
    known = found.largest_payload
    return {str(one): known.get(one, known.get(AddressKind.TOPIC, 0)) for one in Platform}


def _size(platform: str, size: int, limit: int) -> Part:
    part = size / limit
    return Part(
        label=PLATFORM_WORD.get(platform, platform.capitalize()),
        count=f"{words.number(size)} of {words.number(limit)} B",
        width=min(round(100 * part, 1), 100.0),
        tone=theme.BAD if part > 1 else theme.CARE if part >= NEAR else "",
    )


def _since(found: Preflight, zone: str, now: datetime) -> str:
    last = found.since_last
    return f"Compared with the last run, {words.when(last.at, zone, now).short}" if last else ""


def _changes(found: Preflight) -> tuple[Change, ...]:
    last = found.since_last
    if last is None:
        return ()
    skipped = sorted(last.skipped_change.items(), key=lambda one: -abs(one[1]))
    return (
        _change("Audience", last.audience, last.audience_change),
        _change("Would get it", last.send, last.send_change, better=True),
        *(_change(REASONS.get(name, name), last.skipped.get(name, 0), n, worse=True) for name, n in skipped),
    )


def _change(label: str, before: int, by: int, *, better: bool = False, worse: bool = False) -> Change:
    sign = "+" if by > 0 else "−" if by < 0 else "±"
    tone = ""
    if by and (better or worse):
        tone = theme.GOOD if (by > 0) == better else theme.CARE
    return Change(label, words.number(before), f"{sign}{words.number(abs(by))}", tone)


def _each_time(kind: str) -> tuple[str, ...]:
    return (launch_words.EACH_TIME[kind],) if kind in launch_words.EACH_TIME else ()


def _pace(definition: Mapping[str, Any], send: int) -> tuple[str, ...]:
    """How long a throttled or spread send takes, when that is worth saying."""
    told = []
    if throttle := definition.get("throttle_per_minute"):
        told.append(f"Held to {words.number(throttle)} a minute: about {words.duration(send * 60 / throttle)}.")
    if minutes := definition.get("spread_minutes"):
        told.append(f"Spread over {words.plural(minutes, 'minute')}.")
    return tuple(told)


def _whom(topics: Sequence[str]) -> str:
    """What a button has room for."""
    if len(topics) > 1:
        return f"{len(topics)} topics"
    return f"topic {topics[0]}" if len(topics[0]) <= NAME_SHOWN else "the topic"
