"""What a demo app has in mind: a weekly campaign, one that waits for an abandoned cart, and a cap.

None of it sends by itself: the weekly one is paused, and no demo person abandons a cart unless somebody says so.
"""

from datetime import datetime, time, timedelta
from typing import Any, Final

from backend.db import Work
from backend.services import campaigns, policies
from backend.services.fields import parse
from backend.services.policies import PoliciesIn

TUESDAY: Final = 1
DAILY: Final = 20
"""Pushes a person may get in a day: more than a demo sends."""
CART: Final = {
    "kind": "event", "event": "cart_abandoned", "where": {}, "delay_seconds": 3600, "wall": None,
    "cancel_event": "purchase", "cancel_where": {}, "reentry": {"days": 7},
}  # fmt: skip


def add(work: Work) -> None:
    """To be called once, when the app is made."""
    policies.put(work, parse(PoliciesIn, {"caps": [{"kind": "daily", "pushes": DAILY}]}))
    weekly = _launched(work, "Tuesday picks", "Your Tuesday picks", "Eight new things in your size.", _tuesdays(work))
    campaigns.pause(work, weekly)
    _launched(work, "You left something behind", "Still thinking about it?", "Your cart is waiting.", CART)


def _tuesdays(work: Work) -> dict[str, Any]:
    """Every Tuesday at ten on each person's own clock, from the next one on."""
    days = (TUESDAY - work.now.weekday()) % 7 or 7
    start = datetime.combine(work.now.date() + timedelta(days=days), time(10))
    return {
        "kind": "recurring", "rrule": "FREQ=WEEKLY;BYDAY=TU", "start": start.isoformat(timespec="minutes"),
        "zone": "user", "until": None, "exclude": [],
    }  # fmt: skip


def _launched(work: Work, name: str, title: str, body: str, schedule: dict[str, Any]) -> str:
    content = {"title": title, "body": body, "link": "https://shop.example"}
    made = campaigns.create(
        work,
        {
            "name": name,
            "category": "marketing",
            "audience": {"everyone": True},
            "variants": [{"name": "A", "weight": 1, "content": content}],
            "schedule": schedule,
        },
    ).row.id
    campaigns.launch(work, made)
    return made
