"""Event campaigns: which of them listen for an event, and the firings that wait for their time."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, insert, or_, select, text, update
from sqlalchemy import literal_column as literal
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlmodel import Session, col

from backend.domain.vocabulary import CampaignState, DeviceState, EntryState
from backend.models import App, Campaign, Context, Delivery, Device, Entry, Event, EventTrigger, MessageTarget, User
from backend.queries.bulk import table_from_json
from backend.queries.json_fields import entry as property_of

_UNTRACKED = {"synchronize_session": False}


def _sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _among(session: Session, numbers: Collection[int]) -> tuple[Select[Any], dict[str, str]]:
    """Numbers as a subquery, and its one bind: of thousands, a parameter each is what takes the time."""
    given: Select[Any] = select(literal("v.id")).select_from(text(table_from_json(_sqlite(session), {"id": "bigint"})))
    return given, {"rows": orjson.dumps([{"id": number} for number in numbers]).decode()}


def listen(session: Session, values: Mapping[str, Any]) -> None:
    """Makes or replaces a campaign's trigger, which has listened `since` then unless it is for another event now."""
    add = sqlite_dialect.insert(EventTrigger) if _sqlite(session) else postgresql.insert(EventTrigger)
    made: Any = add.values(**values)
    since: Any = literal(
        "CASE WHEN event_trigger.event = excluded.event THEN event_trigger.since ELSE excluded.since END"
    )
    changed = {"event": made.excluded.event, "schedule": made.excluded.schedule, "since": since}
    session.execute(made.on_conflict_do_update(index_elements=["campaign_id"], set_=changed))


def stop(session: Session, campaign_id: int) -> None:
    """Ends a campaign's trigger. The trigger goes first: events under way hold it, so none of theirs is left behind."""
    mine = delete(EventTrigger).where(col(EventTrigger.campaign_id) == campaign_id)
    session.execute(mine.execution_options(**_UNTRACKED))
    waiting = and_(col(Entry.campaign_id) == campaign_id, col(Entry.state) == EntryState.WAITING)
    session.execute(update(Entry).where(waiting).values(state=EntryState.CANCELLED).execution_options(**_UNTRACKED))


def listening(session: Session, app_id: int, names: Collection[str]) -> Sequence[Row[Any]]:
    """(campaign_id, event, schedule, since) of the app's triggers for these events, held until the end of the
    transaction: a campaign that stops meanwhile waits for what it begins."""
    found = select(
        col(EventTrigger.campaign_id), col(EventTrigger.event), col(EventTrigger.schedule), col(EventTrigger.since)
    ).where(col(EventTrigger.app_id) == app_id, col(EventTrigger.event).in_(names))
    return session.execute(found.with_for_update(read=True, key_share=True)).all()


def matching(session: Session, numbers: Collection[int], trigger: Row[Any]) -> Sequence[Row[Any]]:
    """Those of these events that the trigger is for, in the order in which they were told, each with the three zones
    that it may be timed by."""
    given, rows = _among(session, numbers)
    sqlite = _sqlite(session)
    facts = _where(trigger.schedule.get("where"), col(Event.properties), sqlite)
    found: Select[Any] = (
        select(
            col(Event.id), col(Event.user_id), col(Event.at), col(Event.name), col(Event.properties), col(Event.value),
            col(Event.currency), col(Device.timezone).label("device_zone"), col(User.timezone).label("user_zone"),
            col(App.default_timezone).label("app_zone"),
        )
        .join(User, col(User.id) == col(Event.user_id))
        .join(App, col(App.id) == col(Event.app_id))
        .outerjoin(Device, col(Device.id) == col(Event.device_id))
        .where(
            col(Event.id).in_(given), col(Event.name) == trigger.event, col(Event.at) >= trigger.since, *facts
        )
    )  # fmt: skip
    return session.execute(found.order_by(col(Event.id)), rows).all()


def _where(asked: Mapping[str, Any] | None, properties: Any, sqlite: bool) -> list[ColumnElement[bool]]:
    return [property_of(properties, name, sqlite=sqlite).equals(value) for name, value in (asked or {}).items()]


