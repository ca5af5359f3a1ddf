"""Why somebody gets a campaign or not: the sender's own answer, rule by rule, in words."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select
from stats_history import add, at, campaign, platforms, run_of

from backend.db import OPERATOR
from backend.domain.policy import Rule
from backend.errors import Invalid, NotFound
from backend.models import App, Category, Credential, Delivery, Device, Preference, Run, User
from backend.services import campaigns, ids, preflight, segmentation, verdict_words, verdicts
from tests.factories import definition
from tests.services.test_people_search import add_device

NOW = datetime(2026, 11, 21, 21, 10, tzinfo=UTC)
NIGHT = {"start": "22:00", "end": "08:00"}
PRO = {"field": "attr.plan", "operator": "=", "value": "pro"}
POLISH = {"field": "user.country", "operator": "=", "value": "PL"}


@pytest.fixture
def warsaw(core, shop):
    """It is ten past ten in the evening there."""
    with core.work(OPERATOR, shop.number) as work:
        app = work.session.get(App, shop.number)
        app.default_timezone, app.quiet_hours = "Europe/Warsaw", [NIGHT]
    return shop


def person(core, app, name, *, bucket=1, devices=1, device=None, **values):
    """Somebody with devices that can be sent to; their number and their devices'."""
    with core.work(OPERATOR, app.number) as work:
        lane = work.session.exec(select(Credential.id).where(Credential.app_id == app.number)).first()
        given = {"attributes": {}, "timezone": "Europe/Warsaw", **values}
        user = User(app_id=app.number, external_id=name, bucket=bucket, first_seen=NOW, **given)
        work.session.add(user)
        work.session.flush()
        extra = {"credential_id": lane, "timezone": "Europe/Warsaw", "last_seen": NOW, **(device or {})}
        made = [add_device(work, user.id, "android", token=f"{name}-{n}", **extra) for n in range(devices)]
        return user.id, made


def created(core, app, **changes):
    with core.work(OPERATOR, app.number) as work:
        return campaigns.create(work, definition(**changes)).row.id


def explain(core, app, campaign_id, user, now=NOW):
    with at(core, now).reading(OPERATOR, app.number) as work:
        return verdicts.explain(work, campaign_id, user)


def told(found, rule, device=0):
    return next(look for look in found.devices[device].looks if look.rule == rule)


def test_quiet_hours_are_told_with_the_clock_and_the_end(core, warsaw):
    person(core, warsaw, "ana")
    made = created(core, warsaw)
    found = explain(core, warsaw, made, "ana")
    (device,) = found.devices
    assert (device.answer, device.looks[-1].rule, device.looks[-1].outcome) == ("hold", "quiet_hours", "held")
    local = device.until.astimezone(UTC) + timedelta(hours=1)
    assert device.looks[-1].text == (
        f"Quiet hours 22:00–08:00 (the app's), Europe/Warsaw: it is 22:10, held until 22 Nov, {local:%H:%M}."
    )
    assert found.text == "Not sent yet. Asked now: 1 device would be held for later."
    assert device.text == f"Would be held until 22 Nov, {local:%H:%M}."
    morning = explain(core, warsaw, made, "ana", NOW + timedelta(hours=12))
    assert [look.outcome for look in morning.devices[0].looks] == ["passed"] * len(Rule)
    assert morning.devices[0].answer == "send"
    dropping = created(core, warsaw, quiet_hours="drop")
    assert told(explain(core, warsaw, dropping, "ana"), "quiet_hours").text.endswith("and the campaign does not wait.")


def test_caps_name_the_pushes_that_they_count(core, warsaw):
    user, (device,) = person(core, warsaw, "ana")
    with core.work(OPERATOR) as work:
        row = work.session.get(App, warsaw.number)
        row.caps, row.quiet_hours = [{"kind": "rolling", "pushes": 2, "hours": 24}, {"kind": "gap", "minutes": 30}], []
    dims = platforms(core, warsaw.number)["android"]
    for name, hours in (("Spring sale", 11), ("Welcome", 2.5), ("Long ago", 30)):
        run = run_of(core, campaign(core, warsaw.number, name), began=NOW - timedelta(hours=hours))
        due = NOW - timedelta(hours=hours)
        add(
            core,
            Delivery(
                run_id=run.id, user_id=user, device_id=device, chunk=1, dims_id=dims, state="accepted", due_at=due
            ),
        )
    look = told(explain(core, warsaw, created(core, warsaw), "ana"), "caps")
    assert look.outcome == "stopped"
    assert look.text == (
        "Cap: 2 pushes in any 24 hours: 2 counted (Spring sale 11:10, Welcome 19:40), which leaves no room. "
        "Cap: 30 minutes between two pushes: 0 counted."
    )


def test_the_audience_says_which_rule_failed(core, warsaw):
    person(core, warsaw, "ana", attributes={"plan": "pro"}, country="DE")
    with core.work(OPERATOR, warsaw.number) as work:
        rules = {"combinator": "and", "rules": [PRO, {"combinator": "or", "rules": [POLISH]}]}
        both = segmentation.create(work, "Polish pros", rules).id
        pros = segmentation.create(work, "Pros", {"combinator": "and", "rules": [PRO]}).id
    found = explain(core, warsaw, created(core, warsaw, audience={"include": [both]}), "ana")
    assert (found.in_audience, found.text) == (False, "ana is not in the audience.")
    assert [(rule.text, rule.holds) for rule in found.audience[0].rules] == [
        ("plan is pro", True),
        ("country is PL", False),
    ]
    assert [device.answer for device in found.devices] == ["outside"]
    left_out = explain(core, warsaw, created(core, warsaw, audience={"everyone": True, "exclude": [pros]}), "ana")
    assert [(part.name, part.excluded, part.holds) for part in left_out.audience] == [
        ("Everyone", False, True), ("Pros", True, True),
    ]  # fmt: skip
    assert not left_out.in_audience


