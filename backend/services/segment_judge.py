"""What single rules do: said in words, and whether one of them is true for nobody or for everybody."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_

from backend.db import Work
from backend.domain.segment import Group, Node, Rule
from backend.errors import TooSlow
from backend.queries import person as person_queries
from backend.queries import segment_judge as queries
from backend.queries import segments as compiler
from backend.queries.patience import limited
from backend.services import segmentation
from backend.services.segment_library import Library, read_rules

NOBODY: Final = "nobody"
EVERYBODY: Final = "everybody"
MOST: Final = 40
"""Rules judged of one tree: each costs up to two passes over the app's people."""
SECONDS: Final = 2.0
"""A judgement that takes longer is not worth the wait: nothing stands out then."""


@dataclass(frozen=True, slots=True)
class Check:
    """Rules in words, and by path (`rules[1].rules[0]`) those that are true for `nobody` or for `everybody`."""

    description: str
    marks: dict[str, str]


def check(work: Work, rules: Mapping[str, Any]) -> Check:
    """The rules in words, and what stands out. Raises `Invalid` naming each wrong rule."""
    return Check(segmentation.describe_named(work, rules), judge(work, rules))


def judge(work: Work, rules: Mapping[str, Any]) -> dict[str, str]:
    """The rules that are true for nobody or everybody, by path; none where that takes too long. Raises `Invalid`."""
    tree, library = read_rules(rules), Library(work)
    library.add(tree)
    found = _single(tree)[:MOST]
    conditions = [compiler.where(group, library.scope()) for _, group in found]
    try:
        with limited(work.session, SECONDS):
            verdicts = queries.true_and_false(work.session, work.app_id, conditions)
    except TooSlow:
        return {}
    words = {(False, True): NOBODY, (True, False): EVERYBODY}
    return {path: words[seen] for (path, _), seen in zip(found, verdicts, strict=True) if seen in words}


@dataclass(frozen=True, slots=True)
class RuleOfPerson:
    """A single rule in words, and whether it is true for a person on any device of theirs (or without one)."""

    description: str
    holds: bool


def of_person(
    work: Work, rules: Mapping[str, Any], user: int, frozen: Mapping[str, Any] | None = None
) -> tuple[RuleOfPerson, ...]:
    """Each rule of a tree asked of one person; `frozen` has the rules of segments as they were launched.

    Raises `Invalid` where a rule names what is gone.
    """
    library, alone = Library(work, frozen=frozen or {}), list(_alone(rules))[:MOST]
    trees = [library.add(read_rules(one)) for one in alone]
    conditions = [and_(compiler.in_app(work.app_id), compiler.where(tree, library.scope())) for tree in trees]
    held = person_queries.holds(work.session, user, conditions)
    words = [segmentation.describe_named(work, one) for one in alone]
    return tuple(RuleOfPerson(said, holds) for said, holds in zip(words, held, strict=True))


def _alone(rules: Mapping[str, Any], any_device: bool = False) -> Iterator[dict[str, Any]]:
    """Each rule as a tree of its own, as it was written."""
    within = any_device or bool(rules.get("any_device"))
    for one in rules["rules"]:
        if "rules" in one:
            yield from _alone(one, within)
        else:
            yield {"combinator": "and", "any_device": within, "rules": [one]}


def _single(node: Node, any_device: bool = False) -> list[tuple[str, Group]]:
    """Each rule as a tree of its own, asked of any device where its group asks so."""
    if isinstance(node, Rule):
        return [(node.path, Group(True, False, any_device, (node,), node.path))]
    within = any_device or node.any_device
    return [one for member in node.members for one in _single(member, within)]
