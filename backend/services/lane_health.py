"""How each lane of an app is doing: one row a credential, out of what its senders report and what waits in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backend.db import Work
from backend.domain import pace
from backend.domain.pace import Bucket
from backend.domain.vocabulary import CredentialStatus, Environment, LaneState, ProviderName
from backend.errors import NotFound
from backend.models import Credential
from backend.queries import credentials, dead_letters
from backend.queries import lanes as queries
from backend.queries.lanes import OpenRows, Waiting
from backend.queries.planning import CHUNK_ROWS
from backend.services import ids, lane_reports
from backend.services.lane_reports import QUIET, Traffic
from backend.services.lane_states import View

COUNTED_ROWS = 30_000
"""How many waiting rows are counted one by one (about 20 ms); more are estimated by their chunks."""
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane. Seconds and counts of `traffic` are of the last minute.

    `rows_due` wait to be sent now (`exact`, else by their chunks), `oldest_due` since when the first of them;
    `rows_retrying` wait for another try (at least so many where not `exact`). `rate_limit` is what may go out a second at this moment, None without a limit.
    `devices` and `pruned_in_week` are None when they were not asked for.
    """

    id: str
    number: int
    app: str
    provider: ProviderName
    environment: Environment
    name: str
    status: CredentialStatus
    state: LaneState
    sentence: str
    traffic: Traffic
    max_per_second: int | None
    rate_limit: float | None
    rows_due: int
    rows_retrying: int
    exact: bool
    oldest_due: datetime | None
    dead_letters: int
    devices: int | None
    pruned_in_week: int | None
    verified_at: datetime | None
    expires_at: datetime | None
    held_until: datetime | None
    quarantined_at: datetime | None
    quarantine_reason: str | None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of all lanes, by credential number."""

    traffic: Mapping[int, Traffic]
    waiting: Mapping[int, Waiting]
    rows: Mapping[int, OpenRows]
    exact: bool
    buckets: Mapping[int, Bucket]
    dead: Mapping[int, int]
    devices: Mapping[int, int] | None
    pruned: Mapping[int, int]
    now: datetime


def lanes(work: Work, *, devices: bool = True) -> list[Lane]:
    """The app's lanes in the order they were made, or those of every app when acting in none.

    Counting `devices` reads an index of all of them; without it the answer takes milliseconds.
    """
    found = queries.credentials(work.session, work.app)
    facts = _facts(work, [row.id or 0 for row, _ in found], devices=devices)
    return [_lane(work, row, slug, facts) for row, slug in found]


def lane(work: Work, credential_id: str) -> Lane:
    """One of the app's lanes. Raises `NotFound`."""
    number = ids.number(work, ids.CREDENTIAL, credential_id)
    found = next((one for one in lanes(work) if one.number == number), None)
    if found is None:
        raise NotFound("There is no such lane.")
    return found


def _facts(work: Work, numbers: list[int], *, devices: bool) -> _Facts:
    waiting = queries.waiting(work.session, work.app, work.now)
    few = sum(lane.due + lane.later for lane in waiting.values()) * CHUNK_ROWS <= COUNTED_ROWS
    rows = queries.open_rows(work.session, work.app, work.now, COUNTED_ROWS) if few else {}
    counted = devices and work.app is not None
    return _Facts(
        traffic=lane_reports.read(work),
        waiting=waiting,
        rows=rows,
        exact=few and sum(lane.counted for lane in rows.values()) < COUNTED_ROWS,
        buckets=queries.buckets(work.session, numbers),
        dead=dead_letters.per_lane(work.session, numbers),
        devices=credentials.device_counts(work.session, work.app_id) if counted else None,
        pruned=queries.pruned(work.session, work.app_id, work.now - WEEK) if counted else {},
        now=work.now,
    )


def _lane(work: Work, row: Credential, slug: str, facts: _Facts) -> Lane:
    number = row.id or 0
    waiting, rows = facts.waiting.get(number, Waiting()), _rows(number, facts)
    traffic = facts.traffic.get(number, QUIET)
    view = View(row, traffic, waiting, facts.buckets.get(number), facts.now)
    full = pace.lane_rate(ProviderName(row.provider), row.max_per_second)
    return Lane(
        id=ids.public(work, ids.CREDENTIAL, number),
        number=number,
        app=slug,
        provider=ProviderName(row.provider),
        environment=Environment(row.environment),
        name=_name(row),
        status=CredentialStatus(row.status),
        state=view.state,
        sentence=view.sentence,
        traffic=traffic,
        max_per_second=row.max_per_second,
        rate_limit=full * view.share if full is not None else None,
        rows_due=rows.due,
        rows_retrying=rows.retrying,
        exact=facts.exact,
        oldest_due=waiting.oldest,
        dead_letters=facts.dead.get(number, 0),
        devices=facts.devices.get(number, 0) if facts.devices is not None else None,
        pruned_in_week=facts.pruned.get(number, 0) if facts.devices is not None else None,
        verified_at=row.verified_at,
        expires_at=row.expires_at,
        held_until=row.held_until if view.held else None,
        quarantined_at=row.quarantined_at,
        quarantine_reason=row.quarantine_reason,
    )


def names(work: Work) -> dict[int, str]:
    """What each lane of the app is called, by its number."""
    return {row.id or 0: _name(row) for row, _ in queries.credentials(work.session, work.app_id)}


def _name(row: Credential) -> str:
    """What tells it from another of the same provider."""
    return str(row.topic or row.public.get("project_id") or row.public.get("subject") or "")


def _rows(number: int, facts: _Facts) -> OpenRows:
    found = facts.rows.get(number, OpenRows())
    chunks = facts.waiting.get(number, Waiting()).due
    return found if facts.exact else replace(found, due=max(found.due, chunks * CHUNK_ROWS))
