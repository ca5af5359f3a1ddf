"""The metronome: a handful of ticks, each one call of a service. Every one may run in several processes."""

import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.exc import OperationalError

from backend.bootstrap import Core
from backend.db import CLOCK
from backend.services import (
    campaigns,
    catalogue_past,
    holds,
    import_runner,
    picture_shelf,
    planner,
    processes,
    retention,
    rollup,
    triggers,
    upkeep,
)

log = logging.getLogger("tocsin.scheduler")

SECOND = 1.0
HOUR = 3600.0


def launch(core: Core) -> None:
    """Starts what is due and plans what waits."""
    with core.reading(CLOCK) as work:
        due, planning = campaigns.awaited(work)
    if due:
        with core.work(CLOCK) as work:
            campaigns.tick(work)
    if due or planning:
        planner.tick(core)


def answer(core: Core) -> None:
    """Sends what events have begun and whose time has come."""
    triggers.tick(core)


def settle(core: Core) -> None:
    """Ends rows that may not be sent any more, and runs that are done; pauses runs that have no lane left."""
    if not upkeep.anything_alive(core):
        return
    upkeep.end_rows(core)
    upkeep.finish_runs(core)
    holds.tick(core)


def roll_up(core: Core) -> None:
    """Brings the hourly counts up to date."""
    rollup.tick(core)


def take_in(core: Core, name: str) -> None:
    """Goes on with the files that are being imported."""
    import_runner.tick(core, name)


def sweep(core: Core) -> None:
    """Removes what is only kept for a time."""
    with core.work(CLOCK) as work:
        upkeep.sweep(work)
        import_runner.forget(work)
    retention.sweep(core)
    picture_shelf.sweep(core)


def look_back(core: Core) -> None:
    """Learns for the catalogue what was told before there was one."""
    catalogue_past.tick(core)


def leave(core: Core, name: str) -> None:
    """Says that this process has ended in good order."""
    with core.work(CLOCK) as work:
        processes.leave(work, name)


def ticks(core: Core, name: str, address: str) -> list[tuple[Callable[[], None], float]]:
    """What happens how often (seconds)."""

    def beat() -> None:
        with core.work(CLOCK) as work:
            processes.beat(work, "server", name, address)

    return [
        (lambda: launch(core), SECOND / 2),
        (lambda: answer(core), SECOND / 4),
        (lambda: settle(core), SECOND),
        (lambda: roll_up(core), 2 * SECOND),
        (lambda: take_in(core, name), SECOND / 2),
        (beat, 5 * SECOND),
        (lambda: look_back(core), 10 * SECOND),
        (lambda: sweep(core), HOUR),
    ]


@asynccontextmanager
async def running(core: Core) -> AsyncIterator[None]:
    """Ticks while the block runs; a tick under way is finished before it ends."""
    name, address = f"server {socket.gethostname()} {os.getpid()}", core.settings.base_url
    scheduler = AsyncIOScheduler(timezone="UTC")
    for tick, seconds in ticks(core, name, address):
        scheduler.add_job(
            _guarded(tick), "interval", seconds=seconds, coalesce=True, max_instances=1, misfire_grace_time=None
        )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=True)
        _guarded(lambda: leave(core, name))()


def _guarded(tick: Callable[[], None]) -> Callable[[], None]:
    """A database that is away is waited for, not worth a traceback each second."""

    def run() -> None:
        try:
            tick()
        except OperationalError as error:
            log.warning("the database does not answer: %s", error.orig)

    return run
