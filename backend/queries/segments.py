"""Segment rules as one SQL condition over a user and a device.

The condition is true or false for each row of `user LEFT JOIN device`, never NULL: a column that may be
missing is asked for its presence beside its value, so that NOT is plain negation.

It is asked of some people or of all. Of some (a page of them, a plan), rules on events, pushes, lists and
categories look up each user. Of all (a count), they gather their users once where that is quicker: on 1M users
and 5M events, SQLite took 0.3 s to gather those with three of an event in 30 days, 4 s to look each of them up.
"""

import json
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, String, and_, exists, false, func, literal, not_, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import BooleanClauseList, Grouping
from sqlmodel import col

from backend.domain.segment import Circle, Group, Kind, Node, Rule, Subject, sample_threshold
from backend.models import Device, User
from backend.queries import segment_past as past
from backend.queries.json_fields import Entry, entry
from backend.queries.segment_scope import Scope

Condition = ColumnElement[bool]
Text = Any  # a column or an expression of text
EARTH_KM = 6371.0088
KM_A_DEGREE = 110.5  # a little less than a degree of latitude is, so that the box holds the circle
FEW = 16
"""Texts that are looked for one by one, each by PostgreSQL's index; more go as one value, for statements hold so many."""
NARROW = 1.5
"""Degrees of latitude each way up to which SQLite reads a circle's band by its index; reading all of a wide band
so took three times as long as reading everybody."""


class _Apart(Grouping[bool]):
    """A condition in brackets of its own. SQLAlchemy writes an AND within an AND as one long one, and of those
    SQLite takes no more than a thousand terms."""

    inherit_cache = True
    operator = None


def _apart(condition: Condition) -> Condition:
    return _Apart(condition) if isinstance(condition, BooleanClauseList) else condition


def where(tree: Node, scope: Scope) -> Condition:
    """The condition over `User` and `Device`."""
    return _Compiler(scope).node(tree, Device)


def in_app(app_id: int, *, scanned: bool = False) -> Condition:
    """The pairs that segments speak of: an app's own, without devices that an API message named by token.

    `scanned` keeps SQLite from an index on the app: everybody in the order of an index took 3.3 s of a million
    users, in their own order 0.6 s.
    """
    app = col(User.app_id) + 0 if scanned else col(User.app_id)
    return and_(app == app_id, col(Device.ephemeral_until).is_(None))


_COMPARE: dict[str, Callable[[Any, Any], Condition]] = {
    "=": operator.eq, "!=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "before": operator.lt, "after": operator.gt, "withinDays": operator.ge, "notWithinDays": operator.lt,
}  # fmt: skip
# a negative operator names its positive one above; `rule` denies it
_NEGATIVE = frozenset({"!=", "notIn", "notIncludes", "notNull"})
# what is dearer is asked later, of those who are left
_COST = {Subject.ATTRIBUTE: 1, Subject.CATEGORY: 2, Subject.LIST: 2, Subject.EVENT: 3, Subject.PUSH: 4}


