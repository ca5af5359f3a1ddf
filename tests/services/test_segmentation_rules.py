"""Random rule trees: SQL and the oracle must find the same pairs, on both databases.

Asked of some people and of everybody, which is other SQL for what people did.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, delete, select
from sqlmodel import col

from backend.bootstrap import Core
from backend.db import OPERATOR, Work, unit_of_work
from backend.models import Category, Device, User
from backend.queries import segment_rows
from backend.queries import segments as compiler
from backend.services import segmentation
from backend.services.apps import AppRow
from backend.services.segment_library import Library, read_rules
from tests.services import segment_oracle as oracle
from tests.services import segment_world as population
from tests.services.segment_oracle import World
from tests.services.segment_trees import CONTRACT, every_value, leaves, trees
from tests.services.segment_world import NOW

ROUNDS, TREES = 4, 70
TOGETHER = 20
Rules = dict[str, Any]
Pairs = set[tuple[int, int | None]]


@pytest.fixture
def reading(core: Core, app: AppRow) -> Iterator[tuple[Work, World]]:
    with unit_of_work(core, OPERATOR, app.number, now=NOW) as work:
        work.session.execute(delete(Category))
        world = population.build(work)
    with unit_of_work(core, OPERATOR, app.number, write=False, now=NOW) as work:
        yield work, world


def quiet(examples: int) -> settings:
    """What fails is small as it is: to shrink it would take minutes."""
    return settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )  # fmt: skip


def test_each_rule_of_the_contract_finds_the_same_pairs(reading: tuple[Work, World]):
    """Every field with every operator, alone, which shows what is wrong sooner than a tree."""
    work, world = reading
    each = leaves(world)
    assert each.keys() == {(field, operator) for field, operators in CONTRACT.items() for operator in operators}
    assert len(each) * ROUNDS + TREES >= 500 / 2  # on each of two databases

    @quiet(ROUNDS)
    @given(st.tuples(*each.values()))
    def alone(rules: tuple[Rules, ...]) -> None:
        compare(work, world, rules)

    alone()


def test_each_value_is_told_from_each_other(reading: tuple[Work, World]):
    compare(*reading, every_value())


@pytest.mark.parametrize("near", [3, segment_rows.STRETCH])
def test_each_tree_finds_and_counts_the_same_pairs(
    reading: tuple[Work, World], monkeypatch: pytest.MonkeyPatch, near: int
):
    """Also where the first people by number are too few for a sample."""
    work, world = reading
    monkeypatch.setattr(segment_rows, "STRETCH", near)

    @quiet(TREES)
    @given(trees(leaves(world)))
    def in_trees(rules: Rules) -> None:
        wanted = oracle.pairs(world, rules)
        assert [found(work, condition) for condition in conditions(work, rules)] == [wanted, wanted]
        counted = asdict(segmentation.estimate(work, rules))
        assert counted.pop("total_users") == everybody(world)
        assert counted == oracle.counts(world, wanted)

    in_trees()


def compare(work: Work, world: World, rules: Sequence[Rules]) -> None:
    for start in range(0, len(rules), TOGETHER):
        some = [{"combinator": "and", "rules": [one]} for one in rules[start : start + TOGETHER]]
        for tree, answers in zip(some, true_for(work, some), strict=True):
            wanted = oracle.pairs(world, tree)
            assert answers == (wanted, wanted), tree


def everybody(world: World) -> int:
    return len({user for user, _ in oracle.pairs(world, {"combinator": "and", "rules": []})})


def conditions(work: Work, rules: Rules) -> list[ColumnElement[bool]]:
    """As asked of some people, and of everybody."""
    tree, library = read_rules(rules), Library(work)
    library.add(tree)
    return [compiler.where(tree, library.scope(whole=whole)) for whole in (False, True)]


def found(work: Work, condition: ColumnElement[bool]) -> Pairs:
    statement = select(col(User.id), col(Device.id)).outerjoin(Device, col(Device.user_id) == col(User.id))
    return {tuple(row) for row in work.session.execute(statement.where(compiler.in_app(work.app_id), condition))}


def true_for(work: Work, trees: Sequence[Rules]) -> list[tuple[Pairs, Pairs]]:
    """All trees in one statement, as values: nothing may be neither true nor false."""
    asked = [
        one.label(f"c{place}_{mode}")
        for place, tree in enumerate(trees)
        for mode, one in enumerate(conditions(work, tree))
    ]
    statement = select(col(User.id), col(Device.id), *asked).outerjoin(Device, col(Device.user_id) == col(User.id))
    rows = work.session.execute(statement.where(compiler.in_app(work.app_id))).all()
    assert all(value is not None for row in rows for value in row[2:])
    columns = [{(row[0], row[1]) for row in rows if row[place]} for place in range(2, 2 + len(asked))]
    return list(zip(columns[::2], columns[1::2], strict=True))
