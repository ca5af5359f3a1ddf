"""The rule language of the public contract once more, in plain Python over plain rows: what SQL must agree with.

Nothing of the product is used here but the words of the contract.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

MISSING = object()
PLATFORMS = ("ios", "android", "web")
PUSH = {"received": "accepted", "opened": "opened"}


@dataclass
class Phone:
    """A device; `ephemeral` ones are in no segment."""

    id: int = 0
    columns: dict[str, Any] = field(default_factory=dict)
    ephemeral: bool = False
    opted: dict[str, bool] = field(default_factory=dict)


@dataclass
class Person:
    """A user with everything that rules can see of one."""

    id: int = 0
    columns: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    bucket: int = 0
    phones: list[Phone] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    pushes: list[dict[str, Any]] = field(default_factory=list)
    opted: dict[str, bool] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)


@dataclass
class World:
    """The people, and what ids stand for."""

    people: list[Person]
    now: datetime
    segments: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, bool] = field(default_factory=dict)
    always: frozenset[str] = frozenset()
    """Categories that are mandatory or archived."""


def pairs(world: World, rules: Mapping[str, Any]) -> set[tuple[int, int | None]]:
    """The (user, device) pairs for which the rules are true."""
    found = set()
    for person in world.people:
        real = [phone for phone in person.phones if not phone.ephemeral]
        candidates: list[Phone | None] = [*real] if person.phones else [None]
        found |= {
            (person.id, phone.id if phone else None) for phone in candidates if holds(world, rules, person, phone)
        }
    return found


REASONS = ("reachable", "no_permission", "no_credential", "unsubscribed", "invalid", "no_device")


def reason(phone: Phone | None) -> str:
    """Why a push would not arrive, or `reachable`."""
    if phone is None:
        return "no_device"
    if phone.columns["state"] != "active":
        return str(phone.columns["state"])
    if phone.columns["credential_id"] is None:
        return "no_credential"
    return "no_permission" if phone.columns["permission"] == "denied" else "reachable"


def counts(world: World, found: set[tuple[int, int | None]]) -> dict[str, Any]:
    """What an estimate says of these pairs."""
    phones = {phone.id: phone for person in world.people for phone in person.phones}
    named = {person.id: person.columns["id"] for person in world.people}
    devices, best = Counter[tuple[str, str]](), dict[int, int]()
    for user, device in found:
        phone = phones[device] if device else None
        best[user] = min(best.get(user, len(REASONS)), REASONS.index(reason(phone)))
        if phone:
            devices[phone.columns["platform"], reason(phone)] += 1
    people = Counter(REASONS[place] for place in best.values())
    return {
        "users": len(best),
        "devices": devices.total(),
        "reachable": sum(n for (_, why), n in devices.items() if why == "reachable"),
        "by_platform": {name: sum(n for (on, _), n in devices.items() if on == name) for name in PLATFORMS},
        "sample": tuple(named[user] for user in sorted(best) if named[user] is not None)[:20],
        "reachable_by_platform": {name: devices[name, "reachable"] for name in PLATFORMS},
        "unreachable": {
            why: total for why in REASONS[1:-1] if (total := sum(n for (_, one), n in devices.items() if one == why))
        },
        "people_unreachable": {why: people[why] for why in REASONS[1:] if people[why]},
    }


def holds(world: World, node: Mapping[str, Any], person: Person, phone: Phone | None) -> bool:
    if "rules" not in node:
        return rule(world, node, person, phone)
    every = all if node["combinator"] == "and" else any

    def members(one: Phone | None) -> bool:
        return every(holds(world, member, person, one) for member in node["rules"])

    if node.get("any_device"):
        found = any(members(one) for one in person.phones if not one.ephemeral)
    else:
        found = members(phone)
    return not found if node.get("not") else found


def rule(world: World, given: Mapping[str, Any], person: Person, phone: Phone | None) -> bool:
    name, operator, value = given["field"], given["operator"], given.get("value")
    head, _, tail = name.partition(".")
    if head == "event":
        return event(world, tail, operator, value, person)
    if head == "push":
        return push(world, tail, operator, value, person)
    if head == "category":
        return opted_in(world, tail, person, phone) == (value == "opted_in")
    if head in ("segment", "list"):
        named = value if isinstance(value, list) else [value]
        inside = any(
            holds(world, world.segments[one], person, phone) if head == "segment" else one in person.lists
            for one in named
        )
        return inside == (operator == "in")
    if head == "sample":
        return person.bucket < value / 100 * 2**32
    if name == "user.location":
        return near(person, value)
    return compare(stored(name, person, phone), operator, value, world.now, version=name.endswith("_version"))


def opted_in(world: World, slug: str, person: Person, phone: Phone | None) -> bool:
    """The word for the device, else the person's, else the default."""
    if slug in world.always:
        return True
    if phone and slug in phone.opted:
        return phone.opted[slug]
    return person.opted.get(slug, world.defaults[slug])


def stored(name: str, person: Person, phone: Phone | None) -> Any:
    head, _, tail = name.partition(".")
    if head == "attr":
        found = person.attributes.get(tail)
    elif head == "user":
        found = person.columns.get(tail)
    else:
        found = phone.columns.get(tail) if phone else None
    return MISSING if found is None else found


