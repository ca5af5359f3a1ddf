"""Random rule trees: SQL and the oracle must find the same pairs, on both databases."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlmodel import col

from backend.bootstrap import Core
from backend.db import OPERATOR, Work, unit_of_work
from backend.models import Category, Device, User
from backend.services import segmentation
from backend.services.apps import AppRow
from tests.services import segment_oracle as oracle
from tests.services import segment_world as population
from tests.services.segment_oracle import World
from tests.services.segment_world import KEYS, MOMENTS, NAMES, NOW, NUMBERS, TEXTS, VERSIONS

TEXT_OPERATORS = ["=", "!=", "contains", "beginsWith", "endsWith", "in", "notIn", "null", "notNull"]
ORDER = ["<", "<=", ">", ">="]
SMALL = [number for number in NUMBERS if abs(number) < 2**53]
DATES = [text for text in MOMENTS if oracle.instant(text) and text[0] in "12"]


@pytest.fixture
def reading(core: Core, app: AppRow) -> Iterator[tuple[Work, World]]:
    with unit_of_work(core, OPERATOR, app.number, now=NOW) as work:
        work.session.execute(delete(Category))
        world = population.build(work)
    with unit_of_work(core, OPERATOR, app.number, write=False, now=NOW) as work:
        yield work, world


def rule(field: str, operator: Any, value: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"field": st.just(field), "operator": operator, "value": value})


def texts(field: str, pool: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    some, part = st.sampled_from(pool), st.sampled_from([text for text in [*pool, "o", "É", "PR"] if text])
    return st.one_of(
        rule(field, st.sampled_from(["=", "!="]), some),
        rule(field, st.sampled_from(["contains", "beginsWith", "endsWith"]), part),
        rule(field, st.sampled_from(["in", "notIn"]), st.lists(some, max_size=3)),
        rule(field, st.sampled_from(["null", "notNull"]), st.none()),
    )


def numbers(field: str) -> st.SearchStrategy[dict[str, Any]]:
    some = st.sampled_from(SMALL)
    pair = st.lists(some, min_size=2, max_size=2)
    return rule(field, st.sampled_from(["=", "!=", *ORDER]), some) | rule(field, st.just("between"), pair)


def dates(field: str) -> st.SearchStrategy[dict[str, Any]]:
    some, days = st.sampled_from(DATES), st.sampled_from([0, 0.5, 1, 7, 7.5, 30])
    return st.one_of(
        rule(field, st.sampled_from(["before", "after"]), some),
        rule(field, st.just("between"), st.lists(some, min_size=2, max_size=2)),
        rule(field, st.sampled_from(["withinDays", "notWithinDays"]), days),
    )


def versions(field: str) -> st.SearchStrategy[dict[str, Any]]:
    some = st.sampled_from([one for one in VERSIONS if one and any(map(str.isdigit, one))])
    pair = st.lists(some, min_size=2, max_size=2)
    return rule(field, st.sampled_from(ORDER), some) | rule(field, st.just("between"), pair)


def attributes(field: str) -> st.SearchStrategy[dict[str, Any]]:
    scalar = st.sampled_from([*TEXTS, *SMALL, True, False])
    return st.one_of(
        texts(field, TEXTS),
        numbers(field),
        dates(field),
        rule(field, st.just("="), st.booleans()),
        rule(field, st.sampled_from(["includes", "notIncludes"]), scalar),
    )


def events(name: str) -> st.SearchStrategy[dict[str, Any]]:
    days = st.sampled_from([None, 0, 7, 30])
    scalar = st.sampled_from([*TEXTS, *SMALL, True, False])
    where = st.none() | st.dictionaries(st.sampled_from(KEYS), scalar, max_size=1)
    counted = st.fixed_dictionaries({"times": st.integers(0, 3), "days": days, "where": where})
    summed = st.fixed_dictionaries(
        {"amount": st.sampled_from([-2, 0, 1, 1.5, 10]), "days": days, "where": where},
        optional={"property": st.sampled_from(["value", "n", KEYS[1]])},
    )
    return st.one_of(
        rule(name, st.sampled_from(["countAtLeast", "countAtMost", "countExactly", "notDone"]), counted),
        rule(name, st.just("notDone"), st.none()),
        rule(name, st.just("sumAtLeast"), summed),
    )


def leaves(world: World) -> st.SearchStrategy[dict[str, Any]]:
    person = world.people[1]
    campaigns = sorted({push["campaign"] for one in world.people for push in one.pushes})
    lists = sorted({name for one in world.people for name in one.lists})
    asked = st.fixed_dictionaries({"campaign": st.sampled_from(["any", *campaigns])}, optional={"days": st.just(7)})
    circle = st.sampled_from(
        [(52.2, 21.0, 10), (52.2, 21.0, 300), (-52.2, 21.1, 20_000), (89.9, 50, 50), (0, -179.9, 30)]
    )
    closed = {
        "device.platform": ["ios", "android"], "device.provider": ["fcm"], "device.state": ["active", "invalid"],
        "device.permission": ["denied"], "device.environment": ["sandbox"], "device.model": ["Pixel 9", "iphone", "pixel"],
        "device.locale": ["pl-PL", "PL"], "device.timezone": ["UTC"], "user.country": ["PL", "pl"],
        "user.language": ["pl", "en"], "user.timezone": ["UTC", "europe"], "user.id": [person.columns["id"], "ö", "ANNA"],
    }  # fmt: skip
    return st.one_of(
        *(texts(field, pool) for field, pool in closed.items()),
        *(attributes(f"attr.{name}") for name in [*NAMES, "nobody-has-it"]),
        *(dates(field) for field in ("user.first_seen", "user.last_active", "device.last_seen")),
        *(
            texts(f"device.{name}", ["17", "17.0", "v3"]) | versions(f"device.{name}")
            for name in ("app_version", "os_version")
        ),
        numbers("user.sessions"),
        *(events(f"event.{name}") for name in ("buy", "open app", "never")),
        rule("push.received", st.sampled_from(["=", "!="]), asked),
        rule("push.opened", st.sampled_from(["=", "!="]), asked),
        *(
            rule(f"category.{slug}", st.just("="), st.sampled_from(["opted_in", "opted_out"]))
            for slug in population.SLUGS
        ),
        rule("segment", st.sampled_from(["in", "notIn"]), st.sampled_from([*world.segments, list(world.segments)])),
        rule("list", st.sampled_from(["in", "notIn"]), st.sampled_from([*lists, lists])),
        rule("sample", st.just("<"), st.sampled_from([0, 12.5, 50, 99.9, 100])),
        rule(
            "user.location", st.just("withinKm"), circle.map(lambda c: dict(zip(("lat", "lon", "km"), c, strict=True)))
        ),
    )


def trees(world: World) -> st.SearchStrategy[dict[str, Any]]:
    def group(members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries(
            {
                "combinator": st.sampled_from(["and", "or"]),
                "not": st.booleans(),
                "rules": st.lists(members, max_size=4),
            },
            optional={"any_device": st.booleans(), "id": st.just("editor-only")},
        )

    leaf = leaves(world)
    return group(st.recursive(leaf, group, max_leaves=6))


def quiet(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )


def test_sql_and_the_contract_find_the_same_pairs(reading: tuple[Work, World]):
    """Every rule alone, which finds what is wrong sooner, and in trees."""
    work, world = reading

    @quiet(80)
    @given(leaves(world))
    def alone(leaf: dict[str, Any]) -> None:
        rules = {"combinator": "and", "rules": [leaf]}
        assert found(work, rules) == oracle.pairs(world, rules)

    @quiet(100)
    @given(trees(world))
    def in_trees(rules: dict[str, Any]) -> None:
        assert found(work, rules) == oracle.pairs(world, rules)

    alone()
    in_trees()


def found(work: Work, rules: dict[str, Any]) -> set[tuple[int, int | None]]:
    condition = segmentation.condition(work, rules)
    statement = select(col(User.id), col(Device.id)).outerjoin(Device, col(Device.user_id) == col(User.id))
    return {tuple(row) for row in work.session.execute(statement.where(condition))}
