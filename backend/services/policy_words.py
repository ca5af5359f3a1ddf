"""Policies, days and rules in words: the one place where a member reads what a policy is and does."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from backend.domain.caps import Cap, CapKind
from backend.domain.quiet import WEEKDAYS

DAYS: Final = dict(
    zip(WEEKDAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
SHORT: Final = {name: word[:3] for name, word in DAYS.items()}
WEEK: Final = set(WEEKDAYS[:5])
WEEKEND: Final = set(WEEKDAYS[5:])


def number(value: int) -> str:
    """Thousands apart by a thin space."""
    return f"{value:,}".replace(",", "\u202f")


def plural(count: int, one: str, many: str = "") -> str:
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def days(names: Collection[str] | None) -> str:
    """`every day`, `Mon to Fri`, `Sat and Sun`, `Mon, Wed`."""
    chosen = set(names or WEEKDAYS)
    if chosen == set(WEEKDAYS):
        return "every day"
    if chosen == WEEK:
        return "Mon to Fri"
    if chosen == WEEKEND:
        return "Sat and Sun"
    return ", ".join(SHORT[name] for name in WEEKDAYS if name in chosen)


def window(row: Mapping[str, Any]) -> str:
    """`22:00–08:00`, with its days where they are not all."""
    hours = f"{row['start']}–{row['end']}"
    return f"{hours} {days(row['days'])}" if row.get("days") else hours


def windows(rows: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(map(window, rows)) or "none"


def cap(one: Cap) -> str:
    """`2 pushes in any 24 hours`, `1 push in a calendar day`, `30 minutes between two pushes`."""
    if one.kind is CapKind.GAP:
        return f"{span(one.amount)} between two pushes"
    when = "a calendar day" if one.kind is CapKind.DAILY else f"any {plural(one.hours, 'hour')}"
    return f"{plural(one.amount, 'push', 'pushes')} in {when}"


def span(minutes: int) -> str:
    """`45 minutes`, `2 hours`, `3 days`."""
    for size, word in ((1440, "day"), (60, "hour")):
        if minutes % size == 0:
            return plural(minutes // size, word)
    return plural(minutes, "minute")


def about(text: str, sampled: int) -> str:
    """What is known from one person in so many is said with care."""
    return f"about {text}" if sampled > 1 else text


def to_people(pushes: int, people: int, sampled: int) -> str:
    """`1 204 pushes to 980 people`."""
    told = f"{plural(pushes, 'push', 'pushes')} to {plural(people, 'person', 'people')}"
    return about(told, sampled)


def held(pushes: int, people: int, dropped: int, rows: Sequence[Mapping[str, Any]], sampled: int) -> str:
    """What quiet hours would have done yesterday."""
    if not rows:
        return "Without quiet hours every push goes out at its time."
    if not pushes:
        return "Yesterday nothing went out in these hours: nothing would have changed."
    if dropped == pushes:
        return f"Yesterday this would have dropped {to_people(pushes, people, sampled)}."
    rest = f"; {about(number(dropped), sampled)} of them would have been dropped" if dropped else ""
    return f"Yesterday this would have held {to_people(pushes, people, sampled)} until {_end(rows)}{rest}."


def _end(rows: Sequence[Mapping[str, Any]]) -> str:
    return "morning" if all("04:00" <= row["end"] <= "12:00" for row in rows) else "it was over"


def skipped(pushes: int, people: int, sampled: int) -> str:
    """What a cap would have done yesterday."""
    if not pushes:
        return "Yesterday nobody got more than this: nothing would have changed."
    return f"Yesterday this would have skipped {to_people(pushes, people, sampled)}."


def sampled(people: int) -> str:
    """How the figures of a very busy day were come by."""
    return f"A busy day: one person in {number(people)} was looked at, and the figures are made up to all of them."


def kept_back(pushes: int, people: int) -> str:
    """What the caps in force did yesterday; empty of nothing."""
    return f"The caps in force then skipped {to_people(pushes, people, 1)}." if pushes else ""


def stopped(limit: int, names: Sequence[str], sends: int) -> str:
    """What the guardrail would have done yesterday, of so many sends."""
    if not limit:
        return "No send would pause itself, however many errors there are."
    if not sends:
        return "Yesterday nothing went out: nothing would have changed."
    if not names:
        return f"Yesterday none of {plural(sends, 'send')} had that many errors."
    return f"Yesterday this would have stopped {plural(len(names), 'send')} of {number(sends)}: {_listed(names)}."


def asked(names: Sequence[str], launches: int) -> str:
    """Which launches of yesterday would have asked for the count."""
    if not launches:
        return "Yesterday nothing was launched."
    if not names:
        return f"Yesterday none of {plural(launches, 'launch', 'launches')} was that large."
    return f"Yesterday {plural(len(names), 'launch', 'launches')} of {number(launches)} would have asked: {_listed(names)}."


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:3])
    return f"{shown} and {number(len(names) - 3)} more" if len(names) > 3 else shown
