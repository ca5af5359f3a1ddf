"""An audience as the composer edits it: everyone, saved segments and lists, rules of its own, or topics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from backend.errors import Invalid
from backend.services.lists import ListRow
from backend.services.segmentation import AudienceSize, SegmentRow
from console import words
from console.rows.deliveries import PLATFORM_WORD
from console.rows.report import unreachable
from console.rows.segments import sentence as said

EVERYONE: Final = "everyone"
SEGMENTS: Final = "segments"
RULES: Final = "rules"
TOPICS: Final = "topics"
MODES: Final = (EVERYONE, SEGMENTS, RULES, TOPICS)


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A saved segment or a list; the audience takes it in, leaves it out, or neither. Searching hides the others."""

    id: str
    name: str
    note: str
    included: bool = False
    excluded: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """How many would get it now: `shown` of a `unit`, and whom that is."""

    devices: int = 0
    shown: str = words.NOTHING
    unit: str = "devices"
    people: str = ""
    platforms: str = ""
    unreachable: str = ""


def mode_of(audience: Mapping[str, Any], *, has_own: bool) -> str:
    if audience["everyone"]:
        return EVERYONE
    if audience.get("topics"):
        return TOPICS
    return RULES if has_own else SEGMENTS


def audience_of(
    mode: str, groups: Sequence[GroupLine], own: str, unseen: int | None, topics: Sequence[str]
) -> dict[str, Any]:
    if mode == TOPICS:
        return {"include": [], "exclude": [], "everyone": False, "unseen_days": None, "topics": list(topics)}
    chosen = {EVERYONE: [], SEGMENTS: [one.id for one in groups if one.included], RULES: [own]}[mode]
    left_out = [one.id for one in groups if one.excluded and one.id not in chosen]
    return {"include": chosen, "exclude": left_out, "everyone": mode == EVERYONE, "unseen_days": unseen}


def lines(
    segments: Iterable[SegmentRow], lists: Iterable[ListRow], audience: Mapping[str, Any]
) -> tuple[GroupLine, ...]:
    """Everything that an audience can name, with what it names now."""
    notes = {one.id: (one.name, said(one.description)) for one in segments}
    notes |= {one.id: (one.name, f"List of {words.plural(one.members, 'person', 'people')}") for one in lists}
    include, exclude = audience["include"], audience["exclude"]
    return tuple(GroupLine(one, *named, one in include, one in exclude) for one, named in notes.items())


def turned(groups: Sequence[GroupLine], group_id: str, *, out: bool) -> tuple[GroupLine, ...]:
    """The lines with one taken in (or left `out`), or no longer: never both."""
    return tuple(_turned(one, out) if one.id == group_id else one for one in groups)


def _turned(one: GroupLine, out: bool) -> GroupLine:
    if out:
        return replace(one, excluded=not one.excluded, included=one.included and one.excluded)
    return replace(one, included=not one.included, excluded=one.excluded and one.included)


def narrowed(groups: Sequence[GroupLine], text: str) -> tuple[GroupLine, ...]:
    """The lines with those hidden that are not called so."""
    wanted = text.strip().lower()
    return tuple(replace(one, hidden=wanted not in one.name.lower()) for one in groups)


def days(text: str) -> int | None:
    """A number of days, None for nothing. Raises `ValueError`."""
    if not text:
        return None
    if not text.isdigit() or not 1 <= int(text) <= 3650:
        raise ValueError("Enter a number of days from 1 to 3650.")
    return int(text)


def own_rules(rules: Mapping[str, Any]) -> Mapping[str, Any]:
    """The campaign's own rules. Raises `ValueError` while there are none: that would be everyone."""
    if not rules["rules"]:
        raise ValueError("Add a rule, or choose everyone.")
    return rules


def sentence(error: Exception) -> str:
    """What is in the way of the rules; where, is said at the rule."""
    return "Finish the marked rules." if isinstance(error, Invalid) else str(error)


def reach_of(size: AudienceSize, followers: int = 0) -> Reach:
    """`followers` are the devices known to be in the audience's topics, when it has some."""
    if (messages := size.by_platform.get("topic")) is not None:
        known = f"Known to follow: {words.plural(followers, 'device')}"
        return Reach(messages, words.number(messages), "message" if messages == 1 else "messages", "", known, "")
    some = [f"{words.number(count)} {PLATFORM_WORD[name]}" for name, count in size.by_platform.items() if count]
    return Reach(
        size.devices,
        words.number(size.devices),
        "device" if size.devices == 1 else "devices",
        f"of {words.plural(size.people, 'person', 'people')}",
        " · ".join(some),
        unreachable(size.people_unreachable),
    )
