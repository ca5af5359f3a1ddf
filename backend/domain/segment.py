"""Segment rules as a tree of typed, frozen values; the tree is true or false for each (user, device) pair.

`segment_parse` reads them from JSON, `queries.segments` makes SQL of them, `segment_words` says them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import Any

_MOMENT = re.compile(
    r"[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-](0\d|1[0-4]):[0-5]\d))?",
    re.ASCII,
)


class Subject(StrEnum):
    """What a rule speaks of."""

    USER = "user"
    DEVICE = "device"
    ATTRIBUTE = "attr"
    EVENT = "event"
    PUSH = "push"
    CATEGORY = "category"
    SEGMENT = "segment"
    LIST = "list"
    SAMPLE = "sample"
    LOCATION = "location"


class Kind(StrEnum):
    """How a rule's values are compared; a stored value of another kind counts as missing."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    DATE = "date"
    VERSION = "version"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Rule:
    """One comparison.

    `value` is typed: text (or a tuple of texts), a number or a pair, a bool, an aware UTC datetime, a
    pair of them or a number of days, a version's sort key or a pair; or one of the values below.
    """

    subject: Subject
    name: str
    operator: str
    kind: Kind
    value: Any
    path: str


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that must all hold (`every`) or of which one must; `any_device` asks for any of the user's devices."""

    every: bool
    negated: bool
    any_device: bool
    members: tuple["Node", ...]
    path: str = ""


Node = Rule | Group
Scalar = str | float | int | bool


@dataclass(frozen=True, slots=True)
class Happened:
    """How often (or, for a sum, how much of `property`) in so many days, with these properties."""

    times: int = 1
    amount: float = 0
    property: str = "value"
    days: float | None = None
    where: tuple[tuple[str, Scalar], ...] = ()


@dataclass(frozen=True, slots=True)
class Pushed:
    """A campaign's public id, None for any."""

    campaign: str | None
    days: float | None = None


@dataclass(frozen=True, slots=True)
class Circle:
    """A place in degrees and a distance in kilometres."""

    lat: float
    lon: float
    km: float


def rules_of(node: Node) -> Iterator[Rule]:
    """Every rule of a tree."""
    if isinstance(node, Rule):
        yield node
    else:
        for member in node.members:
            yield from rules_of(member)


def sample_threshold(percent: float) -> int:
    """The bucket (32 bits) below which a user is in a sample of so many percent."""
    return ceil(Fraction(percent) * 2**32 / 100)


def moment(text: str) -> datetime | None:
    """The instant (UTC) that a stored text means: RFC 3339 of the years 1000 to 2999, a bare date being
    its midnight in UTC. None for any other text."""
    if _MOMENT.fullmatch(text) is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
