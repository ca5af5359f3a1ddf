"""Pushes as rows, for the tests of what hangs on a user and of what receipts do to a delivery."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import select

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.models import Attempt, Campaign, Context, Delivery, Dims, Revision, Run
from backend.services import ids


def add_run(core: Core, app_id: int, **values: Any) -> int:
    """A running send of a campaign of its own; its number."""
    with core.work(OPERATOR, app_id) as work:
        campaign = Campaign(app_id=app_id, name="Sale", created_at=work.now, updated_at=work.now)
        work.session.add(campaign)
        work.session.flush()
        revision = Revision(campaign_id=campaign.id, number=1, content_hash="-", created_at=work.now)
        work.session.add(revision)
        work.session.flush()
        run = Run(
            app_id=app_id, campaign_id=campaign.id, revision_id=revision.id, occasion="once", state="running",
            due_at=work.now, created_at=work.now, **values,
        )  # fmt: skip
        work.session.add(run)
        work.session.flush()
        return int(run.id or 0)


def add_deliveries(
    core: Core, run: int, states: list[str], *, due_at: datetime, user: int | None = None, **values: Any
) -> list[int]:
    """Deliveries of a run in these states; their numbers."""
    with core.work(OPERATOR) as work:
        app_id = work.session.exec(select(Run.app_id).where(Run.id == run)).one()
        dims = work.session.exec(select(Dims.id).where(Dims.app_id == app_id)).first()
        if dims is None:
            row = Dims(app_id=app_id, platform="ios")
            work.session.add(row)
            work.session.flush()
            dims = row.id
        rows = [
            Delivery(run_id=run, chunk=1, dims_id=dims, state=state, due_at=due_at, user_id=user, **values)
            for state in states
        ]
        work.session.add_all(rows)
        work.session.flush()
        return [int(row.id or 0) for row in rows]


def add_context(core: Core, app_id: int, data: dict[str, Any]) -> int:
    with core.work(OPERATOR) as work:
        row = Context(app_id=app_id, data=data, created_at=work.now)
        work.session.add(row)
        work.session.flush()
        return int(row.id or 0)


def add_attempt(core: Core, delivery: int, raw: str) -> None:
    with core.work(OPERATOR) as work:
        work.session.add(Attempt(delivery_id=delivery, at=work.now, outcome="failed", raw=raw))


def signed(core: Core, app_id: int, delivery: int) -> dict[str, str]:
    """What the push of this delivery carried."""
    keyring = core.keyring
    return {"m": keyring.public_id(ids.DELIVERY, delivery), "t": keyring.sign_receipt(app_id, delivery)}


def value(core: Core, sql: str, **binds: Any) -> Any:
    with core.engine.connect() as connection:
        return connection.execute(text(sql), binds).scalar_one()


def count(core: Core, table: str) -> int:
    return int(value(core, f'SELECT count(*) FROM "{table}"'))
