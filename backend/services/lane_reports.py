"""What each sender process says of its lanes: kept while it is fresh, and added up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from backend.db import Work
from backend.queries import lanes as queries
from backend.services.processes import SILENT

KEPT = timedelta(minutes=1)
RANK = {"closed": 0, "half_open": 1, "open": 2}


@dataclass(frozen=True, slots=True)
class Host:
    """One peer of a lane over all processes: `closed` works, `open` rests for `open_for` seconds, `half_open` tries.

    Of several processes the worst state and the longest rest count; `failures` are of the last minute.
    """

    host: str
    state: str
    open_for: float
    failures: int
    in_flight: int
    connections: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """A lane's last minute over all processes. `reasons` counts answers other than success in the provider's words.

    `p50_ms` is the mean of the processes' medians weighed by their answers, `p95_ms` the worst of theirs.
    """

    processes: int = 0
    per_second: float = 0.0
    accepted: int = 0
    failed: int = 0
    gone: int = 0
    retried: int = 0
    unknown: int = 0
    blocked: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    in_flight: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    hosts: tuple[Host, ...] = ()

    @property
    def answers(self) -> int:
        """All that was asked of the provider and came to an end, one way or another."""
        return self.accepted + self.errors + self.gone

    @property
    def errors(self) -> int:
        """Those that went wrong other than by a dead address."""
        return self.failed + self.retried + self.unknown + self.blocked


QUIET = Traffic()
_COUNTS = ("accepted", "failed", "gone", "retried", "unknown", "blocked")


def write(work: Work, process: str, reports: Mapping[int, Mapping[str, Any]]) -> None:
    """Keeps a process's report of each lane (by credential number) and removes what nobody renews any more.

    A report is JSON: `seconds` it looks back, how many were `accepted, failed, gone, retried, unknown, blocked`
    in them, `reasons` {words: count}, `in_flight`, `p50_ms`, `p95_ms` and `hosts` (as `HostReport`).
    """
    queries.write_reports(work.session, process, reports, work.now)
    queries.forget_reports(work.session, work.now - KEPT)


def read(work: Work) -> dict[int, Traffic]:
    """The traffic of every lane that a living process speaks of, by credential number."""
    fresh = max(SILENT, timedelta(seconds=work.core.settings.lease_seconds))
    said: dict[int, list[Mapping[str, Any]]] = {}
    for lane, at, data in queries.reports(work.session, work.now - fresh):
        said.setdefault(lane, []).append(_aged(data, (work.now - at).total_seconds()))
    return {lane: added_up(reports) for lane, reports in said.items()}


def _aged(report: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
    """The report as it would be now: a host's rest has gone on since it was written."""
    hosts = [{**host, "open_for": max(0.0, host["open_for"] - max(0.0, seconds))} for host in report.get("hosts", ())]
    return {**report, "hosts": hosts}


def added_up(reports: Sequence[Mapping[str, Any]]) -> Traffic:
    """Several processes' reports of one lane as one."""
    reasons: Counter[str] = Counter()
    for report in reports:
        for said, count in report.get("reasons", {}).items():
            reasons[" ".join(dict.fromkeys(said.split()))] += count  # Web Push says 410 410
    return Traffic(
        processes=len(reports),
        per_second=sum(_answers(report) / max(float(report.get("seconds") or 60), 1.0) for report in reports),
        **{name: sum(int(report.get(name, 0)) for report in reports) for name in _COUNTS},
        reasons=dict(reasons.most_common()),
        in_flight=sum(int(report.get("in_flight", 0)) for report in reports),
        p50_ms=_median(reports),
        p95_ms=max((float(r["p95_ms"]) for r in reports if r.get("p95_ms") is not None), default=None),
        hosts=_hosts([host for report in reports for host in report.get("hosts", ())]),
    )


def _answers(report: Mapping[str, Any]) -> int:
    return sum(int(report.get(name, 0)) for name in _COUNTS)


def _median(reports: Sequence[Mapping[str, Any]]) -> float | None:
    timed = [(float(r["p50_ms"]), _answers(r)) for r in reports if r.get("p50_ms") is not None and _answers(r)]
    weight = sum(answers for _, answers in timed)
    return round(sum(median * answers for median, answers in timed) / weight, 1) if weight else None


def _hosts(said: Sequence[Mapping[str, Any]]) -> tuple[Host, ...]:
    """Each host once, those that do not work first."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for host in said:
        by_name.setdefault(str(host["host"]), []).append(host)
    hosts = [_host(name, views) for name, views in by_name.items()]
    return tuple(sorted(hosts, key=lambda host: (-RANK[host.state], -host.in_flight, host.host)))


def _host(name: str, views: Sequence[Mapping[str, Any]]) -> Host:
    return Host(
        host=name,
        state=max((str(view["state"]) for view in views), key=lambda state: RANK[state]),
        open_for=max(float(view["open_for"]) for view in views),
        failures=sum(int(view["failures"]) for view in views),
        in_flight=sum(int(view["in_flight"]) for view in views),
        connections=sum(int(view["connections"]) for view in views),
    )
