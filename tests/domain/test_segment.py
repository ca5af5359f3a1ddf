"""Rules read, refused by path, and said in words."""

from typing import Any

import pytest

from backend.domain.segment import Group, Kind, Rule, moment, rules_of, sample_threshold
from backend.domain.segment_parse import RulesError, canonical, parse
from backend.domain.segment_words import in_words


def both(*rules: Any, **more: Any) -> dict[str, Any]:
    return {"combinator": "and", "rules": list(rules), **more}


def rule(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def problems(rules: Any) -> list[tuple[str, str]]:
    with pytest.raises(RulesError) as caught:
        parse(rules)
    return caught.value.problems


def test_a_tree_is_read_as_written():
    tree = parse(
        both(
            rule("attr.plan", "=", "pro"),
            both(rule("device.platform", "in", ["ios"]), any_device=True),
            **{"not": True},
        )
    )
    first, second = tree.members
    assert (tree.every, tree.negated, tree.any_device) == (True, True, False)
    assert isinstance(first, Rule)
    assert (first.name, first.kind, first.value, first.path) == ("plan", Kind.TEXT, "pro", "rules[0]")
    assert isinstance(second, Group)
    assert second.any_device
    assert [one.path for one in rules_of(tree)] == ["rules[0]", "rules[1].rules[0]"]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (rule("attr.plan", "~", "x"), "rules[0].operator"),
        (rule("user.shoe_size", "=", "x"), "rules[0].field"),
        (rule("device", "=", "x"), "rules[0].field"),
        (rule("attr.", "=", "x"), "rules[0].field"),
        (rule("attr.\x00", "=", "x"), "rules[0].field"),
        (rule("user.country", "=", 5), "rules[0].value"),
        (rule("user.country", "<", "PL"), "rules[0].operator"),
        (rule("user.country", "in", "PL"), "rules[0].value"),
        (rule("user.country", "in", ["PL", 5]), "rules[0].value[1]"),
        (rule("user.country", "contains", ""), "rules[0].value"),
        (rule("user.country", "null", "x"), "rules[0].value"),
        (rule("user.country", "=", "\x00"), "rules[0].value"),
        (rule("user.country", "=", "\ud800"), "rules[0].value"),
        (rule("user.sessions", "=", "5"), "rules[0].value"),
        (rule("user.sessions", "=", True), "rules[0].value"),
        (rule("user.sessions", "=", float("nan")), "rules[0].value"),
        (rule("user.sessions", "=", 2**70), "rules[0].value"),
        (rule("user.sessions", "between", [1]), "rules[0].value"),
        (rule("user.sessions", "between", [1, "2"]), "rules[0].value[1]"),
        (rule("user.sessions", "null"), "rules[0].operator"),
        (rule("attr.n", "!=", True), "rules[0].value"),
        (rule("attr.n", "<", "5"), "rules[0].value"),
        (rule("attr.n", "includes", ["a"]), "rules[0].value"),
        (rule("user.last_active", "withinDays", -1), "rules[0].value"),
        (rule("user.last_active", "withinDays", "7"), "rules[0].value"),
        (rule("user.last_active", "before", "yesterday"), "rules[0].value"),
        (rule("user.last_active", "before", "2026-01-01T00:00:00"), "rules[0].value"),
        (rule("user.last_active", "between", ["2026-01-01", 5]), "rules[0].value[1]"),
        (rule("device.app_version", "<", "beta"), "rules[0].value"),
        (rule("device.model", "<", "5"), "rules[0].operator"),
        (rule("event.buy", "countAtLeast", {}), "rules[0].value.times"),
        (rule("event.buy", "countAtLeast", {"times": 1.5}), "rules[0].value.times"),
        (rule("event.buy", "countAtLeast", {"times": 1, "since": 5}), "rules[0].value.since"),
        (rule("event.buy", "countAtLeast", {"times": 1, "where": {"a": None}}), "rules[0].value.where.a"),
        (rule("event.buy", "sumAtLeast", {"days": 5}), "rules[0].value.amount"),
        (rule("event.buy", "sumAtLeast", {"amount": 5, "times": 1}), "rules[0].value.times"),
        (rule("event.buy", "=", 1), "rules[0].operator"),
        (rule("push.opened", "=", {"campaign": 5}), "rules[0].value.campaign"),
        (rule("push.clicked", "=", {"campaign": "any"}), "rules[0].field"),
        (rule("category.x", "=", True), "rules[0].value"),
        (rule("segment", "in", []), "rules[0].value"),
        (rule("segment", "=", "seg_x"), "rules[0].operator"),
        (rule("sample", "<", 101), "rules[0].value"),
        (rule("user.location", "withinKm", {"lat": 91, "lon": 0, "km": 1}), "rules[0].value.lat"),
        (rule("user.location", "withinKm", {"lat": 1, "lon": 0}), "rules[0].value.km"),
        ({"field": 5, "operator": "=", "value": "x"}, "rules[0].field"),
        ({"field": "user.id", "operator": None, "value": "x"}, "rules[0].operator"),
        ({"field": "user.id", "operator": "=", "value": "x", "disabled": True}, "rules[0].disabled"),
        ({"field": "user.id", "operator": "=", "value": "x", "valueSource": "field"}, "rules[0].valueSource"),
        ("and", "rules[0]"),
        (both(rule("user.id", "=", 1)), "rules[0].rules[0].value"),
        (both(muted=True), "rules[0].muted"),
        ({"combinator": "xor", "rules": []}, "rules[0].combinator"),
        (both(**{"not": 1}), "rules[0].not"),
        ({"combinator": "or", "rules": {}}, "rules[0].rules"),
    ],
)
def test_what_the_language_lacks_is_refused_by_its_path(given: Any, path: str):
    assert [where for where, _ in problems(both(given))] == [path]


