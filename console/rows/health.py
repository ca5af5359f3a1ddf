"""How sending goes, in words: lanes, what needs a look, processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backend.domain.vocabulary import LaneState
from backend.services.alarms import EXPIRES_SOON, Alarm, ProcessRow, Severity
from backend.services.lane_health import Lane
from backend.services.lane_reports import Host, Traffic
from backend.services.words import REASONS
from console import routes, words
from console.rows.apps import PROVIDER
from console.words import NEVER, When

PROCESS_WORD: Final = {"server": "Console, API and clock", "sender": "Sender"}


@dataclass(frozen=True, slots=True)
class Summary:
    """The overview strip. `bad` and `care` are how many things are wrong and want a look."""

    bad: int = 0
    care: int = 0
    rate: str = words.NOTHING
    rate_note: str = ""
    waiting: str = words.NOTHING
    waiting_note: str = ""
    errors: str = words.NOTHING
    errors_note: str = ""
    dead: str = words.NOTHING
    senders: str = words.NOTHING
    senders_note: str = ""


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """One thing that needs a look, and where to look."""

    sentence: str
    tone: str
    since: When
    href: str
    action: str


@dataclass(frozen=True, slots=True)
class LaneLine:
    """A lane in the table. `share` is how much of its limit it uses, in percent."""

    id: str
    provider: str
    word: str
    name: str
    environment: str
    state: str
    sentence: str
    rate: str
    rate_hint: str
    share: float
    limited: bool
    errors: str
    errors_hint: str
    erring: bool
    waiting: str
    oldest: str
    oldest_hint: str
    late: bool
    latency: str
    latency_hint: str
    quarantined: bool
    stopped: bool
    opened: bool
    href: str


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """What a provider said how often; `percent` is of all answers of the minute."""

    reason: str
    text: str
    count: str
    percent: float


@dataclass(frozen=True, slots=True)
class HostLine:
    """A peer of a lane."""

    host: str
    state: str
    detail: str
    in_flight: str
    connections: str
    failures: str


@dataclass(frozen=True, slots=True)
class LaneDetail:
    """The opened lane. `outcomes` are of the last minute; `dead_href` leads to its dead letters."""

    id: str = ""
    name: str = ""
    state: str = "idle"
    rows_due: str = ""
    stopped: bool = False
    outcomes: str = ""
    reasons: tuple[ReasonLine, ...] = ()
    hosts: tuple[HostLine, ...] = ()
    in_flight: str = ""
    retrying: str = ""
    rate_limit: str = ""
    max_per_second: str = ""
    devices: str = ""
    dead_now: str = ""
    dead_now_hint: str = ""
    dead_week: str = ""
    dead_week_hint: str = ""
    dead_letters: str = ""
    dead_href: str = ""
    verified: When = NEVER
    expires: When = NEVER
    expires_soon: bool = False
    quarantine: str = ""
    quarantined: When = NEVER


NO_LANE = LaneDetail()


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """A server or sender."""

    name: str
    word: str
    state: str
    address: str
    heartbeat: When
    started: When


def summary(lanes: Sequence[Lane], alarms: Sequence[Alarm], processes: Sequence[ProcessRow], now: datetime) -> Summary:
    rate = sum(lane.traffic.per_second for lane in lanes)
    due, retrying = sum(lane.rows_due for lane in lanes), sum(lane.rows_retrying for lane in lanes)
    oldest = min((lane.oldest_due for lane in lanes if lane.oldest_due), default=None)
    answers, errors = sum(lane.traffic.answers for lane in lanes), sum(lane.traffic.errors for lane in lanes)
    senders = [process for process in processes if process.kind == "sender"]
    silent = sum(not process.alive for process in senders)
    return Summary(
        bad=sum(alarm.severity is Severity.BAD for alarm in alarms),
        care=sum(alarm.severity is Severity.CARE for alarm in alarms),
        rate=_rate(rate),
        rate_note="over the last minute",
        waiting=_about(due, all(lane.exact for lane in lanes)),
        waiting_note=f"oldest {_waited(oldest, now)}" if oldest else _retrying(retrying),
        errors=words.percent(errors, answers),
        errors_note=words.share(errors, answers, "answers") or "no answers in the last minute",
        dead=words.number(sum(lane.dead_letters for lane in lanes)),
        senders=words.number(len(senders) - silent),
        senders_note=f"{silent} silent" if silent else "",
    )


def _rate(per_second: float) -> str:
    return words.per_second(per_second) if per_second >= 0.05 else "0/s"


def _retrying(count: int) -> str:
    return f"{words.number(count)} wait for another try" if count else "nothing is late"


def _about(count: int, exact: bool) -> str:
    return words.number(count) if exact or not count else f"≈ {words.number(count)}"


def _waited(since: datetime | None, now: datetime) -> str:
    return words.duration((now - since).total_seconds()) if since else ""


def alarm_line(alarm: Alarm, zone: str, now: datetime) -> AlarmLine:
    href, action = "", ""
    if alarm.campaign_id:
        href, action = routes.campaign(alarm.campaign_id), "Open campaign"
    elif alarm.lane:
        href, action = routes.health(open=alarm.lane), "Show lane"
    return AlarmLine(alarm.sentence, str(alarm.severity), words.when(alarm.since, zone, now), href, action)


def lane_line(lane: Lane, opened: str, zone: str, now: datetime, query: Mapping[str, str]) -> LaneLine:
    """A lane in the table; `query` is what else the address holds."""
    traffic, here = lane.traffic, lane.id == opened
    oldest = words.when(lane.oldest_due, zone, now)
    late = lane.oldest_due is not None and now - lane.oldest_due > timedelta(minutes=1)
    return LaneLine(
        id=lane.id,
        provider=lane.provider,
        word=PROVIDER.get(lane.provider, lane.provider),
        name=lane.name,
        environment=lane.environment if lane.provider == "apns" else "",
        state=lane.state,
        sentence=lane.sentence,
        rate=_rate(traffic.per_second),
        rate_hint=_rate_hint(lane),
        share=round(min(100.0, 100 * traffic.per_second / lane.rate_limit), 1) if lane.rate_limit else 0.0,
        limited=lane.rate_limit is not None,
        errors=words.percent(traffic.errors, traffic.answers),
        errors_hint=words.share(traffic.errors, traffic.answers, "answers in the last minute"),
        erring=traffic.errors > 0,
        waiting=_about(lane.rows_due, lane.exact),
        oldest=f"oldest {_waited(lane.oldest_due, now)}" if lane.oldest_due else "",
        oldest_hint=f"since {oldest.exact}" if lane.oldest_due else "",
        late=late,
        latency=_ms(traffic.p50_ms),
        latency_hint=f"95 of 100 answers within {_ms(traffic.p95_ms)}" if traffic.p95_ms is not None else "",
        quarantined=lane.quarantined_at is not None,
        stopped=lane.state in (LaneState.PAUSED, LaneState.HELD),
        opened=here,
        href=routes.health(**{**query, "open": "" if here else lane.id}),
    )


def _rate_hint(lane: Lane) -> str:
    if lane.rate_limit is None:
        return "No limit is set."
    percent = f"{100 * lane.traffic.per_second / lane.rate_limit:.1f}%" if lane.rate_limit else "All"
    return f"{percent} of {words.per_second(lane.rate_limit)}"


def _ms(value: float | None) -> str:
    if value is None:
        return words.NOTHING
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def lane_detail(lane: Lane, zone: str, now: datetime) -> LaneDetail:
    traffic, devices = lane.traffic, lane.devices or 0
    pruned = lane.pruned_in_week or 0
    return LaneDetail(
        id=lane.id,
        name=lane.name or PROVIDER.get(lane.provider, lane.provider),
        state=lane.state,
        rows_due=words.plural(lane.rows_due, "push", "pushes"),
        stopped=lane.state in (LaneState.PAUSED, LaneState.HELD),
        outcomes=_outcomes(traffic),
        reasons=tuple(_reason(name, count, traffic.answers) for name, count in traffic.reasons.items()),
        hosts=tuple(_host(host) for host in traffic.hosts),
        in_flight=words.number(traffic.in_flight),
        retrying=words.number(lane.rows_retrying) if lane.exact else f"at least {words.number(lane.rows_retrying)}",
        rate_limit=words.per_second(lane.rate_limit) if lane.rate_limit is not None else "No limit",
        max_per_second=str(lane.max_per_second or ""),
        devices=words.number(lane.devices),
        dead_now=words.percent(traffic.gone, traffic.answers),
        dead_now_hint=words.share(traffic.gone, traffic.answers, "answers in the last minute"),
        dead_week=words.percent(pruned, devices),
        dead_week_hint=words.share(pruned, devices, "devices turned out dead in the last 7 days"),
        dead_letters=words.number(lane.dead_letters),
        dead_href=routes.health(open=lane.id, lane=lane.id) if lane.dead_letters else "",
        verified=words.when(lane.verified_at, zone, now),
        expires=_date(lane.expires_at, zone, now),
        expires_soon=lane.expires_at is not None and lane.expires_at - now < EXPIRES_SOON,
        quarantine=lane.quarantine_reason or "",
        quarantined=words.when(lane.quarantined_at, zone, now),
    )


def _date(at: datetime | None, zone: str, now: datetime) -> When:
    """A day to come, by its distance."""
    if at is None:
        return NEVER
    days = (at - now) // timedelta(days=1)
    return When(f"in {days} days" if days > 1 else "now" if at > now else "expired", words.when(at, zone, now).exact)


def _outcomes(traffic: Traffic) -> str:
    counts = {
        "accepted": traffic.accepted,
        "failed": traffic.failed,
        "dead address" if traffic.gone == 1 else "dead addresses": traffic.gone,
        "to be tried again": traffic.retried,
        "unknown": traffic.unknown,
        "refused credential": traffic.blocked,
    }
    return ", ".join(f"{words.number(count)} {word}" for word, count in counts.items() if count)


def _reason(name: str, count: int, answers: int) -> ReasonLine:
    percent = round(100 * count / answers, 1) if answers else 0.0
    return ReasonLine(name, REASONS.get(name.rsplit(maxsplit=1)[-1], ""), words.number(count), percent)


def _host(host: Host) -> HostLine:
    detail = f"next try in {max(1, round(host.open_for))} s" if host.state == "open" else ""
    counts = (host.in_flight, host.connections, host.failures)
    return HostLine(host.host, host.state, detail, *(words.number(count) for count in counts))


def process_line(row: ProcessRow, zone: str, now: datetime) -> ProcessLine:
    return ProcessLine(
        name=row.name,
        word=PROCESS_WORD.get(row.kind, row.kind.capitalize()),
        state="alive" if row.alive else "silent",
        address=row.address or "",
        heartbeat=words.when(row.heartbeat_at, zone, now),
        started=words.when(row.started_at, zone, now),
    )
