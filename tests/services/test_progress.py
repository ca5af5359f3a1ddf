"""How far a run is, and how long it will take."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from backend.bootstrap import Core
from backend.db import OPERATOR, utc_now
from backend.models import Run
from backend.services.apps import AppRow
from backend.services.progress import Progress, of_runs
from tests.push_rows import add_deliveries, add_run

ROWS = ["accepted"] * 24 + ["failed"] * 6 + ["skipped"] * 10 + ["planned"] * 40


def after_ten_seconds(core: Core, app: AppRow, states: list[str], throttle: int | None) -> Progress:
    start = utc_now()
    run = add_run(core, app.number, planned_at=start, started_at=start, throttle_per_minute=throttle)
    add_deliveries(core, run, states, due_at=start)
    with core.reading(OPERATOR, app.number) as work:
        row = work.session.exec(select(Run).where(Run.id == run)).one()
        return of_runs(replace(work, now=start + timedelta(seconds=10)), [row])[run]


@pytest.mark.parametrize(
    ("throttle", "seconds"),
    [
        (None, 10),  # 40 in 10 s, 40 to go
        (600, 10),  # allows more than that
        (60, 30),  # of the 40, three in four are sent: 30 at one a second
    ],
)
def test_the_rest_takes_as_long_as_so_far_and_no_shorter_than_the_throttle_allows(
    core: Core, app: AppRow, throttle: int | None, seconds: int
):
    found = after_ten_seconds(core, app, ROWS, throttle)
    assert (found.done, found.open, found.throttle_per_minute) == (40, 40, throttle)
    assert found.remaining_seconds == pytest.approx(seconds)


def test_nothing_is_promised_before_anything_has_happened(core: Core, app: AppRow):
    assert after_ten_seconds(core, app, ["planned"] * 5, 60).remaining_seconds is None