def newest(session: Session, app_id: int, schedule: Mapping[str, Any], among: int) -> Row[Any] | None:
    """(name, properties, value, currency, at) of the app's last event that a schedule is for, among so many last ones
    of its name: a rule that nothing matches is not looked for in all there are."""
    named = (
        select(col(Event.id))
        .where(col(Event.app_id) == app_id, col(Event.name) == schedule["event"])
        .order_by(col(Event.at).desc(), col(Event.id).desc())
        .limit(among)
    )
    found = (
        select(col(Event.name), col(Event.properties), col(Event.value), col(Event.currency), col(Event.at))
        .where(col(Event.id).in_(select(named.subquery().c.id)))
        .where(*_where(schedule.get("where"), col(Event.properties), _sqlite(session)))
        .order_by(col(Event.at).desc(), col(Event.id).desc())
        .limit(1)
    )
    return session.execute(found).one_or_none()


def add(session: Session, entries: Sequence[Mapping[str, Any]]) -> None:
    """Makes firings; one that there is already stays as it is."""
    made = sqlite_dialect.insert(Entry) if _sqlite(session) else postgresql.insert(Entry)
    session.execute(made.on_conflict_do_nothing(), [dict(entry) for entry in entries])


def awaited(session: Session, now: datetime) -> Sequence[Row[Any]]:
    """(campaign, app) of the campaigns under way for which a firing is due; one look into the index each."""
    due = select(col(Entry.id)).where(_due(col(Campaign.id), now)).correlate(Campaign).limit(1)
    found = (
        select(col(EventTrigger.campaign_id), col(EventTrigger.app_id))
        .join(Campaign, col(Campaign.id) == col(EventTrigger.campaign_id))
        .where(col(Campaign.state) == CampaignState.ACTIVE, due.exists())
    )
    return session.execute(found.order_by(col(EventTrigger.campaign_id))).all()


def _due(campaign: Any, now: datetime) -> ColumnElement[bool]:
    return and_(
        col(Entry.campaign_id) == campaign, col(Entry.state) == EntryState.WAITING, col(Entry.due_at) <= now
    )  # fmt: skip


def lock(session: Session, campaign_id: int) -> tuple[Campaign, Mapping[str, Any]] | None:
    """The campaign with its trigger's schedule, locked; None when it is not under way or somebody else is at it."""
    statement = (
        select(Campaign, col(EventTrigger.schedule))
        .join(EventTrigger, col(EventTrigger.campaign_id) == col(Campaign.id))
        .where(col(Campaign.id) == campaign_id, col(Campaign.state) == CampaignState.ACTIVE)
        .with_for_update(of=Campaign, skip_locked=True, key_share=True)
    )
    found = session.execute(statement).one_or_none()
    return (found[0], found[1]) if found else None


def due(
    session: Session, campaign_id: int, now: datetime, after: tuple[datetime, int] | None, limit: int
) -> Sequence[Row[Any]]:
    """The next firings that are due, earliest first, locked. Those of somebody who is being merged or erased just
    now are left for the next time."""
    late: list[ColumnElement[bool]] = []
    if after is not None:
        at, number = after
        late = [or_(col(Entry.due_at) > at, and_(col(Entry.due_at) == at, col(Entry.id) > number))]
    found = (
        select(col(Entry.id), col(Entry.user_id), col(Entry.event_at), col(Entry.due_at), col(Entry.context))
        .where(_due(campaign_id, now), *late)
        .order_by(col(Entry.due_at), col(Entry.id))
        .limit(limit)
    )
    return session.execute(found.with_for_update(skip_locked=True)).all()


def called_off(session: Session, numbers: Collection[int], schedule: Mapping[str, Any]) -> set[int]:
    """Those of these firings whose person has done, between the event and the time that it is due, what cancels it.

    Where an event cancels its own kind, the last of them stands.
    """
    given, rows = _among(session, numbers)
    name = schedule["cancel_event"]
    meanwhile = [
        col(Event.user_id) == col(Entry.user_id), col(Event.name) == name,
        col(Event.at) >= col(Entry.event_at), col(Event.at) <= col(Entry.due_at),
        *_where(schedule.get("cancel_where"), col(Event.properties), _sqlite(session)),
    ]  # fmt: skip
    if name == schedule["event"]:
        meanwhile.append(or_(col(Event.at) > col(Entry.event_at), col(Event.id) > col(Entry.event_id)))
    done = select(col(Event.id)).where(*meanwhile).correlate(Entry).exists()
    found = select(col(Entry.id)).where(col(Entry.id).in_(given), done)
    return set(session.execute(found, rows).scalars())


