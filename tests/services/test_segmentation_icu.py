"""Segments on a PostgreSQL whose texts are ordered and classed by ICU, as many are made."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from backend.bootstrap import Core, build
from backend.db import OPERATOR
from backend.migrate import to_head
from backend.services import apps, people_search, segmentation, subscribers
from tests.conftest import POSTGRES, settings_for


@pytest.fixture
def core(postgres_url: str, tmp_path: Path) -> Iterator[Core]:
    name = f"tocsin_icu_{uuid.uuid4().hex[:12]}"
    server = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(
            text(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'und' ENCODING 'UTF8'")
        )
    made = build(settings_for(POSTGRES.rsplit("/", 1)[0] + f"/{name}", tmp_path))
    to_head(made.engine)
    yield made
    made.close()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.mark.postgres
def test_digits_of_other_scripts_are_no_date_and_case_is_that_of_ascii(core):
    people = {
        "ana": {"due": "2026-11-20", "city": "ŁÓDŹ"},
        "ben": {"due": "1٠٢٦-01-01", "city": "Łódź"},
        "Cid": {"due": "2026-11-2٠", "city": "istanbul"},
    }
    with core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop").number
    with core.work(OPERATOR, app) as work:
        subscribers.users_batch(work, [{"user_id": name, "attributes": held} for name, held in people.items()])

    def found(field: str, operator: str, value: object) -> tuple[str, ...]:
        rule = {"field": field, "operator": operator, "value": value}
        with core.reading(OPERATOR, app) as work:
            return segmentation.estimate(work, {"combinator": "and", "rules": [rule]}).sample

    assert found("attr.due", "before", "2100-01-01") == ("ana",)
    assert found("attr.due", "withinDays", 36_500) == ("ana",)
    assert found("attr.city", "contains", "łódź") == ()
    assert found("attr.city", "contains", "DŹ") == ("ana",)
    assert found("attr.city", "beginsWith", "Istan") == ("Cid",)
    with core.reading(OPERATOR, app) as work:
        assert [one.user_id for one in people_search.search(work, "Ci").items] == ["Cid"]
