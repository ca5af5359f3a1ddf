"""The rules in the builder: what they come to, what is wrong with them, what could be typed. Shared by two pages."""

import json
from time import monotonic_ns
from typing import Any

import reflex as rx

from backend.db import Work
from backend.domain.vocabulary import Role
from backend.errors import Invalid, TooSlow
from backend.services import campaigns, catalogue, categories, lists, segment_judge, segment_shelf, segmentation
from console.rows import segment_fields as rows
from console.rows.compose import Option
from console.rows.segment_fields import FieldGroup, Mark, Suggestions
from console.rows.segments import NO_NUMBERS, Numbers, numbers, sentence
from console.states.base import read, requires

MAX_TEXT = 200_000


class RulesState(rx.State):
    """What the builder shows beside and at its rules. The tree itself lives in the browser; `rules` is where it began."""

    rules: dict[str, Any] = rows.EMPTY
    revision: int = 0
    groups: tuple[FieldGroup, ...] = ()
    marks: tuple[Mark, ...] = ()
    suggestions: Suggestions = rows.NO_SUGGESTIONS
    numbers: Numbers = NO_NUMBERS
    sentence: str = ""
    problem: str = ""
    counting: bool = False
    _asked: int = 0
    _busy: bool = False
    _query: str = "{}"

    @rx.event
    @requires(Role.ANALYST)
    async def change(self, query: dict[str, Any]):
        """The builder's rules as they are now: judged at once, counted as soon as the last count is done."""
        self._query, self._asked = json.dumps(query)[:MAX_TEXT], monotonic_ns()
        said, self.marks = await read(_said, query)
        self.sentence = said or self.sentence
        self.counting = not self.marks
        self.problem = "" if self.counting else _sum_up(self.marks)
        return RulesState.count if self.counting else None

    @rx.event(background=True)
    @requires(Role.ANALYST)
    async def count(self):
        """One count at a time, always of the newest rules: no answer is ever overtaken by an older one."""
        async with self:
            if self._busy:
                return
            self._busy = True
        finished = False
        try:
            while not finished:
                async with self:
                    asked, query = self._asked, json.loads(self._query)
                found = await read(_counted, query)
                async with self:
                    finished = asked == self._asked
                    if finished:
                        self._busy = False
                        self._show(query, found)
        finally:
            if not finished:
                async with self:
                    self._busy = False

    @rx.event
    @requires(Role.ANALYST)
    async def suggest(self, asked: dict[str, Any]):
        """Values that people really have, for the field that is being typed into."""
        given = asked if isinstance(asked, dict) else {}
        field, start = str(given.get("field", ""))[:200], str(given.get("start", ""))[:100]
        self.suggestions = Suggestions(field, await read(catalogue.values, field, start) if field else ())

    def _show(self, query: dict[str, Any], found):
        self.counting, self.problem = False, found if isinstance(found, str) else ""
        if not self.problem:
            self.numbers, self.marks = numbers(found[0]), rows.remarks(query, found[1])

    async def _open(self, rules: dict[str, Any]):
        """Puts rules into the builder, with all that can be chosen."""
        self.reset()
        self.groups = await read(_groups)
        self.rules, self.revision = rules, monotonic_ns() % 10**9
        self.counting = True  # the builder tells its rules as soon as it is there


def _sum_up(marks: tuple[Mark, ...]) -> str:
    wrong = sum(mark.tone == rows.WRONG for mark in marks)
    return "Mend the marked rules to see who fits." if wrong else "Finish the marked rules to see who fits."


def _said(work: Work, query: dict[str, Any]) -> tuple[str, tuple[Mark, ...]]:
    try:
        segmentation.condition(work, query)
        return sentence(segmentation.describe_named(work, query)), ()
    except Invalid as error:
        return "", rows.problems(query if isinstance(query, dict) else {}, error.errors)


def _counted(work: Work, query: dict[str, Any]):
    """The numbers and what stands out; a sentence where they can not be counted."""
    try:
        return segmentation.estimate(work, query), segment_judge.judge(work, query)
    except TooSlow as error:
        return error.detail
    except Invalid:
        return "Mend the marked rules to see who fits."


def _groups(work: Work) -> tuple[FieldGroup, ...]:
    segments = segment_shelf.shelf(work, sort="name")
    named = {
        "segments": [Option(one.segment.id, one.segment.name) for one in segments],
        "lists": [Option(one.id, one.name) for one in lists.listing(work, limit=1000).items],
        "campaigns": [Option(one.id, one.name) for one in campaigns.listing(work, limit=200).items],
    }
    return rows.groups(catalogue.attributes(work), catalogue.events(work), categories.listing(work), named)
