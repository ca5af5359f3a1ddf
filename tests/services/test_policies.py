"""Policies: kept as given, written down, and what others would have changed yesterday, against a slow oracle."""

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select
from stats_history import add, at, campaign, platforms, run_of

from backend.db import OPERATOR
from backend.errors import Invalid
from backend.models import App, Category, Delivery, Revision, User
from backend.services import audit, policies, policy_preview
from backend.services.fields import parse
from backend.services.policies import PoliciesIn
from backend.services.policy_preview import PreviewIn
from tests.services.test_people_search import add_device

NOW = datetime(2026, 11, 21, 11, 30, tzinfo=UTC)
START, END = datetime(2026, 11, 19, 23, tzinfo=UTC), datetime(2026, 11, 20, 23, tzinfo=UTC)
"""Friday the 20th in Warsaw."""
ZONES = ("Europe/Warsaw", "America/New_York", "Asia/Kolkata", None)
NIGHT = {"start": "22:00", "end": "08:00"}
LUNCH = {"start": "12:15", "end": "13:45", "days": ["thu", "fri"]}


@pytest.fixture
def warsaw(core, app):
    with core.work(OPERATOR) as work:
        work.session.get(App, app.number).default_timezone = "Europe/Warsaw"
    return app


def get(core, app):
    with core.reading(OPERATOR, app.number) as work:
        return policies.get(work)


def put(core, app, **values):
    with core.work(OPERATOR, app.number) as work:
        return policies.put(work, parse(PoliciesIn, values))


def preview(core, app, now=NOW, **values):
    with at(core, now).reading(OPERATOR, app.number) as work:
        return policy_preview.preview(work, parse(PreviewIn, values))