@dataclass(frozen=True, slots=True)
class _Compiler:
    scope: Scope

    def node(self, node: Node, device: Any) -> Condition:
        return self.group(node, device) if isinstance(node, Group) else self.rule(node, device)

    def group(self, group: Group, device: Any) -> Condition:
        if not group.any_device:
            found = self._joined(group, device)
        else:
            any_device = aliased(Device)
            found = (
                exists()
                .where(col(any_device.user_id) == col(User.id), col(any_device.ephemeral_until).is_(None))
                .where(self._joined(group, any_device))
                .correlate_except(any_device)
            )
        return not_(found) if group.negated else found

    def _joined(self, group: Group, device: Any) -> Condition:
        members = [_apart(self.node(member, device)) for member in sorted(group.members, key=self._cost)]
        return and_(true(), *members) if group.every else or_(false(), *members)

    def _cost(self, node: Node) -> int:
        if isinstance(node, Group):
            return max(map(self._cost, node.members), default=0)
        if node.subject is Subject.SEGMENT:
            return max(self._cost(self.scope.segments[one]) for one in node.value)
        return _COST.get(node.subject, 0)

    def rule(self, rule: Rule, device: Any) -> Condition:
        """A negative operator is its positive one denied: so a missing value satisfies it."""
        match rule.subject:
            case Subject.SEGMENT:
                found = or_(false(), *(self.node(self.scope.segments[one], device) for one in rule.value))
            case Subject.USER | Subject.DEVICE:
                found = self._column(rule, User if rule.subject is Subject.USER else device)
            case Subject.ATTRIBUTE:
                found = self._attribute(rule)
            case _:
                found = self._about_user(rule, device)
        return not_(found) if rule.operator in _NEGATIVE else found

    def _about_user(self, rule: Rule, device: Any) -> Condition:
        match rule.subject:
            case Subject.EVENT:
                return past.event(rule, self.scope)
            case Subject.PUSH:
                return past.push(rule, self.scope)
            case Subject.CATEGORY:
                return past.category(rule, device, self.scope)
            case Subject.LIST:
                return past.in_list(rule, self.scope)
            case Subject.SAMPLE:
                return col(User.bucket) < sample_threshold(rule.value)
            case _:
                return self._near(rule.value)

    def _column(self, rule: Rule, table: Any) -> Condition:
        column: Any = col(getattr(table, "external_id" if rule.name == "id" else rule.name))
        if rule.operator in ("null", "notNull"):
            return cast("Condition", column.is_(None))
        if rule.kind is Kind.TEXT:
            found = and_(column.is_not(None), self._text(rule, column))
            return self._by_index(found) if rule.name == "id" and rule.operator in ("=", "in") else found
        if rule.kind is Kind.VERSION:
            column = col(getattr(table, f"{rule.name}_key"))
            column = column if self.scope.sqlite else column.collate("C")
        return and_(column.is_not(None), _ranged(rule, column, self._bounds(rule)))

    def _attribute(self, rule: Rule) -> Condition:
        found = entry(col(User.attributes), rule.name, sqlite=self.scope.sqlite)
        match rule.kind:
            case _ if rule.operator in ("null", "notNull"):
                return found.is_null()
            case Kind.LIST:
                return found.includes(rule.value)
            case Kind.NUMBER:
                return _between_or(rule, rule.value, found.number)
            case Kind.DATE:
                return _between_or(rule, self._bounds(rule), found.moment)
            case _:
                return self._of_text(rule, found)

    def _of_text(self, rule: Rule, found: Entry) -> Condition:
        if rule.operator in ("=", "!="):
            return found.equals(rule.value)
        if rule.operator in ("in", "notIn") and len(rule.value) <= FEW:
            return or_(false(), *(found.equals(value) for value in rule.value))
        return found.text(lambda text: self._text(rule, text))

    def _bounds(self, rule: Rule) -> Any:
        """The value itself, or the instant that a number of days back from now is.

        A number is as wide as rules may write it, not as the column: PostgreSQL refuses what does not fit.
        """
        if rule.kind is Kind.NUMBER:
            wide = rule.value if rule.operator == "between" else (rule.value,)
            bounds = tuple(literal(one, BigInteger) if isinstance(one, int) else one for one in wide)
            return bounds if rule.operator == "between" else bounds[0]
        return self.scope.since(rule.value) if rule.operator in ("withinDays", "notWithinDays") else rule.value

    def _by_index(self, found: Condition) -> Condition:
        """Names the app again for SQLite, whose indexes begin with it and which is kept from them elsewhere."""
        return and_(col(User.app_id) == self.scope.app_id, found) if self.scope.sqlite else found

    def _text(self, rule: Rule, text: Text) -> Condition:
        if rule.operator in ("=", "!="):
            return cast("Condition", text == rule.value)
        if rule.operator in ("in", "notIn"):
            return self._one_of(text, rule.value)
        return self._part_of(rule.operator, text, rule.value.translate(_ASCII_LOWER))

    def _one_of(self, text: Text, values: tuple[str, ...]) -> Condition:
        if len(values) <= FEW:
            return cast("Condition", text.in_(values))
        if self.scope.sqlite:
            return cast("Condition", text.in_(select(func.json_each(json.dumps(values)).table_valued("value").c.value)))
        return cast("Condition", text == func.any(literal(list(values), ARRAY(String()))))

    def _part_of(self, place: str, text: Text, part: str) -> Condition:
        """`lower` folds ASCII only on both: SQLite's always does, PostgreSQL's does in the collation C."""
        folded = func.lower(text if self.scope.sqlite else text.collate("C"))
        if place == "contains":
            return (func.instr if self.scope.sqlite else func.strpos)(folded, part) > 0
        if place == "beginsWith":
            return func.substr(folded, 1, len(part)) == part
        return (func.substr(folded, -len(part)) if self.scope.sqlite else func.right(folded, len(part))) == part

    def _near(self, circle: Circle) -> Condition:
        """Haversine within a box, whose latitudes an index serves; a missing place is not near.

        Rounding may lift the haversine of antipodes above 1, which asin refuses.
        """
        lat, lon, reach = col(User.latitude), col(User.longitude), circle.km / KM_A_DEGREE
        band = and_(lat.is_not(None), lon.is_not(None), lat.between(circle.lat - reach, circle.lat + reach))
        across = func.cos(func.radians(lat)) * math.cos(math.radians(circle.lat)) * _haversine(lon - circle.lon)
        smaller = func.min if self.scope.sqlite else func.least
        kilometres = 2 * EARTH_KM * func.asin(func.sqrt(smaller(1.0, _haversine(lat - circle.lat) + across)))
        found = and_(band, *_box(circle, reach), kilometres <= circle.km)
        return self._by_index(found) if reach <= NARROW else found


def _box(circle: Circle, reach: float) -> list[Condition]:
    """The longitudes of a circle, unless it holds a pole or crosses the line where they begin again."""
    if abs(circle.lat) + reach >= 90:
        return []
    wide = math.degrees(math.asin(math.sin(math.radians(reach)) / math.cos(math.radians(circle.lat))))
    low, high = circle.lon - wide, circle.lon + wide
    return [col(User.longitude).between(low, high)] if low >= -180 and high <= 180 else []


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def _ranged(rule: Rule, column: ColumnElement[Any], value: Any) -> Condition:
    if rule.operator == "between":
        return and_(column >= value[0], column <= value[1])
    return _COMPARE[rule.operator](column, value)


def _between_or(
    rule: Rule, value: Any, holds: Callable[[Callable[[Any, Any], Condition], Any], Condition]
) -> Condition:
    if rule.operator == "between":
        return and_(holds(operator.ge, value[0]), holds(operator.le, value[1]))
    return holds(_COMPARE[rule.operator], value)


def _haversine(degrees: Any) -> Any:
    return func.pow(func.sin(func.radians(degrees) / 2), 2)
