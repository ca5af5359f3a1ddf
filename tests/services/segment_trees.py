"""Random rules of every field and operator of the public contract, and random trees of them."""

from typing import Any

from hypothesis import strategies as st

from tests.services import segment_oracle as oracle
from tests.services.segment_oracle import World
from tests.services.segment_world import EVERY, KEYS, MOMENTS, NAMES, NUMBERS, SLUGS, TEXTS, VERSIONS

TEXT = ("=", "!=", "contains", "beginsWith", "endsWith", "in", "notIn", "null", "notNull")
ORDER = ("<", "<=", ">", ">=", "between")
NUMBER = ("=", "!=", *ORDER)
DATE = ("before", "after", "between", "withinDays", "notWithinDays")
COUNTED = ("countAtLeast", "countAtMost", "countExactly", "notDone")
DEVICE = ("platform", "provider", "state", "permission", "environment", "model", "locale", "timezone")
CONTRACT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("user.id", "user.country", "user.language", "user.timezone"), TEXT),
    "attr text": TEXT,
    "user.sessions": NUMBER,
    "attr number": NUMBER,
    "attr true/false": ("=",),
    "attr list": ("includes", "notIncludes"),
    **dict.fromkeys(("attr date", "user.first_seen", "user.last_active", "device.last_seen"), DATE),
    "user.location": ("withinKm",),
    **dict.fromkeys((f"device.{name}" for name in DEVICE), TEXT),
    **dict.fromkeys(("device.os_version", "device.app_version"), (*TEXT, *ORDER)),
    "event": (*COUNTED, "sumAtLeast"),
    **dict.fromkeys(("push.received", "push.opened"), ("=", "!=")),
    "category": ("=",),
    "segment": ("in", "notIn"),
    "list": ("in", "notIn"),
    "sample": ("<",),
}
"""The table "Segment rules" of the public contract, field by field."""

Rules = st.SearchStrategy[dict[str, Any]]
Leaves = dict[tuple[str, str], Rules]
"""By (field, operator) of the contract."""
SMALL = [number for number in NUMBERS if abs(number) <= 2**53]
DATES = [text for text in MOMENTS if oracle.instant(text) and text[0] in "12"]
SCALARS = st.sampled_from([*TEXTS, *SMALL, True, False])
POOLS = {
    "platform": ["ios", "android"], "provider": ["fcm"], "state": ["active", "invalid"], "permission": ["denied"],
    "environment": ["sandbox"], "model": ["Pixel 9", "iphone", "pixel"], "locale": ["pl-PL", "PL"], "timezone": ["UTC"],
    "country": ["PL", "pl"], "language": ["pl", "en"], "os_version": ["17", "17.0", "v3"], "app_version": ["17", "17.0", "v3"],
}  # fmt: skip

CIRCLES = [
    {"lat": lat, "lon": lon, "km": km}
    for lat, lon, km in [
        (52.2, 21.0, 10), (52.2, 21.0, 300), (-52.2, 21.1, 20_000), (89.9, 50, 50), (0, -179.9, 30), (0, 179.5, 50),
    ]
]  # fmt: skip


def rule(field: st.SearchStrategy[str] | str, operator: str, value: st.SearchStrategy[Any]) -> Rules:
    named = st.just(field) if isinstance(field, str) else field
    return st.fixed_dictionaries({"field": named, "operator": st.just(operator), "value": value})


