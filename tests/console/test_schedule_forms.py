"""The composer's delivery forms: what is stored becomes a form, and the form says the same again."""

import json
from datetime import UTC, datetime

import pytest

from backend.errors import Invalid
from backend.services import definition
from backend.services.catalogue import EventNameRow, PropertyRow
from console.rows import event_form, once_form, recurring_form, send_rules
from console.rows.compose import errors_by_field

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ZONE = "Europe/Warsaw"


def canonical(schedule):
    return definition.schedule_json(schedule)


def recurring(rrule, **beside):
    start = {"start": "2026-12-01T09:00", **beside}
    return canonical({"kind": "recurring", "rrule": rrule, **start})


def event(**fields):
    return canonical({"kind": "event", "event": "cart_abandoned", **fields})


ONCE = [
    {"kind": "now"},
    {"kind": "at", "at": "2026-12-01T09:00:00+01:00"},
    {"kind": "at", "at": "2026-07-01T09:00:00+02:00"},
    {"kind": "local_time", "wall": "2026-12-01T09:00", "past": "next_day"},
    {"kind": "best_hour", "date": "2026-12-01"},
]


@pytest.mark.parametrize("schedule", ONCE, ids=lambda one: one["kind"])
def test_what_sends_once_comes_back_as_it_was(schedule):
    form = once_form.once_of(canonical(schedule), ZONE, NOW)
    assert canonical(once_form.once_json(schedule["kind"], form)) == canonical(schedule)


def test_another_kind_begins_at_nine_in_the_morning_of_the_next_day():
    form = once_form.once_of({"kind": "now"}, ZONE, NOW)
    assert (form.at, form.wall, form.date) == ("2026-11-22T09:00", "2026-11-22T09:00", "2026-11-22")


def test_an_hour_that_the_clock_skips_is_the_first_one_after_it():
    assert once_form.instant("2027-03-28T02:30", ZONE) == "2027-03-28T03:00:00+02:00"
    assert once_form.instant("2026-10-25T02:30", ZONE) == "2026-10-25T02:30:00+02:00"


