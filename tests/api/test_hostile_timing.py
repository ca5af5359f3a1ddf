"""What an attacker, or a tired back end, would send as a schedule or ask of the calendar: a clear no, and quickly."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from backend import scheduler
from backend.api import create_api
from backend.bootstrap import Core
from backend.services.apps import AppRow
from tests.api.conftest import keys_of
from tests.api.served import within
from tests.factories import definition

V1 = "/api/v1"
SLOW = 2.0
NESTED = json.loads('{"a":' * 200 + "1" + "}" * 200)
RULE = {"kind": "recurring", "rrule": "FREQ=DAILY", "start": "2026-12-01T09:00", "zone": "user"}
CART = {"kind": "event", "event": "cart", "cancel_event": "buy"}
WRONG = [
    *[("schedule.at", {"kind": "at", "at": at}) for at in (
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-12-31T23:59:60Z", "2026-12-31T23:59", 1, None,
        "\ud800",
    )],
    *[("schedule.wall", {"kind": "local_time", "wall": wall}) for wall in (
        "2026-12-01T09:00+01:00", "2026-12-01T09:00Z", "2026-02-30T09:00", "0001-01-01T00:00", "9999-12-31T23:59",
        "2026-12-01T09:00\n", "٢٠٢٦-12-01T09:00", "\ud800", "2026\0",
    )],
    *[("schedule.rrule", {**RULE, "rrule": rule}) for rule in (
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYWEEKNO=53;BYMONTH=6", "FREQ=HOURLY;BYWEEKNO=53;BYMONTH=6",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=5", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300", "FREQ=DAILY;COUNT=99999999999",
        "FREQ=DAILY;INTERVAL=" + "9" * 400, "FREQ=SECONDLY", "FREQ=DAILY\nEXDATE:20261201", "FREQ=DAILY;UNTIL=20269999",
        "A" * 10_000, ";" * 400, "FREQ=DAILY\0", "FREQ=DAILY;\ud800=1", NESTED,
    )],
    ("schedule.exclude", {**RULE, "exclude": ["2026-12-01"] * 100_000}),
    ("schedule.zone", {**RULE, "zone": "../../etc/passwd"}),
    ("schedule.zone", {**RULE, "zone": "Mars/Phobos"}),
    *[(f"schedule.{name}", {**CART, name: {"a": value}}) for name in ("where", "cancel_where") for value in (
        10**50, -(2**63), 2**63, 1e30, {"b": 1}, [1], None, "\ud800", "x\0", "x" * 1001,
    )],
    ("schedule.where", {**CART, "where": NESTED}),
    ("schedule.where", {**CART, "where": {str(number): 1 for number in range(21)}}),
    ("schedule.delay_seconds", {**CART, "delay_seconds": 10**50}),
    ("schedule.reentry", {**CART, "reentry": {"days": 10**50}}),
    ("schedule.kind", {"kind": "\ud800"}),
]  # fmt: skip


@pytest.fixture
def back_end(core: Core, app: AppRow) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {keys_of(core, app.number).server}", "Content-Type": "application/json"}
    with within(create_api(core)) as base, httpx.Client(base_url=base + V1, headers=headers, timeout=30) as http:
        yield http


def told(http: httpx.Client, path: str, body: Any) -> httpx.Response:
    """The answer, which has not taken long; half pairs and zero bytes go out as escapes."""
    begun = time.monotonic()
    answer = http.post(path, content=json.dumps(body))
    assert time.monotonic() - begun < SLOW, (path, str(body)[:200].encode("ascii", "replace"))
    return answer


def test_a_schedule_that_cannot_be_is_refused_by_its_field_and_at_once(back_end: httpx.Client):
    for field, schedule in WRONG:
        answer = told(back_end, "/campaigns", definition(schedule=schedule))
        assert answer.status_code == 422, (field, answer.text)
        named = [error["field"] for error in answer.json()["errors"]]
        assert all(name == "body" or name.startswith(field) for name in named), (field, named)
        shown = told(back_end, "/schedules/preview", schedule)
        assert shown.status_code == 422 or shown.json()["problem"], field


def test_what_is_odd_and_allowed_is_launched_and_stops_nobody_elses_events(core: Core, back_end: httpx.Client):
    """Events of an app are written in one group: a condition that its database cannot ask would refuse them all."""
    odd = [2**63 - 1, 1 - 2**63, 1e18, 5e-324, -0.0, True, "", 'a"]$.b', "x" * 1000]
    schedules = [
        {"kind": "at", "at": "2199-12-31T23:59:59-12:00"},
        {"kind": "local_time", "wall": "2199-12-31T23:59"},
        {"kind": "best_hour", "date": "2199-12-31"},
        {**RULE, "start": "2199-12-31T23:59"},
        {**RULE, "rrule": "FREQ=HOURLY", "start": "2000-01-01T00:00", "exclude": ["2026-12-01"] * 366},
        *[{**CART, "where": {'a"]$.b': value}, "cancel_where": {"a": value}, "wall": "23:59"} for value in odd],
    ]
    for schedule in schedules:
        made = told(back_end, "/campaigns", definition(schedule=schedule))
        assert made.status_code == 201, made.text
        launched = told(back_end, f"/campaigns/{made.json()['id']}/launch", {})
        assert launched.status_code == 200, launched.text
    for value in (*odd, 1e308, {"b": [1]}, None):
        events = [
            {"name": name, "user_id": "u", "properties": {"a": value, 'a"]$.b': value}} for name in ("cart", "buy")
        ]
        answer = told(back_end, "/events", {"events": events})
        assert answer.status_code == 202, answer.text
    for tick in (scheduler.launch, scheduler.answer, scheduler.settle):
        tick(core)


def test_a_calendar_is_of_days_that_somebody_might_plan(back_end: httpx.Client):
    for days, status in (
        ("from=0001-01-01&to=0001-01-05", 422), ("from=9999-12-01&to=9999-12-31", 422),
        ("from=2026-12-31&to=2026-12-01", 422), ("from=2026-01-01&to=2026-12-31", 422), ("from=1e400&to=2", 422),
        ("from=1970-01-01&to=1970-02-01", 200), ("from=2199-12-01&to=2199-12-31", 200),
    ):  # fmt: skip
        answer = back_end.get(f"/calendar?{days}")
        assert answer.status_code == status, (days, answer.text)


def test_wishes_on_very_many_categories_are_not_answered_one_by_one(back_end: httpx.Client):
    wishes = {"categories": {f"c{number}": True for number in range(100_000)}}
    answer = back_end.put("/users/ana/preferences", json=wishes)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["categories"]
