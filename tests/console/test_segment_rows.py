"""What the builder offers agrees with what the parser reads, and says what is wrong where it is."""

import pytest

from backend.domain import segment_parse
from backend.domain.segment_parse import RulesError, parse
from backend.errors import FieldError
from backend.services.catalogue import AttributeRow, EventNameRow, PropertyRow
from backend.services.segment_uses import Use
from backend.services.segmentation import Estimate
from console.rows import audience, segment_fields, segments
from console.rows.audience import GroupLine
from console.rows.segment_fields import OPERATORS, Mark

NO_NAMES = {"campaigns": [], "segments": [], "lists": []}
VALUES = {
    "text": "x", "number": 1, "boolean": True, "list": "x", "date": "2026-11-21", "version": "1.2", "known": None,
    "event": {"times": 1}, "push": {"campaign": "any"}, "category": "opted_in", "segment": ["seg_x"],
    "members": ["lst_x"], "sample": 10, "place": {"lat": 1, "lon": 2, "km": 3},
}  # fmt: skip
FIELD = {"event": "event.e", "push": "push.opened", "category": "category.c", "segment": "segment", "members": "list",
         "sample": "sample", "place": "user.location", "version": "device.app_version"}  # fmt: skip


def value_of(kind: str, operator: str):
    if operator in ("null", "notNull"):
        return None
    if operator in ("in", "notIn") and kind in ("text", "version"):
        return ["x"]
    if operator == "between":
        return [VALUES[kind]] * 2
    if operator.endswith("Days"):
        return 3
    return {"sumAtLeast": {"amount": 3}, "notDone": {}}.get(operator, VALUES[kind])


@pytest.mark.parametrize(("kind", "operator"), [(kind, one.value) for kind, has in OPERATORS.items() for one in has])
def test_every_operator_that_is_offered_can_be_read(kind: str, operator: str):
    rule = {"field": FIELD.get(kind, "attr.a"), "operator": operator, "value": value_of(kind, operator)}
    parse({"combinator": "and", "rules": [rule]})


def test_no_operator_of_the_language_is_missing():
    assert {one.value for one in OPERATORS["text"]} == segment_parse.TEXT_OPERATORS
    assert {one.value for one in OPERATORS["number"]} == segment_parse.NUMBER_OPERATORS
    assert {one.value for one in OPERATORS["date"]} == segment_parse.DATE_OPERATORS
    versions = segment_parse.VERSION_OPERATORS | segment_parse.TEXT_OPERATORS
    assert {one.value for one in OPERATORS["version"]} == versions
    assert {one.value for one in OPERATORS["event"]} == segment_parse.COUNT_OPERATORS | {"sumAtLeast"}


def test_every_field_of_the_language_is_offered():
    groups = segment_fields.groups((), (), (), NO_NAMES)
    offered = {field.name for group in groups for field in group.fields}
    more = {"segment", "list", "sample", "user.location", "push.received", "push.opened"}
    assert offered == set(segment_parse._FIELDS) | more


def test_the_catalogue_becomes_fields_and_empty_groups_are_gone():
    attributes = [AttributeRow("plan", ("text", "number"), ("pro",), None)]
    events = [EventNameRow("buy", (PropertyRow("sku", ("text",), ("a1",)),), has_value=True, last_seen=None)]
    groups = {group.label: group.fields for group in segment_fields.groups(attributes, events, (), NO_NAMES)}
    assert (groups["Attributes"][0].name, groups["Attributes"][0].hint) == ("attr.plan", "text, number")
    assert groups["Events"][0].properties[0].examples == ("a1",)
    assert "Categories" not in groups


@pytest.mark.parametrize(
    ("rule", "said", "tone"),
    [
        ({"field": "", "operator": "=", "value": None}, "Choose what", "unfinished"),
        ({"field": "user.country", "operator": "=", "value": None}, "Fill this in", "unfinished"),
        ({"field": "segment", "operator": "in", "value": []}, "Fill this in", "unfinished"),
        ({"field": "user.sessions", "operator": "between", "value": [1, None]}, "Fill this in", "unfinished"),
        ({"field": "event.e", "operator": "sumAtLeast", "value": {"amount": None}}, "Fill this in", "unfinished"),
        ({"field": "event.e", "operator": "countAtLeast", "value": {"days": 3}}, "Fill this in", "unfinished"),
        ({"field": "event.e", "operator": "notDone", "value": {"where": {"": None}}}, "Fill this in", "unfinished"),
        ({"field": "user.location", "operator": "withinKm", "value": {"km": 1}}, "Fill this in", "unfinished"),
        ({"field": "user.last_active", "operator": "withinDays", "value": -1}, "Must be between", "red"),
        ({"field": "user.nothing", "operator": "=", "value": "x"}, "There is no field", "red"),
    ],
)
def test_a_problem_is_said_at_its_rule(rule, said, tone):
    tree = {"id": "r", "combinator": "and", "rules": [{"id": "g", "combinator": "or", "rules": [{"id": "x", **rule}]}]}
    with pytest.raises(RulesError) as refused:
        parse(tree)
    (mark,) = segment_fields.problems(tree, [FieldError(*one) for one in refused.value.problems])
    assert (mark.id, mark.tone) == ("x", tone)
    assert mark.text.startswith(said)


