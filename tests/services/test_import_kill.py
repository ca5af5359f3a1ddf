"""A process dies in the middle of an import; the next one goes on where its last page ended."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from backend.bootstrap import build
from backend.db import OPERATOR
from backend.services import import_files, import_jobs, import_runner
from tests.conftest import settings_for

pytestmark = pytest.mark.slow


def started(core, app, raw: bytes) -> str:
    arriving = import_files.Upload(core)
    arriving.write(raw)
    arrived = arriving.close()
    with core.work(OPERATOR, app.number) as work:
        made = import_jobs.add(work, arrived, kind="users", filename="people.csv")
        return import_jobs.start(work, made.id).id


def now(core, app, import_id: str):
    with core.reading(OPERATOR, app.number) as work:
        return import_jobs.get(work, import_id)


def _worker(url: str, folder: str, owner: str) -> None:
    core = build(settings_for(url, Path(folder)))
    while True:
        import_runner.tick(core, owner)


def test_a_killed_worker_loses_nothing_and_doubles_nothing(core, app, tmp_path):
    """Two are killed in the middle with SIGKILL; each row is taken once, each bad one refused once."""
    total, bad = 9_000, 300
    lines = [f"u{n},{n}" if n % 30 else f"me,{n}" for n in range(total)]
    row = started(core, app, ("user_id,n\n" + "\n".join(lines)).encode())
    forks = multiprocessing.get_context("spawn")
    url = core.settings.database_url
    reached = 0
    for victim in range(2):
        process = forks.Process(target=_worker, args=(url, str(core.settings.data_dir), f"victim {victim}"))
        process.start()
        reached = _wait_for_progress(core, app, row, reached)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        if reached == total:
            break
    core_done = finished_by_another(core, app, row)
    assert (core_done.rows_done, core_done.rows_added, core_done.rows_changed) == (total, total - bad, 0)
    assert core_done.rows_refused == bad
    with core.engine.connect() as connection:
        refused = connection.execute(text("SELECT count(*), count(DISTINCT row) FROM import_refusal")).one()
        assert tuple(refused) == (bad, bad)
        assert connection.execute(text('SELECT count(*) FROM "user"')).scalar_one() == total - bad


def _wait_for_progress(core, app, row, before: int) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = now(core, app, row)
        if found.rows_done > before or found.state == "finished":
            return found.rows_done
        time.sleep(0.01)
    raise AssertionError("no progress")


def finished_by_another(core, app, row):
    """The dead one's lease runs out first."""
    deadline = time.monotonic() + 60
    while (found := now(core, app, row)).state == "running" and time.monotonic() < deadline:
        import_runner.tick(core, "survivor")
        time.sleep(0.05)
    return found
