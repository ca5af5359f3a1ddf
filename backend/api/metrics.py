"""What Prometheus reads: requests by route and status, and the work that is due."""

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.problems import OURS
from backend.bootstrap import Core
from backend.db import Actor
from backend.services import installation

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
    """Asked at each scrape: the installation's backlog."""

    def __init__(self, core: Callable[[], Core]) -> None:
        self._core = core

    def describe(self) -> Iterator[Metric]:
        return iter(())  # known without asking the database

    def collect(self) -> Iterator[Metric]:
        with self._core().reading(MONITOR) as work:
            due = installation.backlog(work)
        yield GaugeMetricFamily("tocsin_chunks_due", "Chunks that are due and not done.", due.chunks)
        yield GaugeMetricFamily("tocsin_oldest_due_seconds", "How long the oldest of them has waited.", due.seconds)


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