def test_a_problem_without_a_place_is_the_whole_trees():
    tree = {"id": "r", "combinator": "and", "rules": []}
    (mark,) = segment_fields.problems(tree, [FieldError("rules", "comes to more than 500 rules")])
    assert mark == Mark("r", "Comes to more than 500 rules.", "red")
    assert segment_fields.problems({}, [FieldError("rules[3].value", "is odd")])[0].id == ""


def test_remarks_name_the_rule():
    tree = {"id": "r", "combinator": "and", "rules": [{"id": "x", "field": "sample", "operator": "<", "value": 0}]}
    (mark,) = segment_fields.remarks(tree, {"rules[0]": "nobody"})
    assert (mark.id, mark.tone) == ("x", "amber")


def test_what_only_the_editor_needs_is_left_behind():
    tree = {"id": "r", "combinator": "or", "rules": [{"id": "x", "field": "f", "operator": "=", "value": 1, "junk": 2}]}
    assert segment_fields.bare(tree) == {
        "combinator": "or", "not": False, "rules": [{"field": "f", "operator": "=", "value": 1}],
    }  # fmt: skip
    assert segment_fields.bare("nonsense") == "nonsense"


def test_numbers_leave_out_what_is_zero():
    found = Estimate(
        users=3, devices=4, reachable=2, by_platform={"ios": 4, "web": 0}, sample=("ann", "b/ob"),
        reachable_by_platform={"ios": 2, "web": 0}, unreachable={"invalid": 1, "unsubscribed": 0, "no_permission": 1},
        people_unreachable={}, total_users=12,
    )  # fmt: skip
    numbers = segments.numbers(found)
    assert (numbers.people, numbers.of, numbers.percent) == ("3", "25.0% of 12 people", 25.0)
    assert [one.label for one in numbers.platforms] == ["iOS"]
    assert [one.label for one in numbers.unreachable] == ["do not allow pushes", "dead address"]
    assert [one.href for one in numbers.sample] == ["/people/ann", "/people/b%2Fob"]
    assert numbers.more == "and 1 more"


def test_where_it_is_used_says_what_a_change_does():
    frozen, draft, segment = segments.uses(
        (
            Use("campaign", "cmp_1", "Sale", "running", frozen=True),
            Use("campaign", "cmp_2", "News", "draft", frozen=False),
            Use("segment", "seg_1", "Loyal", "", frozen=False),
        )
    )
    assert "keeps the rules" in frozen.note
    assert draft.href.endswith("/edit")
    assert segment.href == "/segments/seg_1"


def test_a_group_is_taken_in_or_left_out_never_both():
    groups = (GroupLine("seg_1", "Loyal", ""), GroupLine("lst_1", "Staff", "", excluded=True))
    both = audience.turned(audience.turned(groups, "seg_1", out=False), "lst_1", out=False)
    assert [(one.included, one.excluded) for one in both] == [(True, False), (True, False)]
    chosen = audience.audience_of("segments", both, "", None, ())
    assert (chosen["include"], chosen["exclude"]) == (["seg_1", "lst_1"], [])
    out = audience.turned(both, "seg_1", out=True)
    assert audience.audience_of("everyone", out, "", 30, ()) == {
        "include": [], "exclude": ["seg_1"], "everyone": True, "unseen_days": 30,
    }  # fmt: skip
    assert [one.hidden for one in audience.narrowed(groups, "STA")] == [True, False]
    assert [one.included for one in audience.turned(both, "seg_1", out=False)] == [False, True]


def test_a_description_becomes_a_sentence():
    said = ("plan is pro", "(plan is pro or x is 1)", "(a or b) and (c)")
    assert [segments.sentence(one) for one in said] == ["Plan is pro", "Plan is pro or x is 1", "(a or b) and (c)"]
