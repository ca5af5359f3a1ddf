"""The pool of database connections: what died while it rested is replaced before anybody notices."""

import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from backend.bootstrap import Core, build
from backend.db import CLOCK, make_engine
from tests.conftest import settings_for

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


def test_a_connection_that_died_at_rest_is_replaced(postgres_core: Core):
    use(postgres_core)
    with postgres_core.engine.connect() as connection:
        assert connection.execute(OTHERS).scalar_one() >= 2
    use(postgres_core)


def test_a_sender_does_not_ask_one_that_was_used_just_now(
    postgres_core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sender = build(settings_for(postgres_core.settings.database_url, tmp_path), may_rest=60.0)
    asked: list[object] = []
    use(sender)
    monkeypatch.setattr(sender.engine.dialect, "do_ping", asked.append)
    use(sender)
    assert not asked
    sender.close()


def test_a_process_that_stands_still_in_a_transaction_keeps_no_lock(postgres_core: Core):
    frozen = make_engine(postgres_core.settings.database_url, may_pause=0.2)
    lock = text("SELECT pg_advisory_xact_lock(1)")
    with frozen.connect() as asleep:
        asleep.execute(lock)
        time.sleep(0.5)
        with postgres_core.engine.begin() as other:
            other.execute(text("SET LOCAL lock_timeout = '1s'"))
            other.execute(lock)
        with pytest.raises(OperationalError):
            asleep.execute(lock)
    frozen.dispose()
