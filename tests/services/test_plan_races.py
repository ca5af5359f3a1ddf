"""A plan is made while devices go on registering: nobody is left out because they changed in the middle of it."""

from sqlalchemy import event, select, update
from sqlmodel import col

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.models import Delivery, Device, Run
from backend.services import apps, campaigns, planner
from tests.factories import definition
from tests.services.lane_world import add_devices, add_lane


def test_a_device_that_is_updated_in_the_middle_is_planned_and_so_are_those_behind_it(postgres_core: Core, monkeypatch):
    """A page that seemed short ended the plan: an app's new version, seen for the first time, cost the rest of it."""
    core = postgres_core
    with core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop")
    add_lane(core, app)
    add_devices(core, app, 12)
    with core.work(OPERATOR, app.number) as work:
        campaigns.launch(work, campaigns.create(work, definition()).row.id)
    monkeypatch.setattr(planner, "PAGE", 5)
    changed: list[int] = []

    def updated(_connection, _cursor, statement: str, *_more: object) -> None:
        if statement.startswith("INSERT INTO dims") and not changed:
            changed.append(1)
            with core.engine.connect() as other:
                first = select(col(Device.id)).order_by(col(Device.id)).limit(1).scalar_subquery()
                other.execute(update(Device).where(col(Device.id) == first).values(app_version="9.0.1"))
                other.commit()

    event.listen(core.engine, "after_cursor_execute", updated)
    planner.tick(core)
    event.remove(core.engine, "after_cursor_execute", updated)
    with core.reading(OPERATOR) as work:
        assert len(set(work.session.execute(select(col(Delivery.device_id))).scalars())) == 12
        assert work.session.execute(select(col(Run.audience))).scalar_one() == 12
