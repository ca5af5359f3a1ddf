"""The pool of database connections: what died while it rested is replaced before anybody notices."""

import pytest
from sqlalchemy import text

from backend import db
from backend.bootstrap import Core
from backend.db import CLOCK

OTHERS = text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def use(core: Core, count: int = 3) -> None:
    works = [core.reading(CLOCK) for _ in range(count)]
    for work in works:
        work.__enter__().session.execute(text("SELECT 1"))
    for work in works:
        work.__exit__(None, None, None)


def test_a_connection_that_died_at_rest_is_replaced(postgres_core: Core, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(db, "MAY_REST", 0.0)
    use(postgres_core)
    with postgres_core.engine.connect() as connection:
        assert connection.execute(OTHERS).scalar_one() >= 2
    use(postgres_core)


def test_one_that_was_used_just_now_is_not_asked(postgres_core: Core, monkeypatch: pytest.MonkeyPatch):
    asked: list[object] = []
    use(postgres_core)
    monkeypatch.setattr(postgres_core.engine.dialect, "do_ping", asked.append)
    use(postgres_core)
    assert not asked
    monkeypatch.setattr(db, "MAY_REST", 0.0)
    use(postgres_core)
    assert len(asked) == 3