def fired(
    session: Session, campaign_id: int, users: Collection[int], span: tuple[datetime, datetime] | None
) -> Sequence[Row[Any]]:
    """(user, event's time) of the firings that have reached these people: all, or those of events within the span."""
    given, rows = _among(session, users)
    mine = [col(Entry.campaign_id) == campaign_id, col(Entry.user_id).in_(given), col(Entry.state) == EntryState.FIRED]
    if span is not None:
        mine += [col(Entry.event_at) > span[0], col(Entry.event_at) < span[1]]
    return session.execute(select(col(Entry.user_id), col(Entry.event_at)).where(*mine), rows).all()


def end(session: Session, numbers: Collection[int], state: EntryState, run_id: int | None = None) -> None:
    given, rows = _among(session, numbers)
    ended = update(Entry).where(col(Entry.id).in_(given)).values(state=state, run_id=run_id)
    session.execute(ended.execution_options(**_UNTRACKED), rows)


def devices(session: Session, users: Collection[int]) -> Sequence[Row[Any]]:
    """(device, user) of the addressable devices of these users."""
    given, rows = _among(session, users)
    found = select(col(Device.id), col(Device.user_id)).where(
        col(Device.user_id).in_(given),
        col(Device.state) == DeviceState.ACTIVE,
        col(Device.credential_id).is_not(None),
    )
    return session.execute(found.order_by(col(Device.id)), rows).all()


def add_contexts(session: Session, app_id: int, data: Sequence[Mapping[str, Any]], now: datetime) -> list[int]:
    """Keeps what templates read of these events; their numbers, in the same order."""
    made = insert(Context).returning(col(Context.id), sort_by_parameter_order=True)
    values = [{"app_id": app_id, "data": dict(one), "created_at": now} for one in data]
    return [number for number in session.execute(made, values).scalars() if number is not None]


def add_targets(session: Session, run_id: int, targets: Sequence[tuple[int, int]]) -> None:
    """Addresses (device, context) pairs."""
    values = [{"run_id": run_id, "device_id": device, "context_id": context} for device, context in targets]
    session.execute(insert(MessageTarget), values)


def forget_unread(session: Session, run_id: int, contexts: Collection[int]) -> None:
    """Deletes those of these contexts that no push of the run reads: their people are outside its audience."""
    given, rows = _among(session, contexts)
    read = select(col(Delivery.context_id)).where(col(Delivery.run_id) == run_id, col(Delivery.context_id).is_not(None))
    unread = delete(Context).where(col(Context.id).in_(given), col(Context.id).not_in(read))
    session.execute(unread.execution_options(**_UNTRACKED), rows)


def listing(
    session: Session, campaign_id: int, state: str | None, before: int | None, limit: int
) -> Sequence[Row[Any]]:
    """A campaign's firings, newest first; one row more than the limit, to know whether there is a next page."""
    mine = [col(Entry.campaign_id) == campaign_id]
    if state is not None:
        mine.append(col(Entry.state) == state)
    if before is not None:
        mine.append(col(Entry.id) < before)
    found: Any = select(
        col(Entry.id), col(User.id).label("user"), col(User.external_id), col(Entry.state), col(Entry.event_at),
        col(Entry.due_at), col(Entry.run_id),
    ).join(User, col(User.id) == col(Entry.user_id))  # fmt: skip
    return session.execute(found.where(*mine).order_by(col(Entry.id).desc()).limit(limit + 1)).all()


def counts(session: Session, campaign_id: int) -> dict[str, int]:
    """How many firings of a campaign are in each state."""
    mine = select(col(Entry.state), func.count()).where(col(Entry.campaign_id) == campaign_id)
    return {str(state): int(count) for state, count in session.execute(mine.group_by(col(Entry.state)))}
