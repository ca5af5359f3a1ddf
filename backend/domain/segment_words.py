"""Segment rules said in words, for lists and confirmations."""

from collections.abc import Mapping
from typing import Any

from backend.domain.segment import Group, Happened, Kind, Node, Pushed, Rule, Subject

_SAID = {
    "=": "is", "!=": "is not", "contains": "contains", "beginsWith": "begins with", "endsWith": "ends with",
    "in": "is one of", "notIn": "is none of", "null": "is not known", "notNull": "is known",
    "<": "is below", "<=": "is at most", ">": "is above", ">=": "is at least", "between": "is between",
    "before": "is before", "after": "is after", "withinDays": "is within the last", "notWithinDays": "is longer ago than",
    "includes": "includes", "notIncludes": "does not include",
}  # fmt: skip
_LISTED = 5


def in_words(tree: Node, names: Mapping[str, str], raw: Mapping[str, Any]) -> str:
    """One sentence without a full stop; `names` gives segments, lists and campaigns by their id.

    `raw` is the JSON that the tree was read from: versions and numbers are said as they were written.
    """
    if isinstance(tree, Rule):
        return _rule(tree, names, raw.get("value"))
    said = _members(tree, names, raw)
    if tree.any_device:
        said = f"any device: ({said})"
    return f"not ({said})" if tree.negated else said


def _members(group: Group, names: Mapping[str, str], raw: Mapping[str, Any]) -> str:
    if not group.members:
        return "everyone" if group.every else "nobody"
    parts = [_part(member, names, given) for member, given in zip(group.members, raw["rules"], strict=True)]
    return (" and " if group.every else " or ").join(parts)


def _part(member: Node, names: Mapping[str, str], raw: Mapping[str, Any]) -> str:
    said = in_words(member, names, raw)
    bare = isinstance(member, Rule) or member.negated or member.any_device or len(member.members) < 2
    return said if bare else f"({said})"


def _rule(rule: Rule, names: Mapping[str, str], raw: Any) -> str:
    match rule.subject:
        case Subject.SEGMENT | Subject.LIST:
            joined = " or ".join(names.get(one, one) for one in rule.value)
            said = f"{'in' if rule.operator == 'in' else 'not in'} {rule.subject} {joined}"
        case Subject.CATEGORY:
            said = f"{'has' if rule.value else 'has not'} opted in to {rule.name}"
        case Subject.SAMPLE:
            said = f"in a sample of {rule.value:g} %"
        case Subject.LOCATION:
            said = f"within {rule.value.km:g} km of {rule.value.lat:g}, {rule.value.lon:g}"
        case Subject.EVENT:
            said = _event(rule.name, rule.operator, rule.value)
        case Subject.PUSH:
            said = _push(rule.name, rule.operator, rule.value, names)
        case _:
            said = _compared(rule, raw)
    return said


def _compared(rule: Rule, raw: Any) -> str:
    subject = {Subject.USER: "", Subject.DEVICE: "device "}.get(rule.subject, "") + rule.name.replace("_", " ")
    if rule.operator in ("null", "notNull"):
        return f"{subject} {_SAID[rule.operator]}"
    if rule.operator in ("withinDays", "notWithinDays"):
        return f"{subject} {_SAID[rule.operator]} {_days(rule.value)}"
    said = " and ".join(map(_value, raw)) if rule.operator == "between" else _value(raw)
    if rule.kind is Kind.BOOLEAN:
        said = "true" if rule.value else "false"
    return f"{subject} {_SAID[rule.operator]} {said}"


def _value(raw: Any) -> str:
    if not isinstance(raw, list):
        return f"{raw:g}" if isinstance(raw, float) else str(raw)
    shown = ", ".join(map(_value, raw[:_LISTED]))
    return shown if len(raw) <= _LISTED else f"{shown} and {len(raw) - _LISTED} more"


def _days(days: float) -> str:
    return f"{days:g} day" if days == 1 else f"{days:g} days"


def _within(days: float | None) -> str:
    return "" if days is None else f" in the last {_days(days)}"


def _event(name: str, operator: str, asked: Happened) -> str:
    where = " and ".join(f"{key} is {_value(value)}" for key, value in asked.where)
    when = (f" with {where}" if where else "") + _within(asked.days)
    if operator == "notDone":
        return f"has not done {name}{when}"
    if operator == "sumAtLeast":
        return f"sum of {asked.property} over {name} is at least {asked.amount:g}{when}"
    often = {"countAtLeast": "at least", "countAtMost": "at most", "countExactly": "exactly"}[operator]
    return f"has done {name} {often} {asked.times} {'time' if asked.times == 1 else 'times'}{when}"


def _push(name: str, operator: str, asked: Pushed, names: Mapping[str, str]) -> str:
    what = "any push" if asked.campaign is None else names.get(asked.campaign, asked.campaign)
    return f"has {'' if operator == '=' else 'not '}{name} {what}{_within(asked.days)}"
