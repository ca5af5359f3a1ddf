"""How long it takes to count a segment and to list its first people, in an app of a million users.

`python -m tests.bench.segments --database sqlite --keep DIRECTORY`; see `--help`. Each figure is the best
and the median of some runs: compare on a quiet machine. A kept database is used again.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine, select, text
from sqlmodel import col

from backend.bootstrap import Core, build
from backend.db import OPERATOR, Work, unit_of_work
from backend.errors import TooSlow
from backend.migrate import to_head
from backend.models import App, Segment, UserList
from backend.services import ids, segmentation
from tests.bench.segment_data import NOW, Sizes, fill
from tests.conftest import POSTGRES, settings_for

BENCH = "million_segments"
COUNTRY = {"field": "user.country", "operator": "=", "value": "PL"}
PLAN = {"field": "attr.plan", "operator": "=", "value": "pro"}
ACTIVE = {"field": "user.last_active", "operator": "withinDays", "value": 30}
THRICE = {"field": "event.app_open", "operator": "countAtLeast", "value": {"times": 3, "days": 30}}
NEAR = {"field": "user.location", "operator": "withinKm", "value": {"lat": 52.2, "lon": 21.0, "km": 25}}


def all_of(*rules: Any) -> dict[str, Any]:
    return {"combinator": "and", "not": False, "rules": list(rules)}


def any_of(*rules: Any) -> dict[str, Any]:
    return {"combinator": "or", "not": False, "rules": list(rules)}


def one(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    return all_of({"field": field, "operator": operator, "value": value})


def mixes(list_id: str, segment_id: str) -> dict[str, dict[str, Any]]:
    bought = {"times": 1, "days": 30}
    return {
        "A: country, attribute, active": all_of(COUNTRY, PLAN, ACTIVE),
        "B: event thrice in 30 days": all_of(THRICE),
        "A and B": all_of(COUNTRY, PLAN, ACTIVE, THRICE),
        "C: within 25 km": all_of(NEAR),
        "everyone": all_of(),
        "nobody": any_of(),
        "attribute = text": all_of(PLAN),
        "attribute = rare text": one("attr.city", "=", "City 77"),
        "attribute != text": one("attr.plan", "!=", "pro"),
        "attribute in texts": one("attr.plan", "in", ["pro", "team"]),
        "attribute contains": one("attr.name", "contains", "son 99999"),
        "attribute > number": one("attr.score", ">", 95),
        "attribute = true": one("attr.vip", "=", True),
        "attribute includes": one("attr.tags", "includes", "t42"),
        "attribute after date": one("attr.since", "after", "2026-01-01"),
        "attribute is missing": one("attr.shoes", "null"),
        "user id =": one("user.id", "=", "user-77"),
        "country": all_of(COUNTRY),
        "country or attribute": any_of(COUNTRY, PLAN),
        "not active in 90 days": one("user.last_active", "notWithinDays", 90),
        "active": all_of(ACTIVE),
        "sessions >=": one("user.sessions", ">=", 190),
        "platform": one("device.platform", "=", "ios"),
        "app version >=": one("device.app_version", ">=", "8.2"),
        "platform, permission, active": all_of(
            {"field": "device.platform", "operator": "=", "value": "android"},
            {"field": "device.permission", "operator": "!=", "value": "denied"},
            {"field": "device.state", "operator": "=", "value": "active"},
        ),
        "any device is on the web": all_of({**one("device.platform", "=", "web"), "any_device": True}),
        "event once in 30 days": one("event.purchase", "countAtLeast", bought),
        "event once ever": one("event.purchase", "countAtLeast", {"times": 1}),
        "event with a property": one("event.purchase", "countAtLeast", {**bought, "where": {"sku": "sku-7"}}),
        "event never done": one("event.purchase", "notDone"),
        "common event not done in 30 days": one("event.app_open", "notDone", {"days": 30}),
        "event at most twice ever": one("event.app_open", "countAtMost", {"times": 2}),
        "event sum": one("event.purchase", "sumAtLeast", {"amount": 500, "days": 90}),
        "common event thrice ever": one("event.app_open", "countAtLeast", {"times": 3}),
        "event, not another": all_of(
            {"field": "event.add_to_cart", "operator": "countAtLeast", "value": {"times": 1, "days": 7}},
            {"field": "event.purchase", "operator": "notDone", "value": {"days": 7}},
        ),
        "event or attribute": any_of(THRICE, PLAN),
        "push opened": one("push.opened", "=", {"campaign": "any"}),
        "push opened in 7 days": one("push.opened", "=", {"campaign": "any", "days": 7}),
        "push not opened": one("push.opened", "!=", {"campaign": "any"}),
        "push received": one("push.received", "=", {"campaign": "any"}),
        "opted in": one("category.marketing", "=", "opted_in"),
        "opted out": one("category.marketing", "=", "opted_out"),
        "on a list": one("list", "in", list_id),
        "not on a list": one("list", "notIn", list_id),
        "in a segment": one("segment", "in", segment_id),
        "a sample of 10 %": one("sample", "<", 10),
    }


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds that passed, and those of a processor: on a busy machine the second says more.

    Of PostgreSQL they are those of our own backend; with `PGOPTIONS='-c max_parallel_workers_per_gather=0'`
    there are no others.
    """

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Timed:
    """One rule's figures, of each run."""

    name: str
    users: int | None
    count: tuple[Spent, ...]
    members: tuple[Spent, ...]