def test_devices_that_cannot_be_reached_say_why(core, warsaw):
    user, (_, off, bare) = person(core, warsaw, "ana", devices=3)
    with core.work(OPERATOR) as work:
        work.session.get(Device, off).state = "invalid"
        work.session.get(Device, bare).credential_id = None
    found = explain(core, warsaw, created(core, warsaw), "ana")
    assert [(one.answer, one.reason) for one in found.devices[1:]] == [
        ("unreachable", "invalid"), ("unreachable", "no_credential"),
    ]  # fmt: skip
    assert found.text == "Not sent yet. Asked now: 1 device would be held for later; 2 devices cannot be reached."
    with core.reading(OPERATOR, warsaw.number) as work:
        ours = ids.public(work, ids.USER, user)
    assert explain(core, warsaw, created(core, warsaw), ours).person_id == ours
    person(core, warsaw, "ben", devices=0)
    assert "no device" in explain(core, warsaw, created(core, warsaw), "ben").text


def test_what_was_recorded_stands_beside_and_the_run_s_own_rules_are_asked(core, warsaw):
    user, (device,) = person(core, warsaw, "ana")
    made = created(core, warsaw, quiet_hours="drop", audience={"everyone": True, "unseen_days": 5})
    with at(core, NOW - timedelta(hours=6)).work(OPERATOR, warsaw.number) as work:
        campaigns.launch(work, made)
        number = ids.number(work, ids.CAMPAIGN, made)
        run = work.session.exec(select(Run).where(Run.campaign_id == number)).one()
        run.not_after = NOW - timedelta(hours=1)
        run.state = "finished"
        run_id = run.id
    dims = platforms(core, warsaw.number)["android"]
    due = NOW - timedelta(hours=5)
    add(
        core,
        Delivery(
            run_id=run_id, user_id=user, device_id=device, chunk=1, dims_id=dims, state="skipped", reason="stale",
            due_at=due, ended_at=due,
        ),
    )  # fmt: skip
    found = explain(core, warsaw, made, "ana")
    assert found.launched
    assert [(one.state, one.reason, one.due_at) for one in found.recorded] == [("skipped", "stale", due)]
    assert found.recorded[0].reason_text
    assert (found.devices[0].answer, found.devices[0].reason) == ("expire", "too_late")
    assert told(found, "last_moment").text == "Its last moment, 21:10, has passed."


def test_who_and_what_is_not_there_is_said(core, warsaw):
    person(core, warsaw, "ana")
    made = created(core, warsaw)
    for campaign_id, user in ((made, "nobody"), ("cmp_x", "ana")):
        with pytest.raises(NotFound):
            explain(core, warsaw, campaign_id, user)
    with pytest.raises(Invalid):
        explain(core, warsaw, created(core, warsaw, audience={"topics": ["news"]}), "ana")


def test_every_rule_has_its_words():
    assert set(verdict_words.TITLES) == set(Rule) == set(verdict_words._LOOKS)


@pytest.mark.parametrize("hours", [0, 12])
def test_told_of_everybody_it_is_what_the_preflight_counts(core, warsaw, hours):
    """Each person's explanation, added up, is the sender's own walk over the audience."""
    dice = random.Random(5)
    with core.work(OPERATOR) as work:
        work.session.get(App, warsaw.number).caps = [{"kind": "daily", "pushes": 1}]
        marketing = work.session.exec(
            select(Category.id).where(Category.app_id == warsaw.number, Category.slug == "marketing")
        ).one()
    dims = platforms(core, warsaw.number)["android"]
    before = run_of(core, campaign(core, warsaw.number, "Before"), began=NOW, category_id=marketing)
    for number in range(30):
        extra = {
            "timezone": dice.choice(("Europe/Warsaw", "America/New_York", "Asia/Tokyo")),
            "last_seen": NOW - timedelta(days=dice.choice((1, 20))),
        }
        own = dice.choice((None, None, {"start": "09:00", "end": "23:00"}))
        paused = dice.choice((None, None, NOW + timedelta(days=1)))
        user, made = person(
            core, warsaw, f"p{number}", bucket=dice.randrange(2**32), devices=dice.randint(1, 2), device=extra,
            quiet_hours=own, paused_until=paused,
        )  # fmt: skip
        rows = [Preference(user_id=user, category_id=marketing, opted_in=dice.random() < 0.5, changed_at=NOW)]
        if dice.random() < 0.4:
            rows.append(
                Delivery(
                    run_id=before.id,
                    user_id=user,
                    device_id=made[0],
                    chunk=1,
                    dims_id=dims,
                    state="accepted",
                    due_at=NOW,
                )
            )
        if rows := rows[dice.randrange(2) :]:
            add(core, *rows)
    name = created(core, warsaw, holdout_percent=20, audience={"everyone": True, "unseen_days": 10})
    now = NOW + timedelta(hours=hours)
    with at(core, now).reading(OPERATOR, warsaw.number) as work:
        found = preflight.preflight(work, name)
        devices = [one for n in range(30) for one in verdicts.explain(work, name, f"p{n}").devices]
    answers = Counter(one.answer for one in devices)
    assert (answers["send"], answers["hold"]) == (found.send, found.deferred)
    assert Counter(one.reason for one in devices if one.answer == "skip") == found.skipped
    assert len(found.skipped) > 2
    assert found.audience == len(devices)