@pytest.mark.parametrize("given", [None, [], "x", {"field": "user.id"}])
def test_the_root_is_a_group(given: Any):
    assert problems(given)


def test_every_wrong_rule_is_told_at_once():
    wrong = problems(both(rule("x", "=", 1), rule("user.id", "=", "fine"), both(rule("user.id", "=", 1))))
    assert [path for path, _ in wrong] == ["rules[0].field", "rules[2].rules[0].value"]


def test_trees_are_bounded():
    deep: Any = rule("user.id", "=", "x")
    for _ in range(3000):
        deep = both(deep)
    assert "deep" in problems(deep)[0][1]
    wide = both(*(both(*([rule("user.id", "=", "x")] * 20)) for _ in range(6)))
    assert problems(wide) == [("rules", "has 120 rules; at most 100 are taken")]
    assert problems(both(*([rule("user.id", "=", "x")] * 5000)))
    assert problems(both(rule("user.id", "in", ["x"] * 1001)))


def test_what_an_editor_adds_is_dropped():
    given = both({**rule("user.id", "=", "x"), "id": "1", "path": [0], "valueSource": "value"}, id="0")
    parse(given)
    assert canonical(given) == both(rule("user.id", "=", "x"), **{"not": False})


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-01-01", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01T10:00Z", "2026-01-01T10:00:00+00:00"),
        ("2026-01-01T10:00:00.5+02:00", "2026-01-01T08:00:00.500000+00:00"),
        ("2026-02-30", None),
        ("2026-01-01T10:00:00", None),
        ("2026-01-01 10:00:00Z", None),
        ("20260101", None),
        ("２０２６-01-01", None),
    ],
)
def test_which_texts_are_times(text: str, iso: str | None):
    found = moment(text)
    assert (found.isoformat() if found else None) == iso


def test_a_sample_takes_its_share_of_the_buckets():
    assert [sample_threshold(percent) for percent in (0, 50, 100)] == [0, 2**31, 2**32]
    assert sample_threshold(33.3) == -(-333 * 2**32 // 1000)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (both(), "everyone"),
        (both(rule("attr.plan", "=", "pro"), rule("user.last_active", "withinDays", 30)), "plan is pro and last active is within the last 30 days"),
        (both(both(rule("user.country", "in", ["PL", "DE"]), rule("attr.vip", "=", True)), combinator="or", **{"not": True}), "not ((country is one of PL, DE and vip is true))"),
        (both(rule("device.os_version", ">=", "17.4"), any_device=True), "any device: (device os version is at least 17.4)"),
        (both(rule("event.buy", "countAtLeast", {"times": 2, "days": 7, "where": {"sku": "a"}})), "has done buy at least 2 times with sku is a in the last 7 days"),
        (both(rule("event.buy", "notDone")), "has not done buy"),
        (both(rule("push.opened", "!=", {"campaign": "any"})), "has not opened any push"),
        (both(rule("category.news", "=", "opted_out")), "has not opted in to news"),
        (both(rule("segment", "notIn", "seg_1")), "not in segment Loyal"),
        (both(rule("sample", "<", 12.5)), "in a sample of 12.5 %"),
        (both(rule("user.country", "null")), "country is not known"),
        (both(rule("user.sessions", "between", [1, 5])), "sessions is between 1 and 5"),
        (both(rule("user.location", "withinKm", {"lat": 52.2, "lon": 21, "km": 5})), "within 5 km of 52.2, 21"),
    ],
)  # fmt: skip
def test_rules_in_words(rules: dict[str, Any], words: str):
    assert in_words(parse(rules), {"seg_1": "Loyal"}, rules) == words
