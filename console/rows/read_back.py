"""A schedule and the policies around it, read back in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain.caps import caps as read_caps
from backend.domain.vocabulary import CategoryKind
from backend.services import policy_words
from backend.services.policies import Policies
from backend.services.timing import SchedulePreview
from console.rows.recurring_form import OWN


@dataclass(frozen=True, slots=True)
class ReadBack:
    """`dates` are the next ones, on a clock that `note` names; `problem` is there instead when something is wrong."""

    words: str = ""
    dates: tuple[str, ...] = ()
    note: str = ""
    problem: str = ""


def read_back(found: SchedulePreview, schedule: Mapping[str, Any]) -> ReadBack:
    """What a schedule means, before it is launched."""
    words = f"{found.words}." if found.words else ""
    if schedule["kind"] == "at":  # its words tell the moment, on the clock that it was written for
        return ReadBack(words=words, problem=found.problem or "")
    own = schedule["kind"] == "local_time" or schedule.get("zone") == OWN
    clock = f"Shown for {found.zone}; elsewhere when the clock there shows this time" if own else found.zone
    return ReadBack(
        words=words,
        dates=tuple(date_line(at, found.zone) for at in found.dates),
        note=clock if found.dates else "",
        problem=found.problem or "",
    )


def date_line(at: datetime, zone: str) -> str:
    """`Tue 1 Dec 2026, 09:00`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


@dataclass(frozen=True, slots=True)
class PolicyWords:
    """What the app's policies mean for a campaign of this category."""

    quiet: str = ""
    caps: str = ""
    mandatory: bool = False


def policy_facts(found: Policies, category: str) -> PolicyWords:
    of_it = next((row for row in found.categories if row.slug == category), None)
    windows = policy_words.windows(found.quiet_hours) if found.quiet_hours else ""
    all_caps = [policy_words.cap(cap) for cap in read_caps(found.caps)]
    own = [policy_words.cap(cap) for cap in read_caps(of_it.caps)] if of_it else []
    return PolicyWords(
        quiet=f"Quiet here: {windows}, on each person's own clock, where they named no hours of their own."
        if windows
        else "The app has no quiet hours of its own; people may have named theirs.",
        caps=_caps(all_caps, own),
        mandatory=bool(of_it and of_it.kind == CategoryKind.MANDATORY),
    )


def _caps(all_caps: list[str], own: list[str]) -> str:
    told = [f"All categories together: {' and '.join(all_caps)}."] if all_caps else []
    told += [f"This category: {' and '.join(own)}."] if own else []
    return " ".join(told) or "No caps are set: nobody is kept from getting too many."