def pair(some: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(some, min_size=2, max_size=2)


def texts(pool: list[str]) -> dict[str, st.SearchStrategy[Any]]:
    some, part = st.sampled_from(pool), st.sampled_from([text for text in [*pool, "o", "É", "PR", "%", "_"] if text])
    several = st.lists(some, max_size=3) | st.just([*pool, *map(str, range(20))])
    parts = dict.fromkeys(("contains", "beginsWith", "endsWith"), part)
    return {"=": some, "!=": some, **parts, "in": several, "notIn": several, "null": st.none(), "notNull": st.none()}


def numbers() -> dict[str, st.SearchStrategy[Any]]:
    some = st.sampled_from(SMALL)
    return {**dict.fromkeys(NUMBER, some), "between": pair(some)}


def dates() -> dict[str, st.SearchStrategy[Any]]:
    some, days = st.sampled_from(DATES), st.sampled_from([0, 0.5, 1, 7, 7.5, 30])
    return {"before": some, "after": some, "between": pair(some), "withinDays": days, "notWithinDays": days}


def versions() -> dict[str, st.SearchStrategy[Any]]:
    some = st.sampled_from([one for one in VERSIONS if one and any(map(str.isdigit, one))])
    return {**dict.fromkeys(ORDER, some), "between": pair(some)}


def happened() -> dict[str, st.SearchStrategy[Any]]:
    days, where = (
        st.sampled_from([None, 0, 7, 30]),
        st.none() | st.dictionaries(st.sampled_from(KEYS), SCALARS, max_size=1),
    )
    counted = st.fixed_dictionaries({"times": st.integers(0, 3), "days": days, "where": where})
    summed = st.fixed_dictionaries(
        {"amount": st.sampled_from([-2, 0, 0.8, 1, 1.5, 10]), "days": days, "where": where},
        optional={"property": st.sampled_from(["value", "n", KEYS[1]])},
    )
    return {**dict.fromkeys(COUNTED, counted), "notDone": counted | st.none(), "sumAtLeast": summed}


def leaves(world: World) -> Leaves:
    """A strategy for each field and operator there is."""
    made = {**_of_profile(world), **_of_attributes(), **_of_past(world)}
    return {
        (kind, operator): drawn for (kind, field), values in made.items() for operator, drawn in _each(field, values)
    }


def _each(field: Any, values: dict[str, st.SearchStrategy[Any]]) -> list[tuple[str, Rules]]:
    return [(operator, rule(field, operator, value)) for operator, value in values.items()]


Made = dict[tuple[str, Any], dict[str, st.SearchStrategy[Any]]]


def _of_profile(world: World) -> Made:
    known = sorted(person.columns["id"] for person in world.people if person.columns["id"])[:3]
    fields = {f"device.{name}": texts(POOLS[name]) for name in DEVICE}
    fields |= {f"device.{name}": {**texts(POOLS[name]), **versions()} for name in ("os_version", "app_version")}
    fields |= {f"user.{name}": texts(POOLS[name]) for name in ("country", "language", "timezone")}
    fields |= {name: dates() for name in ("user.first_seen", "user.last_active", "device.last_seen")}
    fields |= {"user.id": texts([*known, "ö", "ANNA"]), "user.sessions": numbers()}
    places = [
        (52.2, 21.0, 10),
        (52.2, 21.0, 300),
        (-52.2, 21.1, 20_000),
        (89.9, 50, 50),
        (0, -179.9, 30),
        (0, 179.5, 50),
    ]
    circle = st.sampled_from([dict(zip(("lat", "lon", "km"), one, strict=True)) for one in places])
    fields["user.location"] = {"withinKm": circle}
    return {(field, field): values for field, values in fields.items()}


def _of_attributes() -> Made:
    any_of_them = st.sampled_from([f"attr.{name}" for name in [*NAMES, "nobody-has-it"]])
    kinds = {
        "text": texts(TEXTS), "number": numbers(), "date": dates(), "true/false": {"=": st.booleans()},
        "list": dict.fromkeys(("includes", "notIncludes"), SCALARS),
    }  # fmt: skip
    return {(f"attr {kind}", any_of_them): values for kind, values in kinds.items()}


def _of_past(world: World) -> Made:
    campaigns = sorted({push["campaign"] for one in world.people for push in one.pushes})
    lists = sorted({name for one in world.people for name in one.lists})
    asked = st.fixed_dictionaries({"campaign": st.sampled_from(["any", *campaigns])}, optional={"days": st.just(7)})
    pushed = dict.fromkeys(("=", "!="), asked)
    segments, listed = st.sampled_from([*world.segments, list(world.segments)]), st.sampled_from([*lists, lists])
    return {
        ("event", st.sampled_from(["event.buy", "event.open app", "event.pay", "event.never"])): happened(),
        ("push.received", "push.received"): pushed,
        ("push.opened", "push.opened"): pushed,
        ("category", st.sampled_from([f"category.{slug}" for slug in SLUGS])): {"=": st.sampled_from(["opted_in", "opted_out"])},
        ("segment", "segment"): dict.fromkeys(("in", "notIn"), segments),
        ("list", "list"): dict.fromkeys(("in", "notIn"), listed),
        ("sample", "sample"): {"<": st.sampled_from([0, 12.5, 50, 99.9, 100])},
    }  # fmt: skip


def every_value() -> list[dict[str, Any]]:
    """Rules that meet each stored value with each asked one of its kind."""
    asked: list[tuple[tuple[str, ...], list[Any]]] = [
        (("=", "contains", "beginsWith", "endsWith"), [text for text in TEXTS if text]),
        (("=", "<", ">="), SMALL),
        (("before", "after"), DATES),
        (("includes",), [*TEXTS, *SMALL, True, False]),
        (("=",), [True, False, ""]),
        (("null",), [None]),
    ]
    sums = [{"amount": amount, "property": name} for amount in (0.8, 0.80001, 0.1, 3) for name in ("value", *KEYS)]
    others = [("user.location", "withinKm", circle) for circle in CIRCLES]
    others += [(f"event.{name}", "sumAtLeast", total) for name in ("buy", "pay") for total in sums]
    return [{"field": field, "operator": operator, "value": value} for field, operator, value in others] + [
        {"field": f"attr.{EVERY}", "operator": operator, "value": value}
        for operators, values in asked
        for operator in operators
        for value in values
    ]


def trees(each: Leaves) -> Rules:
    """Groups in groups, true for all or any, denied, of any device; also empty ones."""

    def group(members: st.SearchStrategy[Any]) -> Rules:
        return st.fixed_dictionaries(
            {
                "combinator": st.sampled_from(["and", "or"]),
                "not": st.booleans(),
                "rules": st.lists(members, max_size=4),
            },
            optional={"any_device": st.booleans(), "id": st.just("editor-only")},
        )

    return group(st.recursive(st.one_of(*each.values()), group, max_leaves=6))
