"""What rules name, gathered before they are compiled: segments with theirs in turn, lists, campaigns, categories."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.db import Work
from backend.domain.segment import Group, Kind, Node, Rule, Subject, rules_of
from backend.domain.segment_parse import RulesError, parse
from backend.errors import FieldError, Invalid
from backend.queries import lists
from backend.queries import segment_rows as rows
from backend.queries.segment_scope import CategoryFact, Scope
from backend.services import ids

MAX_TOGETHER = 500
"""Rules that one audience may come to with all segments that its segments name."""
MAX_DEEP = 10
"""Levels of groups likewise, one that asks for any device being three: SQLite reads a statement 100 brackets deep."""
ANY_DEVICE = 3


def read_rules(rules: Any, place: str | None = None) -> Group:
    """The tree of some rules. Raises `Invalid` naming each wrong rule by its path, or all of them by `place`:
    where the body named the segment that has these rules."""
    try:
        return parse(rules)
    except RulesError as error:
        raise Invalid([FieldError(place or path or "rules", message) for path, message in error.problems]) from error


@dataclass
class Library:
    """Gathers what trees name: segments (with theirs, in turn), lists, campaigns, categories.

    `own` is the segment that is being saved, which nothing below it may name.
    """

    work: Work
    own: str | None = None
    frozen: Mapping[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    _trees: dict[str, Group] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)
    _depths: dict[str, int] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _categories: dict[str, CategoryFact] | None = None
    _together: int = 0

    def scope(self, *, whole: bool = False) -> Scope:
        """What trees are compiled with; `whole` when all of the app's people are asked at once."""
        work = self.work
        return Scope(work.now, work.app_id, work.sqlite, self._trees, self._numbers, self._categories or {}, whole)

    def add(self, tree: Group) -> Group:
        """Takes a tree in. Raises `Invalid` naming the rule whose segment, list, campaign or category is not there."""
        self._count(self._size(tree, None), "rules")
        self._check_depth(self._depth(tree), "rules")
        return tree

    def segment(self, public_id: str, place: str) -> Group:
        """Takes a saved segment in."""
        self._count(self._referred(public_id, place), place)
        return self._trees[public_id]

    def people_of(self, list_id: str, place: str, *, archived: bool = False) -> Group:
        """Takes a static list in, as a rule of its own. Raises `Invalid` for one that is not there, or archived."""
        self._known((list_id,), ids.LIST, "list", place)
        number = self._numbers[list_id]
        if not archived and number not in lists.live(self.work.session, self.work.app_id, [number]):
            raise Invalid(place, "is a list that has been archived")
        self._count(1, place)
        return Group(True, False, False, (Rule(Subject.LIST, "", "in", Kind.OTHER, (list_id,), place),), place)

    def _count(self, size: int, place: str) -> None:
        self._together += size
        if self._together > MAX_TOGETHER:
            raise Invalid(place, f"comes to more than {MAX_TOGETHER} rules with all segments that it names")

    def _size(self, tree: Group, place: str | None) -> int:
        """How many rules it comes to; `place` is where the body named the segment that this belongs to."""
        return sum(self._taken(rule, place or f"{rule.path}.value") for rule in rules_of(tree))

    def _taken(self, rule: Rule, place: str) -> int:
        if rule.subject is Subject.SEGMENT:
            return sum(self._referred(one, place) for one in rule.value)
        if rule.subject is Subject.LIST:
            self._known(rule.value, ids.LIST, "list", place)
        elif rule.subject is Subject.PUSH and rule.value.campaign:
            self._known((rule.value.campaign,), ids.CAMPAIGN, "campaign", place)
        elif rule.subject is Subject.CATEGORY:
            self._category(rule, place)
        return 1

    def _referred(self, public_id: str, place: str) -> int:
        if public_id in self._open or public_id == self.own:
            raise Invalid(place, "goes round in a circle: the segment would name itself")
        if public_id not in self._sizes:
            tree = self._read(public_id, place)
            self._open.append(public_id)
            self._sizes[public_id] = max(1, self._size(tree, place))
            self._open.pop()
            self._trees[public_id] = tree
            self._depths[public_id] = self._depth(tree)
            self._check_depth(self._depths[public_id], place)
        if self._sizes[public_id] > MAX_TOGETHER:
            raise Invalid(place, f"comes to more than {MAX_TOGETHER} rules with all segments that it names")
        return self._sizes[public_id]

    def _depth(self, node: Node) -> int:
        """How many levels it comes to; the segments below are taken in already."""
        if isinstance(node, Rule):
            return max(self._depths[one] for one in node.value) if node.subject is Subject.SEGMENT else 0
        return (ANY_DEVICE if node.any_device else 1) + max(map(self._depth, node.members), default=0)

    def _check_depth(self, depth: int, place: str) -> None:
        if depth > MAX_DEEP:
            raise Invalid(place, "is nested too deeply with all segments that it names")

    def _read(self, public_id: str, place: str) -> Group:
        rules = self.frozen.get(public_id)
        if rules is None:
            number = self.work.core.keyring.number(ids.SEGMENT, public_id)
            segment = rows.find(self.work.session, self.work.app_id, number) if number else None
            if segment is None:
                raise Invalid(place, f"there is no segment {public_id[:40]!r}")
            rules = segment.rules
        self.rules[public_id] = rules
        return read_rules(rules, place)

    def _known(self, public_ids: Iterable[str], prefix: str, noun: str, place: str) -> None:
        numbers = {one: self.work.core.keyring.number(prefix, one) or 0 for one in public_ids}
        look_up = rows.list_names if prefix == ids.LIST else rows.campaign_names
        there = look_up(self.work.session, self.work.app_id, list(numbers.values()))
        for one, number in numbers.items():
            if number not in there:
                raise Invalid(place, f"there is no {noun} {one[:40]!r}")
        self._numbers.update(numbers)

    def _category(self, rule: Rule, place: str) -> None:
        if self._categories is None:
            self._categories = rows.categories(self.work.session, self.work.app_id)
        if rule.name not in self._categories:
            raise Invalid(place.removesuffix("value") + "field", f"there is no category {rule.name!r}")