def timed(act: Callable[[], Any], cpu: Callable[[], float] = time.thread_time) -> tuple[Any, Spent]:
    begun, used = time.perf_counter(), cpu()
    answer = act()
    return answer, Spent((time.perf_counter() - begun) * 1000, (cpu() - used) * 1000)


def cpu_of(work: Work) -> Callable[[], float]:
    """The CPU seconds of this thread, and of the server process that works for it."""
    if work.sqlite:
        return time.thread_time
    stat = Path(f"/proc/{work.session.execute(text('SELECT pg_backend_pid()')).scalar_one()}/stat")
    if not stat.exists():
        return time.thread_time
    tick = os.sysconf("SC_CLK_TCK")
    return lambda: time.thread_time() + sum(map(int, stat.read_text().rpartition(")")[2].split()[11:13])) / tick


def measured(core: Core, app: int, name: str, rules: dict[str, Any], runs: int) -> Timed:
    """As the console asks: a reading unit of work for each."""
    with unit_of_work(core, OPERATOR, app, now=NOW) as work:
        segment = segmentation.create(work, name, rules).id

    def asked(act: Callable[[Work], Any]) -> tuple[Any, tuple[Spent, ...]]:
        found = []
        for _ in range(runs):
            with unit_of_work(core, OPERATOR, app, write=False, now=NOW) as work:
                answer, took = timed(lambda work=work: answered(act, work), cpu_of(work))
            found.append(took)
        return answer, tuple(found)

    estimate, count = asked(lambda work: segmentation.estimate(work, rules))
    _, members = asked(lambda work: segmentation.members(work, segment, limit=20))
    return Timed(name, estimate and estimate.users, count, members)


def answered(act: Callable[[Work], Any], work: Work) -> Any:
    try:
        return act(work)
    except TooSlow:
        return None


@contextmanager
def database(kind: str, keep: Path | None) -> Iterator[tuple[Core, bool]]:
    """The product on an empty or a kept database; whether it is empty."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{folder / 'segments.db'}" if kind == "sqlite" else _postgres(drop=not keep)
        core = build(settings_for(url, folder))
        to_head(core.engine)
        with core.reading(OPERATOR) as work:
            empty = work.session.execute(select(col(App.id))).first() is None
        yield core, empty
        core.close()
    if kind != "sqlite" and not keep:
        _postgres(drop=True, make=False)


def _postgres(*, drop: bool, make: bool = True) -> str:
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        there = connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": BENCH}).first()
        if there and drop:
            connection.execute(text(f"DROP DATABASE {BENCH} WITH (FORCE)"))
        if make and (drop or not there):
            connection.execute(text(f"CREATE DATABASE {BENCH}"))
    admin.dispose()
    return POSTGRES.rsplit("/", 1)[0] + f"/{BENCH}"


def known(core: Core) -> tuple[int, str, str]:
    """The app filled, its list, and a segment of it for other segments."""
    with unit_of_work(core, OPERATOR, now=NOW) as work:
        app = work.session.execute(select(col(App.id)).where(col(App.slug) == "million")).scalar_one()
        inside = work.within(app)
        work.session.execute(Segment.__table__.delete())
        number = work.session.execute(select(col(UserList.id))).scalars().first()
        inner = segmentation.create(inside, "Inner", all_of(COUNTRY, PLAN))
        return app, ids.public(work, ids.LIST, number), inner.id


def main() -> None:
    asked = arguments()
    sizes = Sizes(asked.users, asked.devices, asked.events)
    out = Console(width=120)
    with database(asked.database, asked.keep) as (core, empty):
        if empty:
            _, took = timed(lambda: fill(core, sizes))
            out.print(f"{asked.database}: filled in {took.wall / 1000:.0f} s")
        app, listed, segment = known(core)
        chosen = {name: rules for name, rules in mixes(listed, segment).items() if asked.only in name}
        out.print(table(asked.database, [measured(core, app, *each, asked.runs) for each in chosen.items()]))


def table(kind: str, figures: list[Timed]) -> Table:
    load = os.getloadavg()[0]
    made = Table(
        "rules", "users", "count ms", "median", "CPU", "first 20", "median", "CPU", title=f"{kind}, load {load:.1f}"
    )
    for row in figures:
        users = "too slow" if row.users is None else f"{row.users:,}"
        made.add_row(row.name, users, *(f"{ms:.0f}" for of in (row.count, row.members) for ms in told(of)))
    return made


def told(runs: tuple[Spent, ...]) -> tuple[float, float, float]:
    """The best and the median time, and the least work."""
    walls = [one.wall for one in runs]
    return min(walls), statistics.median(walls), min(one.cpu for one in runs)


def arguments() -> argparse.Namespace:
    wanted = argparse.ArgumentParser(prog="python -m tests.bench.segments", description=__doc__)
    wanted.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    wanted.add_argument("--users", type=int, default=Sizes().users)
    wanted.add_argument("--devices", type=int, default=Sizes().devices)
    wanted.add_argument("--events", type=int, default=Sizes().events)
    wanted.add_argument("--keep", type=Path, help="a directory; the database (the file in it) stays")
    wanted.add_argument("--runs", type=int, default=3)
    wanted.add_argument("--only", default="", help="rules whose name holds this")
    return wanted.parse_args()


if __name__ == "__main__":
    main()