def compare(found: Any, operator: str, value: Any, now: datetime, *, version: bool = False) -> bool:
    if operator in ("null", "notNull"):
        return (found is MISSING) == (operator == "null")
    if operator in ("!=", "notIn", "notIncludes"):
        positive = {"!=": "=", "notIn": "in", "notIncludes": "includes"}[operator]
        return not compare(found, positive, value, now)
    if operator == "=":
        return same(found, value)
    if operator == "in":
        return isinstance(found, str) and found in value
    if operator == "includes":
        return isinstance(found, list) and any(same(item, value) for item in found)
    if operator in ("contains", "beginsWith", "endsWith"):
        return isinstance(found, str) and part_of(fold(found), operator, fold(value))
    if operator in ("before", "after", "withinDays", "notWithinDays"):
        return dated(found, operator, value, now)
    if version:
        return versioned(found, operator, value)
    if operator == "between" and isinstance(value[0], str):
        return dated(found, ">=", value[0], now) and dated(found, "<=", value[1], now)
    return is_number(found) and ordered(found, operator, value)


def same(found: Any, value: Any) -> bool:
    """The same value of the same JSON type."""
    if isinstance(value, bool) or isinstance(found, bool):
        return found is value
    if is_number(value):
        return is_number(found) and found == value
    return isinstance(found, str) and found == value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def fold(text: str) -> str:
    return re.sub("[A-Z]", lambda match: match[0].lower(), text)


def part_of(text: str, operator: str, part: str) -> bool:
    return {"contains": part in text, "beginsWith": text.startswith(part), "endsWith": text.endswith(part)}[operator]


def ordered(found: Any, operator: str, value: Any) -> bool:
    if operator == "between":
        return value[0] <= found <= value[1]
    tests: dict[str, Callable[[], bool]] = {
        "<": lambda: found < value,
        "<=": lambda: found <= value,
        ">": lambda: found > value,
        ">=": lambda: found >= value,
    }
    return tests[operator]()


def instant(value: Any) -> datetime | None:
    """A time in RFC 3339 (of the years 1000 to 2999) with an offset, or a date, which is its midnight in UTC."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.match(r"[12]\d{3}-\d\d-\d\d(T|$)", value):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC) if len(value) == 10 else None
    return found.astimezone(UTC)


def dated(found: Any, operator: str, value: Any, now: datetime) -> bool:
    if operator in ("withinDays", "notWithinDays"):
        value, operator = now - timedelta(days=value), ">=" if operator == "withinDays" else "<"
    at, asked = instant(found), instant(value)
    operator = {"before": "<", "after": ">"}.get(operator, operator)
    return at is not None and ordered(at, operator, asked)


def numbers(version: Any) -> list[int] | None:
    found = re.search(r"\d+(\.\d+)*", version) if isinstance(version, str) else None
    parts = [int(part) for part in found[0].split(".")] if found else None
    return None if parts is None else parts + [0] * (10 - len(parts))


def versioned(found: Any, operator: str, value: Any) -> bool:
    have = numbers(found)
    wanted = [numbers(one) for one in value] if isinstance(value, list) else numbers(value)
    return have is not None and ordered(have, operator, wanted)


def recent(at: datetime, days: float | None, now: datetime) -> bool:
    return days is None or at >= now - timedelta(days=days)


def event(world: World, name: str, operator: str, value: Any, person: Person) -> bool:
    asked = value or {}
    done = [
        one
        for one in person.events
        if one["name"] == name
        and recent(one["at"], asked.get("days"), world.now)
        and all(same(one["properties"].get(key), wanted) for key, wanted in (asked.get("where") or {}).items())
    ]
    if operator == "sumAtLeast":
        key = asked.get("property", "value")
        amounts = [one["value"] if key == "value" else one["properties"].get(key) for one in done]
        exact = sum((Fraction(repr(amount)) for amount in amounts if is_number(amount)), Fraction(0))
        return round(exact, 6) >= Fraction(repr(asked["amount"]))
    count = len(done)
    return {
        "notDone": count == 0,
        "countAtLeast": count >= asked.get("times", 0),
        "countAtMost": count <= asked.get("times", 0),
        "countExactly": count == asked.get("times", 0),
    }[operator]


def push(world: World, name: str, operator: str, value: Any, person: Person) -> bool:
    found = any(
        one["kind"] == PUSH[name]
        and value["campaign"] in ("any", one["campaign"])
        and recent(one["at"], value.get("days"), world.now)
        for one in person.pushes
    )
    return found == (operator == "=")


def near(person: Person, circle: Mapping[str, float]) -> bool:
    lat, lon = person.columns.get("latitude"), person.columns.get("longitude")
    if lat is None or lon is None:
        return False
    a, b = math.radians(lat), math.radians(circle["lat"])
    half = math.sin((a - b) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon - circle["lon"]) / 2) ** 2
    return 2 * 6371.0088 * math.asin(min(1, math.sqrt(half))) <= circle["km"]
