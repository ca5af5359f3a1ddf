"""Planning: a page of matching devices becomes deliveries in chunks, without a row passing through Python.

8 µs a row on SQLite and 9 on PostgreSQL in keyset pages of 20 000 when measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    Subquery,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from backend.domain.experiment import Salted
from backend.domain.vocabulary import ChunkState, DeliveryState, DeviceState, Platform, RunState
from backend.models import Chunk, Delivery, Device, Dims, MessageTarget, Run, User
from backend.models.base import BigId
from backend.queries import due_times
from backend.queries.due_times import Timetable

CHUNK_ROWS = 500


@dataclass(frozen=True, slots=True)
class PlanPage:
    """What one page is planned by; `ends` are the variants' upper slots, `salt` their hash.

    `timetable` says when whom, where not all are due at `due_at`; a chunk holds rows of one due time.
    """

    run_id: int
    app_id: int
    due_at: datetime
    first_chunk: int
    cursor: int
    limit: int
    ends: Sequence[int]
    salt: Salted
    timetable: Timetable | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """How far a page came: rows made, the last device and chunk number of them."""

    rows: int
    last_device: int
    last_chunk: int


def lock_run(session: Session, run_id: int) -> Run | None:
    """The run, locked against another planner; None when one is at it or it is no longer planning."""
    statement = (
        select(Run)
        .where(col(Run.id) == run_id, col(Run.state) == RunState.PLANNING)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return session.execute(statement).scalar_one_or_none()


def matching(page: PlanPage, audience: ColumnElement[bool]) -> Select[int | None]:
    """The next addressable devices of the audience, by number."""
    return (
        select(col(Device.id))
        .join(User, col(User.id) == col(Device.user_id))
        .where(
            col(Device.app_id) == page.app_id,
            col(Device.state) == DeviceState.ACTIVE,
            col(Device.credential_id).is_not(None),
            col(Device.id) > page.cursor,
            audience,
        )
        .order_by(col(Device.id))
        .limit(page.limit)
    )


def targets_of(run_id: int) -> ColumnElement[bool]:
    """The devices that an API message or a test was addressed to."""
    return exists().where(col(MessageTarget.run_id) == run_id, col(MessageTarget.device_id) == col(Device.id))


def only(devices: Sequence[int]) -> ColumnElement[bool]:
    """These devices."""
    return col(Device.id).in_(devices)


def plan_page(session: Session, page: PlanPage, audience: ColumnElement[bool]) -> Planned:
    """Writes one page of deliveries and the chunks that hold them."""
    _intern_dims(session, page, audience)
    _insert_deliveries(session, page, audience)
    _insert_chunks(session, page)
    mine = and_(col(Delivery.run_id) == page.run_id, col(Delivery.chunk) >= page.first_chunk)
    rows, device, chunk = session.execute(
        select(func.count(), func.max(col(Delivery.device_id)), func.max(col(Delivery.chunk))).where(mine)
    ).one()
    return Planned(rows, device or page.cursor, page.first_chunk - 1 if chunk is None else chunk)


_UNKNOWN: Any = (literal("", String), literal("", String), literal("", String))
"""Country, language and version of a device of which they are not known."""


def _dims() -> list[Any]:
    """How a device looks now: its own country and language before its user's."""
    return [
        col(Device.platform),
        func.coalesce(col(Device.country), col(User.country), ""),
        func.coalesce(col(Device.locale), col(User.language), ""),
        func.coalesce(col(Device.app_version), ""),
    ]


def _intern_dims(session: Session, page: PlanPage, audience: ColumnElement[bool]) -> None:
    """How they look, and each platform of which nothing else is known: for a device that looks different, or is new,
    a moment later. Without its row the page would seem short, and the plan complete."""
    on_page = matching(page, audience).subquery()
    now = (
        select(literal(page.app_id, BigId), *_dims())
        .join(User, col(User.id) == col(Device.user_id))
        .where(col(Device.id).in_(select(on_page.c.id)))
    )
    bare = [select(literal(page.app_id, BigId), literal(platform.value, String), *_UNKNOWN) for platform in Platform]
    looks = now.union(*bare)
    names = ["app_id", "platform", "country", "language", "app_version"]
    add = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(add(Dims).from_select(names, looks).on_conflict_do_nothing())


def _variant(page: PlanPage) -> ColumnElement[int]:
    """The SQL twin of `experiment.slot` and `experiment.bounds`."""
    if len(page.ends) == 1:
        return literal(0, Integer)
    mixed = due_times.slot(page.salt)
    return case(*[(mixed < end, position) for position, end in enumerate(page.ends[:-1])], else_=len(page.ends) - 1)


