"""`tocsin demo`: the whole product rehearsed once, from filled app to the last receipt."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import click
import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import TocsinError
from backend.services import analytics, campaigns, demo, processes
from backend.simulator.authority import Authority, NotServing

START = 120.0
QUIET = 3.0
LONGEST = 3600.0
CAMPAIGN = {
    "name": "Demo campaign",
    "category": "marketing",
    "audience": {"everyone": True},
    "quiet_hours": "ignore",
    "ignore_caps": True,
    "variants": [
        {
            "name": "A",
            "weight": 50,
            "content": {
                "title": "Hi {{ user.name | default('there') }}, your picks are in",
                "body": "Twelve new things, chosen for you in {{ user.country | default('your country') }}.",
                "link": "https://shop.example/picks",
                "actions": [{"id": "buy", "title": "Shop now", "link": "https://shop.example/picks"}],
            },
        },
        {
            "name": "B",
            "weight": 50,
            "content": {
                "title": "Your picks are in",
                "body": "See them before they are gone.",
                "link": "https://shop.example/picks",
            },
        },
    ],
}


class DemoError(TocsinError):
    """The demo could not run to its end."""


def run(core: Core, devices: int, *, quiet: bool) -> dict[str, Any]:
    """Fills the demo app, sends one campaign to it and waits for people; the report's numbers."""
    with _installation(core):
        authority = Authority.load_or_create(core.settings.simulator_dir)
        with core.work(OPERATOR) as work:
            filled = demo.fill(work, authority, _slug(core, devices), devices)
        before = _simulator(authority)
        started = time.monotonic()
        with core.work(OPERATOR, filled.app.number) as work:
            campaign = campaigns.create(work, CAMPAIGN).row.id
            campaigns.launch(work, campaign)
        seconds = _watch(core, filled.app.number, campaign, started, quiet=quiet)
        report = _report(core, filled.app.number, campaign, seconds)
        _compare(before, _simulator(authority), report)
        return report


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    rows = Table("", "", title="Demo campaign", show_header=False)
    for name, value in report.items():
        rows.add_row(name.replace("_", " "), f"{value:,}")
    console = Console()
    with console.capture() as captured:
        console.print(rows)
    return captured.get()


def _slug(core: Core, devices: int) -> str:
    """The demo app itself, or one of the wanted size beside it when that one is larger already."""
    with core.reading(OPERATOR) as work:
        sizes = demo.sizes(work)
    fitting = [slug for slug, size in sizes.items() if size <= devices]
    return "demo" if "demo" in fitting or "demo" not in sizes else f"demo-{devices}"


@contextlib.contextmanager
def _installation(core: Core) -> Iterator[None]:
    """The one that runs on this database already, or one of our own for as long as we need it."""
    with core.reading(OPERATOR) as work:
        running = processes.alive(work, "server") and processes.alive(work, "sender")
    if running and _answers(core):
        yield
        return
    command = [sys.executable, "-m", "console.cli", "up", "--demo", "--port", "0", "--exit-with-parent"]
    child = subprocess.Popen(  # noqa: S603 - our own words
        command, stdin=subprocess.PIPE, stdout=sys.stderr, env=_quiet_environment(core), start_new_session=True
    )
    try:
        _until_ready(core, child)
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(30)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)


def _quiet_environment(core: Core) -> dict[str, str]:
    """The same installation on an address of its own."""
    environment = core.settings.child_environment()
    environment.pop("TOCSIN_BASE_URL", None)
    return {**environment, "TOCSIN_LOG_LEVEL": "WARNING"}


def _until_ready(core: Core, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise DemoError("The server of the demo did not start; its reason is above.")
        with core.reading(OPERATOR) as work:
            if processes.alive(work, "server") and processes.alive(work, "sender") and _answers(core):
                return
        time.sleep(0.2)
    raise DemoError(f"The server of the demo was not ready after {START:.0f} s.")


def _answers(core: Core) -> bool:
    """Whether a simulator serves from this installation's folder."""
    try:
        _simulator(Authority.load_or_create(core.settings.simulator_dir))
    except (NotServing, httpx.HTTPError):
        return False
    return True


def _simulator(authority: Authority) -> dict[str, Any]:
    """The simulator's own counts."""
    import ssl

    trusted = ssl.create_default_context(cadata=authority.ca)
    with httpx.Client(http2=True, verify=trusted, timeout=10) as client:
        counts: dict[str, Any] = client.get(f"{authority.endpoints.control}/simulator/stats").raise_for_status().json()
        return counts


def _watch(core: Core, app: int, campaign: str, started: float, *, quiet: bool) -> float:
    """Waits until the run is over and receipts have been quiet for three seconds; how long the sending took."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        sending = bar.add_task("Sending", total=None)
        seconds, receipts, since = 0.0, -1, time.monotonic()
        while time.monotonic() - started < LONGEST:
            with core.reading(OPERATOR, app) as work:
                progress = campaigns.get(work, campaign).row.progress
            assert progress is not None
            bar.update(sending, completed=progress.done, total=progress.audience or None)
            if progress.state == "paused":
                raise DemoError("The run has paused itself; the console says why.")
            if progress.state == "finished":
                seconds = seconds or time.monotonic() - started
                seen = progress.delivered + progress.opened
                receipts, since = (seen, time.monotonic()) if seen != receipts else (receipts, since)
                bar.update(sending, description=f"Waiting for people: {progress.opened} opened")
                if time.monotonic() - since > QUIET:
                    return seconds
            time.sleep(0.25)
    raise DemoError(f"The run has not finished after {LONGEST:.0f} s.")


def _report(core: Core, app: int, campaign: str, seconds: float) -> dict[str, Any]:
    with core.reading(OPERATOR, app) as work:
        totals = analytics.report(work, campaign).totals
    names = ("audience", "accepted", "failed", "skipped", "delivered", "opened")
    counts: dict[str, Any] = {name: getattr(totals, name) for name in names}
    return {**counts, "seconds": round(seconds, 2), "per_second": round(counts["accepted"] / max(seconds, 0.01), 1)}


def _compare(before: dict[str, Any], after: dict[str, Any], report: dict[str, Any]) -> None:
    """Says on standard error what the simulator counted itself."""
    pairs, repeats = (after[name] - before[name] for name in ("pairs", "repeats"))
    click.echo(f"The simulator counted {pairs} accepted pushes and {repeats} repeats.", err=True)
