"""An audience as the composer edits it: simple rules, joined by and, in the segment language's JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from backend.errors import Invalid
from backend.services.segmentation import AudienceSize
from console import words
from console.rows.compose import Option
from console.rows.deliveries import PLATFORM_WORD
from console.rows.report import unreachable

EVERYONE: Final = "everyone"
SEGMENTS: Final = "segments"
RULES: Final = "rules"
TOPICS: Final = "topics"
MODES: Final = (EVERYONE, SEGMENTS, RULES, TOPICS)
OWN: Final = "Only: "  # begins the name of a segment that one campaign has made for itself
MAX_RULES: Final = 20
ATTRIBUTE: Final = "attr."

FIELDS: Final = (
    Option("device.platform", "Platform"),
    Option("user.last_active", "Last active"),
    Option("user.country", "Country"),
    Option("user.language", "Language"),
    Option("device.app_version", "App version"),
    Option(ATTRIBUTE, "Attribute…"),
)
TEXT: Final = (Option("=", "is"), Option("!=", "is not"))
DATE: Final = (Option("withinDays", "within days"), Option("notWithinDays", "not within days"))
VERSION: Final = (Option("=", "is"), Option(">=", "at least"), Option("<", "before"))
ANY: Final = (
    Option("=", "is"),
    Option("!=", "is not"),
    Option(">", "more than"),
    Option("<", "less than"),
    Option("contains", "contains"),
)
OPERATORS: Final[dict[str, tuple[Option, ...]]] = {
    "device.platform": TEXT, "user.last_active": DATE, "user.country": TEXT, "user.language": TEXT,
    "device.app_version": VERSION, ATTRIBUTE: ANY,
}  # fmt: skip
EXAMPLES: Final = {
    "user.last_active": "30",
    "user.country": "PL",
    "user.language": "pl",
    "device.app_version": "5.1.0",
    ATTRIBUTE: "pro",
}


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """A saved segment, chosen or not."""

    id: str
    name: str
    description: str
    chosen: bool

    def toggled(self) -> "SegmentLine":
        return replace(self, chosen=not self.chosen)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One condition; `name` is the attribute's when the field is one."""

    field: str = "device.platform"
    name: str = ""
    operator: str = "="
    value: str = "ios"
    operators: tuple[Option, ...] = TEXT
    example: str = ""


FIRST_RULE: Final = RuleLine()


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
    mode: str, segments: Sequence[SegmentLine], own: str, unseen: int | None, topics: Sequence[str]
) -> dict[str, Any]:
    if mode == TOPICS:
        return {"include": [], "exclude": [], "everyone": False, "unseen_days": None, "topics": list(topics)}
    chosen = {EVERYONE: [], SEGMENTS: [one.id for one in segments if one.chosen], RULES: [own]}[mode]
    return {"include": chosen, "exclude": [], "everyone": mode == EVERYONE, "unseen_days": unseen}


def days(text: str) -> int | None:
    """A number of days, None for nothing. Raises `ValueError`."""
    if not text:
        return None
    if not text.isdigit() or not 1 <= int(text) <= 3650:
        raise ValueError("Enter a number of days from 1 to 3650.")
    return int(text)


def sentence(error: Exception) -> str:
    """What is wrong with the rules, without their paths."""
    if isinstance(error, Invalid) and error.errors:
        said = error.errors[0].message
        return said[:1].upper() + said[1:] + ("" if said.endswith(".") else ".")
    return str(error)


def changed(rules: Sequence[RuleLine], index: int, part: str, value: str) -> tuple[RuleLine, ...]:
    """The rules after an edit. Raises `ValueError` for a part that a rule does not have."""
    if part == "field" and value in OPERATORS:
        platform = value == "device.platform"
        new = RuleLine(
            value, "", OPERATORS[value][0].value, "ios" if platform else "", OPERATORS[value], EXAMPLES.get(value, "")
        )
        return tuple(new if at == index else rule for at, rule in enumerate(rules))
    if part not in ("name", "operator", "value"):
        raise ValueError("A rule has no such part.")
    return tuple(replace(rule, **{part: value}) if at == index else rule for at, rule in enumerate(rules))


def tree_of(rules: Sequence[RuleLine]) -> dict[str, Any]:
    """The rules in the segment language. Raises `ValueError` for one that is not finished."""
    if not rules:
        raise ValueError("Add a rule, or choose everyone.")
    return {"combinator": "and", "rules": [_rule(rule) for rule in rules]}


def _rule(rule: RuleLine) -> dict[str, Any]:
    value = rule.value.strip()
    name = rule.name.strip()
    if rule.field == ATTRIBUTE and not name:
        raise ValueError("Name the attribute.")
    if not value:
        raise ValueError("Give each rule a value.")
    field = f"{ATTRIBUTE}{name}" if rule.field == ATTRIBUTE else rule.field
    return {"field": field, "operator": rule.operator, "value": _value(rule, value)}


def _value(rule: RuleLine, value: str) -> Any:
    """Days and compared attributes are numbers; `true` and `false` are what they say; the rest is text."""
    if rule.field == "user.last_active":
        return int(value) if value.isdigit() else _refuse("Enter a number of days.")
    if rule.field == ATTRIBUTE and rule.operator != "contains":
        if value in ("true", "false"):
            return value == "true"
        try:
            return float(value) if "." in value else int(value)
        except ValueError:
            return value if rule.operator in ("=", "!=") else _refuse("Enter a number to compare with.")
    return value


def _refuse(sentence: str) -> Any:
    raise ValueError(sentence)


def lines_of(tree: Mapping[str, Any]) -> tuple[RuleLine, ...]:
    """The form's rules of a tree that it has made itself."""
    return tuple(_line(rule) for rule in tree.get("rules", ()) if "field" in rule)


def _line(rule: Mapping[str, Any]) -> RuleLine:
    attribute = rule["field"].startswith(ATTRIBUTE)
    field = ATTRIBUTE if attribute else rule["field"]
    value = rule.get("value", "")
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    name = rule["field"].removeprefix(ATTRIBUTE) if attribute else ""
    return RuleLine(field, name, rule["operator"], shown, OPERATORS.get(field, ANY), EXAMPLES.get(field, ""))


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
