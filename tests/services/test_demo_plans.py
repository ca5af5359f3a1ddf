"""A demo app's plans: there to be seen, and quiet until somebody wants them."""

from sqlmodel import select

from backend.db import OPERATOR
from backend.models import Run
from backend.services import calendar, campaigns, demo, policies
from console.demo import CAMPAIGN


def test_a_weekly_and_a_cart_campaign_are_there_and_send_nothing(core, provider):
    for _ in range(2):
        with core.work(OPERATOR) as work:
            app = demo.fill(work, provider.authority, "demo", 300).app.number
    with core.work(OPERATOR, app) as work:
        before = {row.name: row.state for row in campaigns.listing(work, limit=100).items if row.state != "finished"}
        assert before == {"Tuesday picks": "paused", "You left something behind": "active"}
        assert policies.get(work).caps == ({"kind": "daily", "pushes": 20},)
        today = work.now.date()
        found = calendar.between(work, today, today.fromordinal(today.toordinal() + 14))
        assert [band.event for band in found.whenever] == ["cart_abandoned"]
        weekly = [day.day for day in found.days for entry in day.entries if entry.name == "Tuesday picks"]
        assert len(weekly) == 2
        assert {day.weekday() for day in weekly} == {1}
        made = campaigns.create(work, CAMPAIGN).definition
        assert (made["quiet_hours"], made["ignore_caps"]) == ("ignore", True), "policies leave its figures alone"
        assert not work.session.exec(select(Run).where(Run.state != "finished")).all()