IN_FIELDS = [
    recurring("FREQ=WEEKLY;BYDAY=TU"),
    recurring("FREQ=WEEKLY"),
    recurring("INTERVAL=2;FREQ=WEEKLY;BYDAY=FR,MO"),
    recurring("FREQ=DAILY;INTERVAL=3", zone=ZONE),
    recurring("FREQ=MONTHLY;BYMONTHDAY=15"),
    recurring("FREQ=MONTHLY;BYMONTHDAY=-1"),
    recurring("FREQ=MONTHLY;BYDAY=2TU", until="2027-03-31"),
    recurring("FREQ=MONTHLY;BYDAY=-1FR", until="2027-03-31T18:00"),
    recurring("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24"),
    recurring("FREQ=YEARLY;BYMONTH=5;BYDAY=2SU", exclude=["2027-05-09"]),
    recurring("FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0"),
    recurring("FREQ=DAILY;COUNT=10", exclude=["2026-12-24", "2026-12-25"]),
]
AS_TEXT = [
    recurring("FREQ=HOURLY;INTERVAL=6"),
    recurring("FREQ=MONTHLY"),
    recurring("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
    recurring("FREQ=WEEKLY;BYDAY=TU;BYMONTH=6"),
    recurring("FREQ=WEEKLY;BYDAY=TU;UNTIL=20270331"),
    recurring("FREQ=YEARLY;BYYEARDAY=100"),
    recurring("FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0", start="2026-12-01T12:00"),
    recurring("FREQ=MONTHLY;BYDAY=1MO,3MO"),
]


@pytest.mark.parametrize("schedule", IN_FIELDS, ids=lambda one: one["rrule"])
def test_a_rule_that_the_fields_can_say_is_shown_in_fields(schedule):
    form = recurring_form.recurring_of(schedule, ZONE, NOW)
    said = recurring_form.recurring_json(form)
    assert not form.custom
    assert {**said, "rrule": ""} == {**schedule, "rrule": ""}
    assert set(said["rrule"].replace("MO,FR", "FR,MO").split(";")) == set(schedule["rrule"].split(";"))


@pytest.mark.parametrize("schedule", AS_TEXT, ids=lambda one: one["rrule"])
def test_every_other_rule_is_kept_as_its_text(schedule):
    form = recurring_form.recurring_of(schedule, ZONE, NOW)
    assert (form.custom, recurring_form.recurring_json(form)) == (True, schedule)


@pytest.mark.parametrize("schedule", IN_FIELDS, ids=lambda one: one["rrule"])
def test_fields_and_text_say_the_same_rule(schedule):
    form = recurring_form.recurring_of(schedule, ZONE, NOW)
    text = recurring_form.in_text(form)
    assert recurring_form.recurring_json(text) == recurring_form.recurring_json(form)
    assert recurring_form.recurring_json(recurring_form.in_fields(text)) == recurring_form.recurring_json(form)


def test_a_new_recurring_schedule_is_weekly_from_a_day_on_that_has_begun_nowhere():
    form = recurring_form.recurring_of({"kind": "now"}, ZONE, NOW)
    said = recurring_form.recurring_json(form)
    assert canonical(said)["rrule"] == "FREQ=WEEKLY;BYDAY=MO"
    assert (said["start"], said["zone"]) == ("2026-11-23T09:00", "user")


def test_several_times_of_a_day_share_their_minutes():
    form = recurring_form.fresh(ZONE, NOW)
    form = recurring_form.add_time(recurring_form.add_time(form))
    assert form.times == ("09:00", "13:00", "17:00")
    assert recurring_form.rule_of(form).endswith("BYHOUR=09,13,17;BYMINUTE=00".replace("09", "9").replace("=00", "=0"))
    apart = recurring_form.put_time(form, 1, "12:30")
    with pytest.raises(Invalid) as refused:
        canonical(recurring_form.recurring_json(apart))
    assert "share their minutes" in errors_of(refused.value).schedule.rule
    assert recurring_form.drop_time(form, 0).times == ("13:00", "17:00")


EVENTS = [
    event(),
    event(delay_seconds=3600),
    event(delay_seconds=90),
    event(delay_seconds=172_800, wall="18:30"),
    event(wall="08:00"),
    event(where={"total": 12.5, "count": 3, "vip": True, "city": "Kraków", "empty": ""}),
    event(where={"number": "12"}, cancel_event="purchase", cancel_where={"ok": False, "n": -4}),
    event(reentry="once"),
    event(reentry={"days": 14}),
]


@pytest.mark.parametrize("schedule", EVENTS, ids=lambda one: json.dumps(one)[24:80])
def test_an_event_schedule_comes_back_as_it_was(schedule):
    form = event_form.event_of(schedule)
    said = event_form.event_json(form)
    assert canonical(said) == schedule
    assert [type(value) for value in said["where"].values()] == [type(value) for value in schedule["where"].values()]


def test_the_example_is_an_abandoned_cart():
    said = canonical(event_form.event_json(event_form.EXAMPLE))
    assert (said["event"], said["cancel_event"], said["delay_seconds"]) == ("cart_abandoned", "purchase", 3600)


RULES = {
    "quiet_hours": "drop",
    "ignore_caps": True,
    "throttle_per_minute": 1200,
    "spread_minutes": 45,
    "late": {"minutes": 90, "then": "ask"},
    "not_after": "2026-12-02T09:00:00+01:00",
    "priority": "high",
    "holdout_percent": 2.5,
    "on_unknown": "never_twice",
}
FIELDS = (
    "quiet_hours", "ignore_caps", "throttle", "spread", "late_minutes", "not_after", "priority", "holdout", "on_unknown",
)  # fmt: skip


def campaign(**changes):
    named = {"name": "x", "audience": {"everyone": True}, "variants": [{"content": {"title": "t"}}]}
    return definition.to_json(definition.parse({**named, **changes}))


@pytest.mark.parametrize("changes", [{}, RULES], ids=["as it begins", "all of them"])
def test_the_rules_of_a_send_come_back_as_they_were(changes):
    whole = campaign(**changes)
    form = send_rules.rules_of(whole, ZONE)
    said = {name: value for field in FIELDS for name, value in send_rules.change_of(form, field, ZONE).items()}
    assert campaign(**said) == whole


@pytest.mark.parametrize(
    ("field", "typed", "place"),
    [
        ("throttle", "fast", "throttle"),
        ("throttle", "0", "throttle"),
        ("spread", "9999", "spread"),
        ("spread", "²", "spread"),
        ("late_minutes", "", "late"),
        ("late_minutes", "99999", "late"),
        ("not_after", "2026-13-45T99:00", "not_after"),
        ("holdout", "100", "holdout"),
        ("holdout", "NaN", "holdout"),
        ("holdout", "-1", "holdout"),
    ],
)
def test_a_rule_that_is_none_is_refused_in_its_place(field, typed, place):
    form = send_rules.put(send_rules.SendRules(), field, typed)
    assert getattr(form, field) == typed
    with pytest.raises(Invalid) as refused:
        campaign(**send_rules.change_of(form, field, ZONE))
    assert getattr(errors_of(refused.value).rules, place)


def errors_of(error):
    return errors_by_field([(one.field, one.message) for one in error.errors])


def fresh():
    return recurring_form.fresh(ZONE, NOW)


@pytest.mark.parametrize(
    ("schedule", "place"),
    [
        (once_form.once_json("at", once_form.OnceForm(at="")), "at"),
        (once_form.once_json("at", once_form.OnceForm(at="2026-12-01T09:00", zone="../../etc/passwd")), "at"),
        (once_form.once_json("at", once_form.OnceForm(at="9999-12-31T23:59", zone="UTC")), "at"),
        (once_form.once_json("at", once_form.OnceForm(at="0001-01-01T00:00", zone="Asia/Tokyo")), "at"),
        (once_form.once_json("local_time", once_form.OnceForm(wall="tomorrow")), "wall"),
        (once_form.once_json("best_hour", once_form.OnceForm(date="")), "date"),
        (recurring_form.recurring_json(recurring_form.put(fresh(), "every", "1;BYHOUR=3")), "rule"),
        (recurring_form.recurring_json(recurring_form.put(fresh(), "every", "0")), "rule"),
        (recurring_form.recurring_json(recurring_form.put(fresh(), "every", "9" * 400)), "rule"),
        (recurring_form.recurring_json(recurring_form.put(fresh(), "starts", "")), "start"),
        (recurring_form.recurring_json(recurring_form.put_time(fresh(), 0, "")), "start"),
        (recurring_form.recurring_json(recurring_form.leave_out(fresh(), "Christmas")), "exclude"),
        (event_form.event_json(event_form.EventForm()), "event"),
        (event_form.event_json(event_form.EventForm(event="e", wait="delay", delay="soon")), "delay"),
        (event_form.event_json(event_form.EventForm(event="e", wait="delay", delay="500", step="days")), "delay"),
        (event_form.event_json(event_form.EventForm(event="e", wait="clock", wall="25:00")), "wall"),
        (event_form.event_json(event_form.EventForm(event="e", again="days", days="0")), "again"),
    ],
)
def test_a_schedule_that_is_none_is_refused_in_its_place(schedule, place):
    with pytest.raises(Invalid) as refused:
        canonical(schedule)
    assert getattr(errors_of(refused.value).schedule, place)


@pytest.mark.parametrize("value", ["", "twelve", "1e400", "--1", "१२", "0x10", "1 000"])
def test_a_number_that_is_none_is_no_text_either(value):
    """A condition compares value and type: what is meant as a number must not be saved as a text."""
    form = event_form.EventForm(event="e", where=(event_form.Condition(1, "total", "number", value),))
    with pytest.raises(Invalid) as refused:
        canonical(event_form.event_json(form))
    assert errors_of(refused.value).schedule.where


def test_a_property_named_twice_is_refused_and_neither_is_lost():
    rows = (event_form.Condition(1, "city", "text", "Kraków"), event_form.Condition(2, "city", "text", "Gdańsk"))
    form = event_form.EventForm(event="e", where=rows)
    with pytest.raises(Invalid):
        canonical(event_form.event_json(form))
    assert event_form.drop(form, "where", 2).where == rows[:1]


@pytest.mark.parametrize("name", ["__class__", "times", "exclude", "custom", "kind", "", "where", "form"])
@pytest.mark.parametrize("value", [None, [], {}, "x", 5])
def test_what_is_no_field_changes_nothing(name, value):
    for module, form in (
        (once_form, once_form.OnceForm()),
        (recurring_form, fresh()),
        (event_form, event_form.EventForm()),
        (send_rules, send_rules.SendRules()),
    ):
        assert module.put(form, name, value) == form


@pytest.mark.parametrize("index", [-1, 5, "0", None, 1.5])
def test_a_time_in_no_place_changes_nothing(index):
    assert recurring_form.put_time(fresh(), index, "10:00") == fresh()
    assert recurring_form.drop_time(fresh(), index) == fresh()


@pytest.mark.parametrize(
    "rule", [";;;", "=", "FREQ", "FREQ=WEEKLY;BYHOUR=" + "9" * 400, "BYDAY=\x00", "FREQ=WEEKLY;FREQ=DAILY"]
)
def test_whatever_stands_in_a_custom_rule_stays_as_typed(rule):
    form = recurring_form.put(recurring_form.in_text(fresh()), "rule", rule)
    assert recurring_form.recurring_json(form)["rrule"] == rule.strip()
    assert recurring_form.in_fields(form) is None


def test_without_a_rule_the_fields_begin_anew():
    assert recurring_form.in_fields(recurring_form.put(recurring_form.in_text(fresh()), "rule", " ")) == fresh()


KNOWN = (
    EventNameRow(
        "cart_abandoned",
        (
            PropertyRow("total", ("number",), ("12.5",)),
            PropertyRow("vip", ("boolean",), ()),
            PropertyRow("a b", (), ()),
        ),
        False,
        NOW,
    ),
)


def test_the_catalogue_suggests_names_kinds_and_what_a_text_may_use():
    form = event_form.add(event_form.EventForm(event="cart_abandoned"), "where")
    named = event_form.put_condition(form, "where", 1, "name", "total")
    guessed = event_form.informed(event_form.guessed(named, "where", 1, KNOWN), KNOWN)
    assert (guessed.where[0].kind, guessed.where[0].examples) == ("number", ("12.5",))
    flagged = event_form.guessed(event_form.put_condition(form, "where", 1, "name", "vip"), "where", 1, KNOWN)
    assert event_form.event_json(flagged)["where"] == {"vip": True}
    known = event_form.suggestions(form, KNOWN)
    assert set(known.properties) == {"a b", "total", "vip"}
    assert known.variables[-2:] == ("event.total", "event.vip")


def test_a_kind_that_a_person_has_chosen_stays():
    form = event_form.add(event_form.EventForm(event="cart_abandoned"), "where")
    chosen = event_form.put_condition(
        event_form.put_condition(form, "where", 1, "name", "total"), "where", 1, "kind", "text"
    )
    assert event_form.informed(chosen, KNOWN).where[0].kind == "text"
