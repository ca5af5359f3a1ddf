"""Questions that take too long are given up, and the transaction goes on."""

import time

import pytest
from sqlalchemy import text

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import TooSlow
from backend.queries.patience import limited

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT max(a.i + b.i) FROM generate_series(1, 100000) AS a(i), generate_series(1, 100000) AS b(i)",
}


@pytest.mark.parametrize("write", [True, False])
def test_a_question_without_end_is_given_up(core: Core, write: bool):
    with core.work(OPERATOR) if write else core.reading(OPERATOR) as work:
        begun = time.monotonic()
        with pytest.raises(TooSlow, match="take too long"), limited(work.session, 0.05):
            work.session.execute(text(ENDLESS[core.engine.dialect.name]))
        assert time.monotonic() - begun < 2
        with limited(work.session, 30):
            assert work.session.execute(text("SELECT 1")).scalar_one() == 1


def test_what_follows_is_not_limited(core: Core):
    with core.reading(OPERATOR) as work:
        with limited(work.session, 0.05):
            work.session.execute(text("SELECT 1"))
        if not work.sqlite:
            assert work.session.execute(text("SHOW statement_timeout")).scalar_one() == "0"
            return
        counting = ENDLESS["sqlite"].replace("FROM n)", "FROM n WHERE i < 300000)")
        time.sleep(0.06)
        assert work.session.execute(text(counting)).scalar_one() == 300_000


def test_another_error_stays_itself(core: Core):
    with core.reading(OPERATOR) as work, pytest.raises(ZeroDivisionError), limited(work.session):
        raise ZeroDivisionError
