"""Due times of a page, set-based: tables of zones, hours and minutes are bound as JSON and joined to the devices."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    select,
    table,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import FromClause, TableClause, TextualSelect
from sqlalchemy.types import TypeEngine
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.experiment import PRIME, SLOTS, Salted
from backend.domain.vocabulary import ReceiptType
from backend.models import Delivery, Device, Receipt, User
from backend.queries.bulk import table_from_json

APP = ""
"""The zone of the app in a table of zones: no zone has an empty name."""
_LONGEST_ON_THE_WAY = timedelta(days=28)
"""No provider keeps a push longer, so an open is not later than this after its push was due."""
_ZONES = {"zone": "text", "hour": "integer", "due": "bigint", "phase": "integer", "places": "integer"}
_MINUTES = {"phase": "integer", "place": "integer", "minute": "integer"}
_OFFSETS = {"zone": "text", "since": "bigint", "until": "bigint", "seconds": "integer"}
_TYPES: Mapping[str, TypeEngine[Any]] = {"text": String(), "integer": Integer(), "bigint": BigInteger()}


@dataclass(frozen=True, slots=True)
class Hours:
    """What a person's best hour is read from: opens since then, on clocks whose `offsets` are
    {zone, since, until, seconds}; `otherwise` is the hour of those who have opened nothing.
    """

    offsets: Sequence[Mapping[str, Any]]
    since: datetime
    otherwise: int


@dataclass(frozen=True, slots=True)
class Timetable:
    """When whom: `zones` has {zone, hour, due, phase, places} for each zone (`APP` too) and best hour (0 without
    `hours`); `minutes` has {phase, place, minute}, where in the spread so many places are. Times are epoch seconds.
    """

    zones: Sequence[Mapping[str, Any]]
    minutes: Sequence[Mapping[str, Any]]
    salt: Salted
    hours: Hours | None = None


class FromEpoch(FunctionElement[datetime]):
    """The instant of epoch seconds, as the database keeps instants."""

    inherit_cache = True
    type = UTCDateTime()
    name: ClassVar[str] = "from_epoch"


@compiles(FromEpoch, "sqlite")
def _from_epoch_sqlite(element: FromEpoch, compiler: Any, **options: Any) -> str:
    return f"strftime('%Y-%m-%d %H:%M:%S.000000', {compiler.process(element.clauses, **options)}, 'unixepoch')"


@compiles(FromEpoch, "postgresql")
def _from_epoch_postgresql(element: FromEpoch, compiler: Any, **options: Any) -> str:
    return f"to_timestamp({compiler.process(element.clauses, **options)})"


class ToEpoch(FunctionElement[int]):
    """Whole epoch seconds of an instant."""

    inherit_cache = True
    type = BigInteger()
    name: ClassVar[str] = "to_epoch"


@compiles(ToEpoch, "sqlite")
def _to_epoch_sqlite(element: ToEpoch, compiler: Any, **options: Any) -> str:
    return f"CAST(strftime('%s', {compiler.process(element.clauses, **options)}) AS INTEGER)"


@compiles(ToEpoch, "postgresql")
def _to_epoch_postgresql(element: ToEpoch, compiler: Any, **options: Any) -> str:
    return f"CAST(floor(extract(epoch FROM {compiler.process(element.clauses, **options)})) AS bigint)"


def slot(salt: Salted) -> ColumnElement[int]:
    """The SQL twin of `experiment.slot`."""
    return (salt.multiplier * (col(User.bucket) % PRIME) + salt.offset) % PRIME % SLOTS


def zone_names(session: Session, devices: Select[Any], *, all_devices: bool) -> list[str]:
    """The zones that these devices and their users name; of all the users' devices when asked."""
    own = col(Device.user_id).in_(_users(devices)) if all_devices else col(Device.id).in_(devices)
    of_devices = select(col(Device.timezone)).where(own, col(Device.timezone).is_not(None))
    of_users = select(col(User.timezone)).where(col(User.id).in_(_users(devices)), col(User.timezone).is_not(None))
    return [str(name) for name in session.execute(of_devices.union(of_users)).scalars()]


def add_due(
    session: Session, statement: Select[Any], timetable: Timetable, devices: Select[Any]
) -> tuple[Select[Any], ColumnElement[datetime]]:
    """The statement over Device and User with the tables joined to it, and the due time as a column.

    The zone is the device's, else its user's, else the app's: the first that the table has.
    """
    zones = _table(session, "zones", _ZONES, ("zone", "hour"), timetable.zones)
    minutes = _table(session, "minutes", _MINUTES, ("phase", "place"), timetable.minutes)
    hour: ColumnElement[int] = literal(0, Integer)
    if timetable.hours is not None:
        best = _best_hours(session, timetable.hours, devices)
        statement = statement.outerjoin(best, best.c.user_id == col(User.id))
        hour = func.coalesce(best.c.hour, timetable.hours.otherwise)
    on_device, of_user, of_app = (zones.alias(name) for name in ("on_device", "of_user", "of_app"))
    named = ((on_device, col(Device.timezone)), (of_user, col(User.timezone)))
    for known, name in named:
        statement = statement.outerjoin(known, and_(known.c.zone == name, known.c.hour == hour))
    statement = statement.join(of_app, and_(of_app.c.zone == APP, of_app.c.hour == hour))
    due, phase, places = (
        func.coalesce(*(known.c[name] for known in (on_device, of_user, of_app))) for name in ("due", "phase", "places")
    )
    place = slot(timetable.salt) * places // SLOTS
    statement = statement.join(minutes, and_(minutes.c.phase == phase, minutes.c.place == place))
    return statement, FromEpoch(due + minutes.c.minute * 60)