def test_what_is_named_is_set_and_written_down_and_the_rest_stays(core, app):
    caps = [{"kind": "daily", "pushes": 3}]
    kept = put(core, app, quiet_hours=[NIGHT], caps=caps, color="#AABBCC", launch_threshold=50)
    assert (kept.quiet_hours, kept.caps, kept.color, kept.launch_threshold) == ((NIGHT,), tuple(caps), "#aabbcc", 50)
    assert put(core, app, error_limit_percent=0).caps == tuple(caps)
    assert put(core, app, caps=[], color=None).color is None
    assert get(core, app).error_limit_percent == 0
    put(core, app, error_limit_percent=0)
    with core.reading(OPERATOR, app.number) as work:
        told = [row.detail for row in audit.listing(work).items if row.action == "policies.changed"]
    assert told[0] == {"before": {"caps": caps, "color": "#aabbcc"}, "after": {"caps": [], "color": None}}
    assert len(told) == 3, "what changes nothing is not written down"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"quiet_hours": [{"start": "25:00", "end": "08:00"}]}, "quiet_hours[0].start"),
        ({"caps": [{"kind": "daily", "hours": 3}]}, "caps[0]"),
        ({"color": "red"}, "color"),
        ({"launch_threshold": 0}, "launch_threshold"),
        ({"error_limit_percent": 101}, "error_limit_percent"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_wrong_is_named(core, app, values, field):
    with pytest.raises(Invalid) as refused:
        put(core, app, **values)
    assert refused.value.errors[0].field == field


def test_the_policies_name_the_caps_of_categories(core, app):
    with core.work(OPERATOR, app.number) as work:
        category(work, app, "marketing").caps = [{"kind": "gap", "minutes": 30}]
    told = {one.slug: one.caps for one in get(core, app).categories}
    assert told == {"transactional": (), "updates": (), "marketing": ({"kind": "gap", "minutes": 30},)}


# --- yesterday, played again ------------------------------------------------------------------


@dataclass(frozen=True)
class Send:
    """A run of the made-up days, and what it says."""

    id: int
    category: int | None
    mandatory: bool
    mode: str
    ignores: bool
    counts: bool
    priority: int


@dataclass(frozen=True)
class Push:
    user: int
    send: Send
    due: datetime
    sent: datetime
    zone: str | None
    user_zone: str | None
    own: bool
    state: str


def category(work, app, slug):
    return work.session.exec(select(Category).where(Category.app_id == app.number, Category.slug == slug)).one()


def history(core, app, seed):
    """Three days of sends to people in several zones; as rows, and as a list for the oracle."""
    dice = random.Random(seed)
    dims = platforms(core, app.number)["ios"]
    people = [_person(core, app, dice, number) for number in range(16)]
    sends = [_send(core, app, dice, number) for number in range(36)]
    pushes, rows = [], []
    for send in sends:
        begun = START - timedelta(hours=44) + timedelta(minutes=dice.randrange(66 * 60))
        for user, zone, own, devices in people:
            if dice.random() < 0.6:
                due = begun + timedelta(minutes=dice.randrange(120))
                for device, device_zone in devices:
                    sent = due + timedelta(minutes=dice.randrange(20), seconds=dice.randrange(60))
                    state = dice.choice(("accepted", "accepted", "accepted", "unknown", "skipped"))
                    pushes.append(Push(user, send, due, sent, device_zone, zone, own, state))
                    rows.append(
                        Delivery(
                            run_id=send.id, user_id=user, device_id=device, chunk=1, dims_id=dims, state=state,
                            due_at=due, ended_at=sent,
                        )
                    )  # fmt: skip
    add(core, *rows)
    return pushes


def _person(core, app, dice, number):
    zone, own = dice.choice(ZONES), dice.random() < 0.2
    with core.work(OPERATOR, app.number) as work:
        quiet = {"start": "00:00", "end": "00:00"} if own else None
        user = User(
            app_id=app.number, external_id=f"p{number}", bucket=number * 2**28, timezone=zone, quiet_hours=quiet,
            first_seen=NOW, attributes={},
        )  # fmt: skip
        work.session.add(user)
        work.session.flush()
        zones = [dice.choice(ZONES) for _ in range(dice.randint(1, 2))]
        devices = [
            (add_device(work, user.id, "ios", token=f"{number}-{place}", timezone=name), name)
            for place, name in enumerate(zones)
        ]
        return user.id, zone, own, devices


def _send(core, app, dice, number):
    with core.reading(OPERATOR, app.number) as work:
        slug = dice.choice(("transactional", "marketing", "updates"))
        chosen = category(work, app, slug)
    mode, ignores = dice.choice(("hold", "hold", "drop", "ignore")), dice.random() < 0.2
    made = campaign(core, app.number, f"Send {number}")
    with core.work(OPERATOR) as work:
        work.session.get(Revision, made.revision_id).definition = {"quiet_hours": mode, "ignore_caps": ignores}
    counts, priority = slug != "transactional", dice.randrange(2)
    began = START - timedelta(hours=45)
    run = run_of(
        core, made, began=began, state="running", category_id=chosen.id, counts=counts, priority=priority, audience=60
    )
    return Send(run.id, chosen.id, slug == "transactional", mode, ignores, counts, priority)


def is_quiet(window, where, moment):
    """Minute by minute back to the start of the window: slow, and of one mind with nobody."""
    local = moment.astimezone(ZoneInfo(where))
    clock = f"{local:%H:%M}"
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    begins = local.date()
    if window["start"] < window["end"]:
        if not window["start"] <= clock < window["end"]:
            return False
    elif clock < window["end"]:
        begins -= timedelta(days=1)
    elif clock < window["start"]:
        return False
    return names[begins.weekday()] in window.get("days", names)


def held_by_hand(pushes, windows):
    held = [
        push
        for push in pushes
        if push.state == "accepted" and START <= push.sent < END
        and not push.send.mandatory and push.send.mode != "ignore" and not push.own
        and any(is_quiet(one, push.zone or push.user_zone or "Europe/Warsaw", push.sent) for one in windows)
    ]  # fmt: skip
    dropped = [push for push in held if push.send.mode == "drop"]
    return len(held), len({push.user for push in held}), len(dropped), len({push.user for push in dropped})


def capped_by_hand(pushes, cap, only=None):
    skipped, people = 0, set()
    mine = defaultdict(list)
    for push in pushes:
        if push.state == "accepted" or (push.state == "unknown" and push.sent < START):
            mine[push.user].append(push)
    for user, theirs in mine.items():
        got, fate = [], {}
        for push in sorted(theirs, key=lambda one: (one.due, -one.send.priority, one.send.id)):
            if push.sent >= END or not push.send.counts or only not in (None, push.send.category):
                continue
            ours = push.sent >= START
            if push.send.id not in fate:
                full = ours and not push.send.ignores and no_room(cap, got, push)
                fate[push.send.id] = full
                if not full:
                    got.append(push.due)
            if ours and fate[push.send.id]:
                skipped += 1
                people.add(user)
    return skipped, len(people)


def no_room(cap, got, push):
    if cap["kind"] == "rolling":
        return sum(push.due - one < timedelta(hours=cap["hours"]) for one in got) >= cap["pushes"]
    if cap["kind"] == "gap":
        return any(push.due - one < timedelta(minutes=cap["minutes"]) for one in got)
    where = ZoneInfo(push.user_zone or push.zone or "Europe/Warsaw")
    today = push.due.astimezone(where).date()
    return sum(one.astimezone(where).date() == today for one in got) >= cap["pushes"]


CAPS = (
    {"kind": "rolling", "pushes": 2, "hours": 24},
    {"kind": "rolling", "pushes": 1, "hours": 5},
    {"kind": "daily", "pushes": 2},
    {"kind": "gap", "minutes": 90},
)


@pytest.mark.parametrize("seed", range(3))
def test_yesterday_is_played_again_as_the_oracle_does_it(core, warsaw, seed):
    pushes = history(core, warsaw, seed)
    found = preview(core, warsaw, quiet_hours=[NIGHT, LUNCH], caps=CAPS)
    sent = [push for push in pushes if push.state == "accepted" and START <= push.sent < END]
    assert (found.day, found.timezone, found.sampled) == (date(2026, 11, 20), "Europe/Warsaw", 1)
    assert (found.pushes, found.people) == (len(sent), len({push.user for push in sent}))
    quiet = found.quiet_hours
    by_hand = held_by_hand(pushes, [NIGHT, LUNCH])
    assert (quiet.pushes, quiet.people, quiet.dropped, quiet.dropped_people) == by_hand
    assert by_hand[2] > 0, "the history must have something to say"
    alone = {frozenset(one.cap.items()): (one.pushes, one.people) for one in found.caps if one.cap}
    assert alone == {frozenset(cap.items()): capped_by_hand(pushes, cap) for cap in CAPS}
    assert all(count for count, _ in alone.values())
    together = next(one for one in found.caps if one.cap is None)
    assert together.pushes >= max(count for count, _ in alone.values())


def test_caps_of_a_category_look_at_its_pushes_alone(core, warsaw):
    pushes = history(core, warsaw, 7)
    with core.reading(OPERATOR, warsaw.number) as work:
        marketing = category(work, warsaw, "marketing").id
    cap = {"kind": "rolling", "pushes": 1, "hours": 24}
    (found,) = preview(core, warsaw, category_caps={"marketing": [cap]}).caps
    assert (found.category, found.pushes, found.people) == ("marketing", *capped_by_hand(pushes, cap, marketing))
    assert found.pushes > 0
    with pytest.raises(Invalid):
        preview(core, warsaw, category_caps={"nothing": [cap]})


def test_a_busy_day_is_told_from_some_of_the_people(core, warsaw, monkeypatch):
    pushes = history(core, warsaw, 3)
    monkeypatch.setattr(policy_preview, "MOST", 800)  # the runs planned 36 * 60
    found = preview(core, warsaw, quiet_hours=[NIGHT])
    assert found.sampled == 3
    with core.reading(OPERATOR, warsaw.number) as work:
        known = {push.user: work.session.get(User, push.user).bucket for push in pushes}
    some = [push for push in pushes if known[push.user] < 2**32 // 3]
    assert found.quiet_hours.pushes == 3 * held_by_hand(some, [NIGHT])[0] > 0
    assert "one person in 3" in found.note
    assert "about" in found.quiet_hours.text


def test_sends_and_launches_that_the_limits_would_have_met(core, warsaw):
    for name, errors, audience in (("Calm", 5, 900), ("Broken", 60, 20_000)):
        made = campaign(core, warsaw.number, name)
        run_of(core, made, began=START + timedelta(hours=9), answered=200, errors=errors, audience=audience)
        with core.work(OPERATOR) as work:
            work.session.get(type(made), made.id).launched_at = START + timedelta(hours=9)
    found = preview(core, warsaw, error_limit_percent=20, launch_threshold=10_000)
    assert (found.error_limit_percent.names, found.error_limit_percent.of) == (("Broken",), 2)
    assert (found.launch_threshold.names, found.launch_threshold.of) == (("Broken",), 2)
    assert found.quiet_hours is None
    assert found.caps == ()
    assert preview(core, warsaw, error_limit_percent=0).error_limit_percent.names == ()
    later = preview(core, warsaw, NOW + timedelta(days=1), launch_threshold=1)
    assert later.launch_threshold.text == "Yesterday nothing was launched."


def test_nothing_sent_is_nothing_changed(core, warsaw):
    found = preview(core, warsaw, quiet_hours=[NIGHT], caps=[CAPS[0]])
    assert (found.pushes, found.quiet_hours.pushes, found.caps[0].pushes) == (0, 0, 0)
    assert "nothing would have changed" in found.quiet_hours.text