def on_page(page: PlanPage, audience: ColumnElement[bool]) -> Select[Any]:
    """The numbers of the page's devices, to be looked for in another statement."""
    return select(matching(page, audience).subquery().c.id)


def _page_rows(session: Session, page: PlanPage, audience: ColumnElement[bool]) -> Subquery:
    """The page's devices with what a delivery keeps of them."""
    platform, country, language, version = _dims()
    context = (
        select(col(MessageTarget.context_id))
        .where(col(MessageTarget.run_id) == page.run_id, col(MessageTarget.device_id) == col(Device.id))
        .scalar_subquery()
    )
    looks = and_(
        col(Dims.app_id) == page.app_id,
        col(Dims.platform) == platform,
        col(Dims.country) == country,
        col(Dims.language) == language,
        col(Dims.app_version) == version,
    )
    bare = aliased(Dims)
    nothing = [known == "" for known in (col(bare.country), col(bare.language), col(bare.app_version))]
    devices = on_page(page, audience)
    statement: Select[Any] = (
        select(
            col(Device.id).label("device_id"),
            col(Device.user_id).label("user_id"),
            col(Device.credential_id).label("credential_id"),
            _variant(page).label("variant"),
            func.coalesce(col(Dims.id), bare.id).label("dims_id"),
            context.label("context_id"),
        )
        .join(User, col(User.id) == col(Device.user_id))
        .outerjoin(Dims, looks)
        .join(bare, and_(col(bare.app_id) == page.app_id, col(bare.platform) == platform, *nothing))
        .where(col(Device.id).in_(devices))
    )
    due: ColumnElement[datetime] = literal(page.due_at, UTCDateTime())
    if page.timetable is not None:
        statement, due = due_times.add_due(session, statement, page.timetable, devices)
    return statement.add_columns(due.label("due_at")).subquery()


def _insert_deliveries(session: Session, page: PlanPage, audience: ColumnElement[bool]) -> None:
    """Rows of one lane and one due time lie together, 500 to a chunk."""
    found = _page_rows(session, page, audience)
    lane = (found.c.credential_id, found.c.due_at)
    place = func.row_number().over(partition_by=lane, order_by=found.c.device_id) - 1
    rows = select(found, (place // CHUNK_ROWS).label("part")).subquery()
    order = (rows.c.credential_id, rows.c.due_at, rows.c.part)
    chunk = page.first_chunk - 1 + func.dense_rank().over(order_by=order)
    made = select(
        literal(page.run_id, BigId), rows.c.user_id, rows.c.device_id, chunk, rows.c.dims_id, rows.c.context_id,
        rows.c.variant, literal(DeliveryState.PLANNED.value), literal(0), literal(False), rows.c.due_at,
    ).order_by(*order, rows.c.device_id)  # fmt: skip
    names = [
        "run_id",
        "user_id",
        "device_id",
        "chunk",
        "dims_id",
        "context_id",
        "variant",
        "state",
        "attempts",
        "maybe_sent",
        "due_at",
    ]
    session.execute(insert(Delivery).from_select(names, made))


def _insert_chunks(session: Session, page: PlanPage) -> None:
    """Urgency comes from the run's kind: what a person waits for goes before what a team plans."""
    priority = select(case((col(Run.kind) == "send", 0), else_=10)).where(col(Run.id) == page.run_id).scalar_subquery()
    groups = (
        select(
            col(Delivery.run_id), col(Delivery.chunk), col(Device.credential_id), priority,
            func.min(col(Delivery.due_at), type_=UTCDateTime()), literal(ChunkState.READY.value), literal(0),
        )
        .join(Device, col(Device.id) == col(Delivery.device_id))
        .where(col(Delivery.run_id) == page.run_id, col(Delivery.chunk) >= page.first_chunk)
        .group_by(col(Delivery.run_id), col(Delivery.chunk), col(Device.credential_id))
    )  # fmt: skip
    names = ["run_id", "number", "credential_id", "priority", "not_before", "state", "fence"]
    session.execute(insert(Chunk).from_select(names, groups))


def advance(session: Session, run: Run, planned: Planned) -> None:
    """Remembers how far the plan has come; the row is locked by `lock_run`."""
    values = {
        "plan_cursor": planned.last_device,
        "next_chunk": planned.last_chunk + 1,
        "audience": run.audience + planned.rows,
    }
    session.execute(
        update(Run).where(col(Run.id) == run.id).values(**values).execution_options(synchronize_session=False)
    )


def analyse(session: Session) -> None:
    """Lets PostgreSQL's planner know of the rows just written."""
    session.execute(text("ANALYZE delivery, chunk, device"))
