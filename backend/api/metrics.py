"""What Prometheus reads: requests by route and status, the work that is due, how the lanes are doing."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.problems import OURS
from backend.bootstrap import Core
from backend.db import Actor
from backend.domain.vocabulary import LaneState
from backend.services import alarms, installation, lane_health
from backend.services.lane_health import Lane

MONITOR = Actor("monitor")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The figures of one server process; each API has its own registry."""

    def __init__(self, core: Callable[[], Core]) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route")
        self._requests = Counter(
            "tocsin_http_requests", "Requests answered.", (*labels, "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "tocsin_http_request_seconds", "Time to an answer.", labels, buckets=SECONDS, registry=self._registry
        )
        self._registry.register(_Due(core))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """The exposition format; asks the database."""
        return generate_latest(self._registry)


class _Due(Collector):
    """Asked at each scrape: the installation's backlog, its alarms and its lanes."""

    def __init__(self, core: Callable[[], Core]) -> None:
        self._core = core

    def describe(self) -> Iterator[Metric]:
        return iter(())  # known without asking the database

    def collect(self) -> Iterator[Metric]:
        with self._core().reading(MONITOR) as work:
            due, processes = installation.backlog(work), alarms.list_processes(work)
            lanes, stalled = lane_health.lanes(work, devices=False), len(alarms.stalled_runs(work))
            now = work.now
        senders = sum(process.alive for process in processes if process.kind == "sender")
        yield GaugeMetricFamily("tocsin_chunks_due", "Chunks that are due and not done.", due.chunks)
        yield GaugeMetricFamily("tocsin_oldest_due_seconds", "How long the oldest of them has waited.", due.seconds)
        yield GaugeMetricFamily("tocsin_stalled_runs", "Runs with pushes due of which none moves.", stalled)
        yield GaugeMetricFamily("tocsin_senders_alive", "Sender processes heard of lately.", senders)
        yield from _lanes(lanes, now)


def _lanes(lanes: Sequence[Lane], now: datetime) -> Iterator[Metric]:
    """One series a lane; the state is 1 for the one it is in."""
    for name, (help_text, value) in LANE_GAUGES.items():
        gauge = GaugeMetricFamily(f"tocsin_lane_{name}", help_text, labels=LANE_LABELS)
        for lane in lanes:
            if (found := value(lane, now)) is not None:
                gauge.add_metric(_labels(lane), found)
        yield gauge
    states = GaugeMetricFamily("tocsin_lane_state", "1 for the state that it is in.", labels=[*LANE_LABELS, "state"])
    answers = GaugeMetricFamily(
        "tocsin_lane_answers", "Answers of the last minute by outcome.", labels=[*LANE_LABELS, "outcome"]
    )
    for lane in lanes:
        for state in LaneState:
            states.add_metric([*_labels(lane), state], float(lane.state is state))
        for outcome in OUTCOMES:
            answers.add_metric([*_labels(lane), outcome], float(getattr(lane.traffic, outcome)))
    yield from (states, answers)


def _labels(lane: Lane) -> list[str]:
    return [lane.app, lane.id, lane.provider]


def _age(since: datetime | None, now: datetime) -> float:
    return (now - since).total_seconds() if since is not None else 0.0


LANE_LABELS = ["app", "lane", "provider"]
OUTCOMES = ("accepted", "failed", "gone", "retried", "unknown", "blocked")
LANE_GAUGES: dict[str, tuple[str, Callable[[Lane, datetime], float | None]]] = {
    "per_second": ("Pushes answered a second, over the last minute.", lambda lane, _: lane.traffic.per_second),
    "in_flight": ("Pushes on the network.", lambda lane, _: lane.traffic.in_flight),
    "rows_due": ("Pushes that wait to be sent now.", lambda lane, _: lane.rows_due),
    "oldest_due_seconds": ("How long the first of them has waited.", lambda lane, now: _age(lane.oldest_due, now)),
    "rows_retrying": ("Pushes that wait for another try.", lambda lane, _: lane.rows_retrying),
    "hosts_resting": (
        "Hosts that are not asked because they do not answer.",
        lambda lane, _: sum(host.state != "closed" for host in lane.traffic.hosts),
    ),
    "quarantined": ("1 while no device of it is pruned.", lambda lane, _: float(lane.quarantined_at is not None)),
    "dead_letters": ("Pushes that failed for good and may be retried.", lambda lane, _: lane.dead_letters),
    "expires_seconds": (
        "Until its client certificate ends; only where it has one.",
        lambda lane, now: -_age(lane.expires_at, now) if lane.expires_at else None,
    ),
}


class Measured:
    """Counts and times the API's own requests; pages and websockets pass by."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(OURS):
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._metrics.answered(scope["method"], _route(scope), status, time.perf_counter() - began)


def _route(scope: Scope) -> str:
    """The route's template, never the address: ids would make a series each."""
    return str(getattr(scope.get("route"), "path", "none"))
