"""Segments and lists of a demo app, and the people who said no to its marketing."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.db import Work
from backend.queries import audience
from backend.queries import demo as queries
from backend.services import lists, preferences, segmentation
from backend.services.lists import ListIn
from backend.services.preferences import PreferencesIn

LOYAL = "Bought twice in 30 days"
RULES: Mapping[str, Mapping[str, Any]] = {
    "Opted out of marketing": {"field": "category.marketing", "operator": "=", "value": "opted_out"},
    "On an old version": {"field": "device.app_version", "operator": "<", "value": "5.0.0"},
    "Near Warsaw": {"field": "user.location", "operator": "withinKm", "value": {"lat": 52.23, "lon": 21.01, "km": 50}},
    LOYAL: {"field": "event.purchase", "operator": "countAtLeast", "value": {"times": 2, "days": 30}},
    "Active this week": {"field": "user.last_active", "operator": "withinDays", "value": 7},
}
"""Name and only rule of each segment, oldest first."""
EACH_OUT = 41
"""One person in so many has opted out of marketing."""
TESTERS = 24


def add(work: Work, external_ids: Sequence[str]) -> None:
    """Five segments and two lists over some people, once: what is renamed or archived later does not come back."""
    if queries.has_segments(work.session, work.app_id):
        return
    _opt_out(work, external_ids[::EACH_OUT])
    made = {
        name: segmentation.create(work, name, {"combinator": "and", "rules": [rule]}) for name, rule in RULES.items()
    }
    loyal = lists.create(work, ListIn(name="Invited to the autumn sale"))
    lists.fill(work, loyal.id, made[LOYAL].id)
    testers = lists.create(work, ListIn(name="Beta testers"))
    lists.add_members(work, testers.id, external_ids[:TESTERS])


def _opt_out(work: Work, external_ids: Sequence[str]) -> None:
    no = PreferencesIn(categories={"marketing": False})
    for number in audience.user_numbers(work.session, work.app_id, external_ids).values():
        preferences.put(work, number, no)
