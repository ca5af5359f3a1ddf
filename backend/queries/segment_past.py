"""What people did, got and said, as conditions on a user: each true or false, never NULL.

A condition is that the user is among some: looked up one by one, or gathered once by all (`Scope.whole`).
PostgreSQL turns the look-up of a row into a join by itself; SQLite looks up each time.
"""

from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Float, Numeric, Select, and_, cast, exists, false, func, not_, or_, select, true
from sqlmodel import col

from backend.domain.segment import Happened, Pushed, Rule
from backend.domain.vocabulary import DeliveryState, ReceiptType
from backend.models import Delivery, DevicePreference, Event, Preference, Receipt, Run, User, UserListMember
from backend.queries.json_fields import entry
from backend.queries.segment_scope import Scope

Condition = ColumnElement[bool]
MILLIONTHS = 6
"""Places to which sums are compared: 0.7 + 0.1 is 0.8, which it is not in binary."""


def event(rule: Rule, scope: Scope) -> Condition:
    """How often, or how much of a property; nothing done is nought of both."""
    asked: Happened = rule.value
    match rule.operator:
        case "countAtLeast":
            return _often(rule, asked.times, scope)
        case "notDone":
            return not_(_often(rule, 1, scope))
        case "countAtMost":
            return not_(_often(rule, asked.times + 1, scope))
        case "countExactly":
            return _exactly(rule, asked.times, scope)
        case _:
            return _sum(rule, scope)


def _often(rule: Rule, times: int, scope: Scope) -> Condition:
    """Done so many times or more."""
    if times <= 1:
        return _among(col(Event.user_id), _done(rule, scope), scope) if times else true()
    return _having(rule, func.count() >= times, scope)


def _exactly(rule: Rule, times: int, scope: Scope) -> Condition:
    return _having(rule, func.count() == times, scope) if times else not_(_often(rule, 1, scope))


def _sum(rule: Rule, scope: Scope) -> Condition:
    """Decimals on both databases, where a float would depend on the order of its summands."""
    asked: Happened = rule.value
    own = asked.property == "value"
    amount: Any = (
        col(Event.value) if own else entry(col(Event.properties), asked.property, sqlite=scope.sqlite).amount()
    )
    amount = cast(amount, Float() if scope.sqlite else Numeric())  # SQLite's whole numbers would overflow
    total = func.coalesce(func.round(func.sum(amount), MILLIONTHS), 0)
    least: Any = (
        round(float(asked.amount), MILLIONTHS) if scope.sqlite else round(Decimal(str(asked.amount)), MILLIONTHS)
    )
    return _having(rule, total >= least, scope) if least > 0 else not_(_having(rule, total < least, scope))


def _done(rule: Rule, scope: Scope) -> list[Condition]:
    asked: Happened = rule.value
    facts = [col(Event.name) == rule.name]
    if asked.days is not None:
        facts.append(col(Event.at) >= scope.since(asked.days))
    facts += [entry(col(Event.properties), name, sqlite=scope.sqlite).equals(value) for name, value in asked.where]
    return [col(Event.app_id) == scope.app_id, *facts] if scope.whole else facts


def _having(rule: Rule, holds: Condition, scope: Scope) -> Condition:
    """The user's events of this kind, taken together, hold."""
    mine = select(col(Event.user_id)).where(*_done(rule, scope)).group_by(col(Event.user_id)).having(holds)
    return _within(mine) if scope.whole else mine.where(_me(col(Event.user_id))).correlate_except(Event).exists()


def push(rule: Rule, scope: Scope) -> Condition:
    """Accepted by a provider for any device of the user, or opened on one."""
    asked: Pushed = rule.value
    received = rule.name == "received"
    facts = [col(Delivery.state) == DeliveryState.ACCEPTED] if received else [
        col(Receipt.delivery_id) == col(Delivery.id), col(Receipt.type) == ReceiptType.OPENED,
    ]  # fmt: skip
    if asked.campaign is not None:
        facts += [col(Run.id) == col(Delivery.run_id), col(Run.campaign_id) == scope.numbers[asked.campaign]]
    if asked.days is not None:
        facts.append((col(Delivery.ended_at) if received else col(Receipt.at)) >= scope.since(asked.days))
    if received and asked.campaign is None:  # nearly everybody got something: one look each
        return exists().where(_me(col(Delivery.user_id)), *facts).correlate_except(Delivery)
    return _among(col(Delivery.user_id), [col(Delivery.user_id).is_not(None), *facts], scope)


def category(rule: Rule, device: Any, scope: Scope) -> Condition:
    """What was said for the device stands before its user's word. Those who said otherwise than the category's default
    are gathered; it holds for all others."""
    known = scope.categories[rule.name]
    if known.always:
        return true() if rule.value else false()
    contrary = [
        col(Preference.category_id) == known.id, col(Preference.opted_in).is_(not known.opted_in_by_default)
    ]  # fmt: skip
    otherwise = _among(col(Preference.user_id), contrary, scope)
    user = not_(otherwise) if rule.value is known.opted_in_by_default else otherwise
    return or_(
        _said_for(device, known.id, rule.value, scope),
        and_(user, not_(_said_for(device, known.id, not rule.value, scope))),
    )


def _said_for(device: Any, category_id: int, wish: bool, scope: Scope) -> Condition:
    """This was said for the device; false without one."""
    facts = [col(DevicePreference.category_id) == category_id, col(DevicePreference.opted_in).is_(wish)]
    if scope.whole and scope.sqlite:
        said = select(col(DevicePreference.device_id)).where(*facts)
        return and_(col(device.id).is_not(None), col(device.id).in_(said))
    return exists().where(col(DevicePreference.device_id) == col(device.id), *facts).correlate_except(DevicePreference)


def in_list(rule: Rule, scope: Scope) -> Condition:
    lists = [scope.numbers[one] for one in rule.value]
    return _among(col(UserListMember.user_id), [col(UserListMember.list_id).in_(lists)], scope)


def _among(users: Any, facts: list[Condition], scope: Scope) -> Condition:
    """There is a row with these facts, of this user. Gathered in groups: in order, a set is filled twice as fast."""
    if scope.whole and scope.sqlite:
        return _within(select(users).where(*facts).group_by(users))
    return exists().where(_me(users), *facts).correlate(User)


def _me(users: Any) -> Condition:
    return and_(users == col(User.id))


def _within(users: Select[Any]) -> Condition:
    return col(User.id).in_(users)
