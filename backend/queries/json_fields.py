"""One entry of a JSON column as SQL that both databases answer alike.

Every expression made here is true or false, never NULL, and raises for no stored value whatever its
type: what has another type than the one asked for counts as missing. `equals` on PostgreSQL is a
containment, so that a GIN index serves it.
"""

import json
import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    String,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import Numeric

Condition = ColumnElement[bool]
Compare = Callable[[ColumnElement[Any], Any], ColumnElement[bool]]

_PLAIN = re.compile(r"[ !#-\[\]-~]+")
"""What JSON and JSON paths write as it is: printable ASCII without quotes and backslashes."""
_RFC3339 = (
    r"^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9]))?$"
)
"""Digits are listed: in a database ordered by ICU a `\\d` is any script's, which no cast reads."""
_DAY = "[12][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]"


def entry(column: Any, name: str, *, sqlite: bool) -> "Entry":
    """The entry `name` of a JSON object that is never NULL."""
    return SqliteEntry(column, name) if sqlite else PostgresEntry(column, name)


@dataclass(frozen=True, slots=True)
class Entry(ABC):
    """What rules ask of an entry."""

    column: Any
    name: str

    @abstractmethod
    def is_null(self) -> Condition:
        """Missing, or JSON's null."""

    @abstractmethod
    def equals(self, value: str | float | bool) -> Condition:
        """The same value of the same JSON type."""

    @abstractmethod
    def text(self, holds: Callable[[ColumnElement[str]], Condition]) -> Condition:
        """Whether it is a text for which `holds`."""

    @abstractmethod
    def number(self, compare: Compare, value: float) -> Condition:
        """Whether it is a number that compares so."""

    @abstractmethod
    def amount(self) -> ColumnElement[Any]:
        """The number itself, NULL for anything else."""

    @abstractmethod
    def includes(self, value: str | float | bool) -> Condition:
        """Whether it is a list with such an item."""

    @abstractmethod
    def epoch(self) -> ColumnElement[int]:
        """Whole seconds since 1970 of a text that is a date (`domain.segment.moment`), else NULL."""

    @abstractmethod
    def value_text(self) -> ColumnElement[str]:
        """What is there, as text."""

    def moment(self, compare: Compare, value: datetime) -> Condition:
        """Compares by whole seconds; first the days that are written, which are cheap and at most one off.

        Two terms: SQLite leaves no AND early that is an argument.
        """
        seconds = int(value.timestamp() // 1)
        earlier, later = ((value + timedelta(days=off)).date().isoformat() for off in (-1, 1))
        near = func.substr(self.value_text(), 1, 10)
        possible = near >= earlier if compare in (operator.gt, operator.ge) else near <= later
        return and_(func.coalesce(possible, false()), func.coalesce(compare(self.epoch(), seconds), false()))


class SqliteEntry(Entry):
    """SQLite's JSON functions; a name that its paths cannot spell is looked up entry by entry."""

    __slots__ = ()

    @property
    def _path(self) -> str | None:
        return f'$."{self.name}"' if _PLAIN.fullmatch(self.name) else None

    def _value(self) -> ColumnElement[Any]:
        return func.json_extract(self.column, self._path) if self._path else self._looked_up("value")

    def _type(self) -> ColumnElement[str]:
        found = func.json_type(self.column, self._path) if self._path else self._looked_up("type")
        return func.coalesce(found, "", type_=String())

    def _looked_up(self, what: str) -> ColumnElement[Any]:
        each = func.json_each(self.column).table_valued("key", "value", "type")
        return select(each.c[what]).where(each.c.key == self.name).limit(1).scalar_subquery()

    def value_text(self) -> ColumnElement[str]:
        return self._value()

    def _mentions(self, value: str | float | bool) -> list[Condition]:
        """The raw JSON holds this text somewhere: five times quicker than reading it, which few rows then need."""
        plain = isinstance(value, str) and _PLAIN.fullmatch(value)
        return [func.instr(self.column, f'"{value}"', type_=Integer) > 0] if plain else []

    def _is_number(self) -> Condition:
        return self._type().in_(("integer", "real"))

    def is_null(self) -> Condition:
        unmentioned = [not_(mention) for mention in self._mentions(self.name)]
        return or_(*unmentioned, self._type().in_(("", "null")))

    def equals(self, value: str | float | bool) -> Condition:
        return and_(*self._mentions(value), _sqlite_same(self._type(), self._value(), value))

    def text(self, holds: Callable[[ColumnElement[str]], Condition]) -> Condition:
        return and_(func.coalesce(holds(self._value()), false()), self._type() == "text")

    def number(self, compare: Compare, value: float) -> Condition:
        return and_(func.coalesce(compare(self._value(), literal(value)), false()), self._is_number())

    def amount(self) -> ColumnElement[Any]:
        return case((self._is_number(), self._value()))

    def includes(self, value: str | float | bool) -> Condition:
        items = case((self._type() == "array", self._value()), else_="[]")
        each = func.json_each(items).table_valued("value", "type")
        held = exists().where(_sqlite_same(each.c.type, each.c.value, value)).select_from(each)
        return and_(*self._mentions(value), held)

    def epoch(self) -> ColumnElement[int]:
        text = self._value()
        day = func.substr(text, 1, 10)
        zoned = or_(_glob(text, "*Z"), _glob(text, "*[+-][0-1][0-9]:[0-5][0-9]"))
        timed = and_(
            _glob(text, f"{_DAY}T[0-2][0-9]:*"), zoned, func.instr(text, " ") == 0, func.substr(text, 12, 2) < "24"
        )
        readable = and_(self._type() == "text", func.date(day, "+0 days") == day, or_(_glob(text, _DAY), timed))
        return case((readable, sql_cast(func.strftime("%s", text), Integer)))


def _glob(text: ColumnElement[Any], pattern: str) -> Condition:
    return cast("Condition", text.op("GLOB", is_comparison=True)(pattern))


def _sqlite_same(kind: ColumnElement[str], found: ColumnElement[Any], value: str | float | bool) -> Condition:
    """The value first, which leaves few; its comparison may be NULL, but then the kind is another."""
    if isinstance(value, bool):
        return kind == ("true" if value else "false")
    if isinstance(value, str):
        return and_(found == value, kind == "text")
    return and_(found == literal(value), kind.in_(("integer", "real")))


class PostgresEntry(Entry):
    """PostgreSQL's jsonb; numbers are compared as jsonb, which is exact and never fails."""

    __slots__ = ()

    def _json(self) -> ColumnElement[Any]:
        return cast("ColumnElement[Any]", self.column.op("->", return_type=JSONB())(self.name))

    def _string(self) -> ColumnElement[str]:
        return cast("ColumnElement[str]", self.column.op("->>", return_type=String())(self.name))

    def _is(self, kind: str) -> Condition:
        return func.coalesce(func.jsonb_typeof(self._json()), "", type_=String()) == kind

    def is_null(self) -> Condition:
        return self._string().is_(None)

    def equals(self, value: str | float | bool) -> Condition:
        return _contains(self.column, {self.name: value})

    def text(self, holds: Callable[[ColumnElement[str]], Condition]) -> Condition:
        return and_(self._is("string"), holds(self._string()))

    def number(self, compare: Compare, value: float) -> Condition:
        return and_(self._is("number"), compare(self._json(), _jsonb(value)))

    def amount(self) -> ColumnElement[Any]:
        return case((self._is("number"), sql_cast(self._json(), Numeric())))

    def includes(self, value: str | float | bool) -> Condition:
        return _contains(self.column, {self.name: [value]})

    def value_text(self) -> ColumnElement[str]:
        return self._string().collate("C")

    def epoch(self) -> ColumnElement[int]:
        """Digits are checked before the cast, and the day against its month: a cast that fails ends the query."""
        text = self._string()
        month = func.make_date(_digits(text, 1, 4), _digits(text, 6, 2), 1)
        last_day = func.extract("day", month + func.make_interval(0, 1) - func.make_interval(0, 0, 0, 1))
        zoned = case((func.length(text) == 10, text.concat("T00:00:00Z")), else_=text)
        seconds = func.floor(func.extract("epoch", sql_cast(zoned, TIMESTAMP(timezone=True))))
        return case(
            (self._is("string").is_(False), None),
            (text.regexp_match(_RFC3339).is_(False), None),
            (_digits(text, 9, 2) > last_day, None),
            else_=sql_cast(seconds, BigInteger),
        )


def _contains(column: Any, value: dict[str, Any] | list[Any]) -> Condition:
    return cast("Condition", column.op("@>", is_comparison=True)(_jsonb(value)))


def _jsonb(value: Any) -> ColumnElement[Any]:
    return sql_cast(literal(json.dumps(value), String()), JSONB())


def _digits(text: ColumnElement[str], start: int, length: int) -> ColumnElement[int]:
    return sql_cast(func.substr(text, start, length), Integer)
