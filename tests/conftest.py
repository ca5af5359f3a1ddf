"""Shared fixtures: the real databases, migrated once a run and emptied for each test."""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

from backend.bootstrap import Core, build
from backend.db import OPERATOR, make_engine
from backend.migrate import to_head
from backend.services import apps
from backend.settings import load

POSTGRES = os.environ.get("TOCSIN_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1:5432/postgres")
SLOW = {  # whole processes, thousands of pushes: half of the suite's time
    "test_cli",
    "test_pipeline",
    "test_preview_is_sent",
    "test_simulator_contract",
    "test_simulator_http2",
    "test_simulator_people",
    "test_simulator_process",
    "test_silent",
    "test_topic_changes",
    "test_topic_sends",
    "test_transport",
}
SECRET = "tests-only-0123456789abcdefghijklmnopqrstuvwxyz"


def settings_for(database_url: str, data_dir: Path, **environment: str):
    return load(
        {
            "TOCSIN_DATABASE_URL": database_url,
            "TOCSIN_DATA_DIR": str(data_dir),
            "TOCSIN_SECRET_KEYS": SECRET,
            "TOCSIN_LEASE_SECONDS": "2",
            "TOCSIN_RETRY_SCALE": "0.01",
            **environment,
        }
    )


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "empty.db"
    engine = make_engine(f"sqlite:///{path}")
    to_head(engine)
    engine.dispose()  # the last connection to close folds the log into the file
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database of this run's own; the run fails without PostgreSQL where CI says so, else skips."""
    name = f"tocsin_test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError as error:
        if os.environ.get("CI"):
            pytest.fail(f"PostgreSQL is needed: {error}")
        pytest.skip("PostgreSQL is not running")
    url = POSTGRES.rsplit("/", 1)[0] + f"/{name}"
    yield url
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    engine = make_engine(postgres_url)
    to_head(engine)
    engine.dispose()
    return postgres_url


def empty(core: Core) -> None:
    """Empties the tables that have rows: truncating all of them takes a second a test."""
    looks = " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in SQLModel.metadata.tables
    )
    with core.engine.begin() as connection:
        if used := connection.execute(text(looks)).scalars().all():
            names = ", ".join(f'"{name}"' for name in used)
            connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))


@pytest.fixture
def sqlite_core(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Core]:
    path = tmp_path / "tocsin.db"
    shutil.copy(migrated_sqlite, path)
    core = build(settings_for(f"sqlite:///{path}", tmp_path))
    yield core
    core.close()


@pytest.fixture
def postgres_core(migrated_postgres: str, tmp_path: Path) -> Iterator[Core]:
    core = build(settings_for(migrated_postgres, tmp_path))
    empty(core)
    yield core
    core.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def core(request: pytest.FixtureRequest) -> Core:
    """The product's core on each database in turn."""
    return request.getfixturevalue("sqlite_core" if request.param == "sqlite" else "postgres_core")


@pytest.fixture
def app(core: Core) -> apps.AppRow:
    with core.work(OPERATOR) as work:
        return apps.create_app(work, slug="shop", name="Shop")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests go last: Playwright's synchronous API leaves an event loop running in the thread.

    What runs on both databases is marked, so that `make check` may be content with one.
    """
    for item in items:
        chosen = getattr(item, "callspec", None)
        if "postgresql" in (chosen.params.values() if chosen else ()):
            item.add_marker("postgres")
        if item.path.stem in SLOW:
            item.add_marker("slow")
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None)
