"""What needs a look: campaigns that do not move, senders that are gone, lanes that stand still."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backend.db import Work
from backend.domain.vocabulary import LaneState, ProviderName
from backend.queries import chunks
from backend.queries import lanes as queries
from backend.queries import processes as process_queries
from backend.services import ids, processes
from backend.services.lane_health import Lane
from backend.services.lane_reports import Traffic
from backend.services.lane_states import STALLED_AFTER

BACKLOG = timedelta(minutes=5)
ERRING_PERCENT = 10
ENOUGH_ANSWERS = 100
"""Of the last minute, before their errors say something."""
EXPIRES_SOON = timedelta(days=30)
EXPIRES_NEXT = timedelta(days=7)
PROVIDERS = {ProviderName.APNS: "APNs", ProviderName.FCM: "FCM", ProviderName.WEBPUSH: "Web Push"}


class AlarmKind(StrEnum):
    """What an alarm is about."""

    STALLED_RUN = "stalled_run"
    NO_SENDER = "no_sender"
    LANE_HELD = "lane_held"
    LANE_RESTING = "lane_resting"
    LANE_PAUSED = "lane_paused"
    LANE_ERRING = "lane_erring"
    QUARANTINE = "quarantine"
    BACKLOG = "backlog"
    CREDENTIAL_EXPIRING = "credential_expiring"


class Severity(StrEnum):
    """How much an alarm matters: pushes are not going out, or will not soon."""

    BAD = "bad"
    CARE = "care"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that needs a look, and in which campaign or lane; `since` when it is known."""

    kind: AlarmKind
    severity: Severity
    sentence: str
    since: datetime | None = None
    campaign_id: str | None = None
    campaign_name: str = ""
    lane: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A part of this installation by its own heartbeat; `address` where it can be reached."""

    kind: str
    name: str
    address: str | None
    started_at: datetime
    heartbeat_at: datetime
    alive: bool


def raised(work: Work, lanes: Sequence[Lane]) -> list[Alarm]:
    """The alarms of the app whose lanes these are, or of the installation when acting in none; the worst first."""
    found = [*_no_sender(work), *stalled_runs(work), *(alarm for lane in lanes for alarm in _of_lane(lane, work.now))]
    return sorted(found, key=lambda alarm: list(Severity).index(alarm.severity))


def stalled_runs(work: Work) -> list[Alarm]:
    """Running campaigns with due pushes of which nobody has moved one for a minute."""
    since = work.now - STALLED_AFTER
    found = queries.stalled(work.session, work.app, since, work.now)
    slow = {row.id: timedelta(minutes=2 / row.throttle_per_minute) for row in found if row.throttle_per_minute}
    return [_stalled(work, row) for row in found if row.moved_at <= work.now - slow.get(row.id, timedelta(0))]


def list_processes(work: Work) -> list[ProcessRow]:
    """Servers and senders, those of the last day."""
    return [
        ProcessRow(
            row.kind, row.name, row.address, row.started_at, row.heartbeat_at,
            row.heartbeat_at >= work.now - processes.SILENT,
        )
        for row in process_queries.listing(work.session)
    ]  # fmt: skip


def _stalled(work: Work, row: queries.StalledRun) -> Alarm:
    since = max(row.moved_at, row.due_at)
    named = f"“{row.name}”" if row.kind != "message" else "A message by API"
    waits = f"{(work.now - since) // timedelta(seconds=1)} s"
    return Alarm(
        AlarmKind.STALLED_RUN,
        Severity.BAD,
        f"{named} has pushes due and none has moved for {waits}.",
        since,
        ids.public(work, ids.CAMPAIGN, row.campaign_id) if row.kind == "send" else None,
        row.name,
    )


def _no_sender(work: Work) -> Iterator[Alarm]:
    waiting, oldest = chunks.backlog(work.session, work.now)
    if waiting and not processes.alive(work, "sender"):
        yield Alarm(AlarmKind.NO_SENDER, Severity.BAD, "Pushes are due and no sender process is alive.", oldest)


def _of_lane(lane: Lane, now: datetime) -> Iterator[Alarm]:
    def alarm(kind: AlarmKind, severity: Severity, sentence: str, since: datetime | None = None) -> Alarm:
        return Alarm(kind, severity, f"{_called(lane)}: {sentence}", since, lane=lane.id)

    if lane.state is LaneState.HELD:
        yield alarm(AlarmKind.LANE_HELD, Severity.BAD, lane.sentence)
    elif lane.state is LaneState.RESTING:
        yield alarm(AlarmKind.LANE_RESTING, Severity.CARE, lane.sentence)
    elif lane.state is LaneState.PAUSED and lane.rows_due:
        yield alarm(AlarmKind.LANE_PAUSED, Severity.CARE, f"{lane.sentence} Pushes wait for it.", lane.oldest_due)
    elif lane.traffic.answers >= ENOUGH_ANSWERS and 100 * lane.traffic.errors >= ERRING_PERCENT * lane.traffic.answers:
        yield alarm(AlarmKind.LANE_ERRING, Severity.CARE, _erring(lane.traffic))
    if lane.quarantined_at is not None:
        yield alarm(AlarmKind.QUARANTINE, Severity.CARE, lane.quarantine_reason or "", lane.quarantined_at)
    if lane.oldest_due is not None and now - lane.oldest_due >= BACKLOG:
        late = "the oldest push that is due has waited for more than 5 minutes."
        yield alarm(AlarmKind.BACKLOG, Severity.CARE, late, lane.oldest_due)
    if lane.expires_at is not None and lane.expires_at - now < EXPIRES_SOON:
        yield alarm(AlarmKind.CREDENTIAL_EXPIRING, *_expiring(lane.expires_at - now))


def _erring(traffic: Traffic) -> str:
    share = f"{100 * traffic.errors / traffic.answers:.0f}% of the last minute's answers were errors"
    most = next(iter(traffic.reasons), "")
    return f"{share}, most often {most}." if most else f"{share}."


def _called(lane: Lane) -> str:
    return f"{PROVIDERS[lane.provider]} {lane.name}".strip()


def _expiring(left: timedelta) -> tuple[Severity, str]:
    if left <= timedelta(0):
        return Severity.BAD, "its certificate has expired; add a new one."
    days = left // timedelta(days=1)
    when = f"in {days} days" if days > 1 else "within two days"
    return (Severity.BAD if left < EXPIRES_NEXT else Severity.CARE), f"its certificate expires {when}; add a new one."