def _best_hours(session: Session, hours: Hours, devices: Select[Any]) -> FromClause:
    """(user_id, hour) in which a person has opened most, the earlier of equals; nobody who has opened nothing."""
    opens = _opens(session, hours, devices)
    order = func.row_number().over(partition_by=opens.c.user_id, order_by=(opens.c.opened.desc(), opens.c.hour))
    ranked = select(opens.c.user_id, opens.c.hour, order.label("rank")).subquery()
    best = select(ranked.c.user_id, ranked.c.hour).where(ranked.c.rank == 1)
    return _kept(session, "best", {"user_id": "bigint", "hour": "integer"}, ("user_id",), best)


def _opens(session: Session, hours: Hours, devices: Select[Any]) -> Any:
    """(user_id, hour, opened): on the user's clock, else on that of the device that opened, else on the app's."""
    offsets = _table(session, "offsets", _OFFSETS, ("zone", "since"), hours.offsets)
    opener, at = aliased(Device), ToEpoch(col(Receipt.at))
    statement: Select[Any] = (
        select(col(Delivery.user_id).label("user_id"))
        .select_from(Delivery)
        .join(Receipt, col(Receipt.delivery_id) == col(Delivery.id))
        .join(User, col(User.id) == col(Delivery.user_id))
        .outerjoin(opener, and_(col(opener.id) == col(Delivery.device_id), col(opener.user_id) == col(User.id)))
        .where(
            col(Delivery.user_id).in_(_users(devices)),
            col(Delivery.due_at) >= hours.since - _LONGEST_ON_THE_WAY,
            col(Receipt.type) == ReceiptType.OPENED,
            col(Receipt.at) >= hours.since,
        )
    )
    of_user, on_device, of_app = (offsets.alias(f"{name}_offset") for name in ("user", "device", "app"))
    names = ((of_user, col(User.timezone)), (on_device, col(opener.timezone)), (of_app, literal(APP)))
    for known, name in names:
        statement = statement.outerjoin(known, and_(known.c.zone == name, at >= known.c.since, at < known.c.until))
    offset = func.coalesce(of_user.c.seconds, on_device.c.seconds, of_app.c.seconds)
    hour = cast((at + offset) % 86_400 // 3600, Integer)
    each = statement.add_columns(hour.label("hour")).subquery()
    counted = select(each.c.user_id, each.c.hour, func.count().label("opened"))
    return counted.group_by(each.c.user_id, each.c.hour).subquery()


def _users(devices: Select[Any]) -> Select[Any]:
    owner = aliased(Device)
    return select(col(owner.user_id)).where(col(owner.id).in_(devices))


def _table(
    session: Session, name: str, columns: Mapping[str, str], key: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> FromClause:
    """Rows of ours as a table; `key` is what it is looked up by."""
    source = table_from_json(_is_sqlite(session), columns, bind=name)
    bound = bindparam(name, json.dumps(list(rows)), type_=String())
    statement = text(f"SELECT {', '.join(columns)} FROM {source}").bindparams(bound)
    return _kept(session, name, columns, key, statement.columns(*_typed(columns)))


def _kept(
    session: Session, name: str, columns: Mapping[str, str], key: Sequence[str], rows: Select[Any] | TextualSelect
) -> TableClause:
    """These rows in a table of this connection's own, keyed, of which the database knows how large it is.

    Joined as part of the statement they are looked through for each device: a page of 20 000 people with ten opens
    each took 47 s on SQLite and more than ten minutes on PostgreSQL. Without their types SQLite leaves the key aside.
    """
    typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    layout = "WITHOUT ROWID" if _is_sqlite(session) else "ON COMMIT DELETE ROWS"
    made = f"CREATE TEMP TABLE IF NOT EXISTS the_{name} ({typed}, PRIMARY KEY ({', '.join(key)})) {layout}"
    kept = table(f"the_{name}", *_typed(columns))
    session.execute(text(made))
    session.execute(delete(kept))
    session.execute(insert(kept).from_select(list(columns), rows))
    if not _is_sqlite(session):
        session.execute(text(f"ANALYZE the_{name}"))
    return kept


def _typed(columns: Mapping[str, str]) -> list[ColumnClause[Any]]:
    return [column(name, _TYPES[kind]) for name, kind in columns.items()]


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
