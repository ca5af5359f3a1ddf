"""The campaign document: what is taken, what it becomes, and how each wrong field is named."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import Invalid
from backend.services.content import Content, parse_content, wordless
from backend.services.definition import parse, to_json

CONTRACT: dict[str, Any] = {
    "name": "Spring sale", "category": "marketing", "priority": "normal", "on_unknown": "retry",
    "audience": {"include": ["seg_abc"], "exclude": [], "everyone": False, "unseen_days": None},
    "variants": [{"name": "A", "weight": 50, "template_id": None, "content": {
        "title": "Hi {{ user.name | default('there') }}", "subtitle": "", "body": "…",
        "image": "https://x.example/a.png", "link": "myapp://sale",
        "actions": [{"id": "buy", "title": "Buy", "link": "https://x.example/", "icon": None}],
        "data": {"k": "v"}, "badge": 1, "sound": "default", "silent": False,
        "ttl_seconds": 86400, "collapse_key": None, "thread": None,
        "locales": {"pl": {"title": "…", "actions": []}},
        "ios": {"interruption_level": "active", "action_category": "SALE"},
        "android": {"channel_id": "promo", "mode": "notification"}, "web": {"require_interaction": False}}}],
    "holdout_percent": 0, "experiment": None,
    "schedule": {"kind": "now"}, "late": {"minutes": 60, "then": "skip"}, "not_after": None,
    "quiet_hours": "hold", "ignore_caps": False, "throttle_per_minute": None,
    "conversion": {"event": "purchase", "window_hours": 72},
}  # fmt: skip
LEAST = {"name": "x", "audience": {"everyone": True}, "variants": [{"content": {"title": "a"}}]}


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(LEAST), **changes}


def content(**fields: Any) -> dict[str, Any]:
    return changed(variants=[{"content": {"title": "a", **fields}}])


def wrong(data: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        parse(data)
    assert all(error.message for error in caught.value.errors)
    return [error.field for error in caught.value.errors]


def test_the_contracts_example_is_its_own_canonical_form():
    assert to_json(parse(CONTRACT)) == CONTRACT


@pytest.mark.parametrize("throttle", [1, 600, 10_000_000, None])
def test_a_throttle_is_a_number_of_pushes_a_minute_or_none(throttle: int | None):
    assert to_json(parse(changed(throttle_per_minute=throttle)))["throttle_per_minute"] == throttle


def test_defaults_are_written_out():
    assert to_json(parse(LEAST)) == {
        "name": "x", "category": "marketing", "priority": "normal", "on_unknown": "retry",
        "audience": {"include": [], "exclude": [], "everyone": True, "unseen_days": None},
        "variants": [{"name": "A", "weight": 1, "template_id": None, "content": {
            "title": "a", "subtitle": "", "body": "", "image": None, "link": None, "actions": [], "data": {},
            "badge": None, "sound": "default", "silent": False, "ttl_seconds": 86400, "collapse_key": None,
            "thread": None, "locales": {}, "ios": {}, "android": {}, "web": {}}}],
        "holdout_percent": 0, "experiment": None, "schedule": {"kind": "now"},
        "late": {"minutes": 60, "then": "skip"}, "not_after": None, "quiet_hours": "hold", "ignore_caps": False,
        "throttle_per_minute": None, "conversion": None,
    }  # fmt: skip


@pytest.mark.parametrize("field", ["quiet_hours", "late", "not_after", "holdout_percent", "conversion", "ignore_caps"])
def test_what_later_policies_read_is_kept(field: str):
    values = {
        "quiet_hours": "drop", "late": {"minutes": 5, "then": "ask"}, "not_after": "2026-12-01T09:00:00+01:00",
        "holdout_percent": 12.5, "conversion": {"event": "buy", "window_hours": 1}, "ignore_caps": True,
    }  # fmt: skip
    assert to_json(parse(changed(**{field: values[field]})))[field] == values[field]


def test_an_instant_keeps_its_offset():
    schedule = {"kind": "at", "at": "2026-12-01T09:00:00+01:00"}
    assert to_json(parse(changed(schedule=schedule)))["schedule"] == schedule
    assert (
        to_json(parse(changed(schedule={**schedule, "at": "2026-12-01T09:00Z"})))["schedule"]["at"]
        == "2026-12-01T09:00:00+00:00"
    )


def test_a_template_takes_the_contents_place():
    made = to_json(parse(changed(variants=[{"template_id": "tpl_abc"}])))["variants"][0]
    assert (made["template_id"], made["content"]) == ("tpl_abc", None)


def test_overrides_keep_just_what_they_say():
    made = parse_content(
        {"title": "a", "locales": {"pt_br": {"image": None}}, "ios": {"locales": {"PL": {"badge": 0}}}}
    )
    assert made["locales"] == {"pt-BR": {"image": None}}
    assert made["ios"] == {"locales": {"pl": {"badge": 0}}}


def test_data_carries_texts_only():
    made = parse_content({"data": {"a": 1, "b": True, "c": 1.5, "d": "x\x00"}})
    assert made["data"] == {"a": "1", "b": "true", "c": "1.5", "d": "x"}


def test_texts_are_cleaned_at_save():
    made = parse_content({"title": "a\u202eb\r\n\ud800", "subtitle": None})
    assert (made["title"], made["subtitle"]) == ("ab\n\ufffd", "")


CASES: list[tuple[Any, list[str]]] = [
    ([], ["body"]),
    ({}, ["name", "variants"]),
    (changed(name=""), ["name"]),
    (changed(name=" \x00 "), ["name"]),
    (changed(name=5), ["name"]),
    (changed(name="x" * 201), ["name"]),
    (changed(nmae="x"), ["nmae"]),
    (changed(category="Big Sale"), ["category"]),
    (changed(priority="urgent"), ["priority"]),
    (changed(on_unknown="hope"), ["on_unknown"]),
    (changed(audience={}), ["audience"]),
    (changed(audience={"everyone": True, "include": ["seg_a"]}), ["audience.include"]),
    (changed(audience={"include": ["tpl_a"]}), ["audience.include[0]"]),
    (changed(audience={"everyone": 1}), ["audience.everyone"]),
    (changed(audience={"everyone": True, "unseen_days": 0}), ["audience.unseen_days"]),
    (changed(audience={"everyone": True, "rules": {}}), ["audience.rules"]),
    (changed(variants=[]), ["variants"]),
    (changed(variants="A"), ["variants"]),
    (changed(variants=["A"]), ["variants[0]"]),
    (changed(variants=[{"content": {"title": "a"}}] * 9), ["variants"]),
    (changed(variants=[{"name": "A", "content": {}}, {"name": "A", "content": {}}]), ["variants"]),
    (changed(variants=[{"weight": 0, "content": {}}]), ["variants[0].weight"]),
    (changed(variants=[{"weight": 1.5, "content": {}}]), ["variants[0].weight"]),
    (changed(variants=[{}]), ["variants[0].content"]),
    (changed(variants=[{"content": {}, "template_id": "tpl_a"}]), ["variants[0].content"]),
    (changed(holdout_percent=100), ["holdout_percent"]),
    (changed(holdout_percent="5"), ["holdout_percent"]),
    (changed(schedule={"kind": "at"}), ["schedule.at"]),
    (changed(schedule={"kind": "now", "at": "2026-12-01T09:00:00Z"}), ["schedule.at"]),
    (changed(schedule={"kind": "at", "at": "2026-12-01T09:00:00"}), ["schedule.at"]),
    (changed(schedule={"kind": "at", "at": 1764576000}), ["schedule.at"]),
    (changed(schedule={"kind": "at", "at": "soon"}), ["schedule.at"]),
    (changed(schedule={"kind": "hourly"}), ["schedule.kind"]),
    (changed(schedule={"kind": "now", "zone": "user"}), ["schedule.zone"]),
    (changed(schedule={"kind": "local_time"}), ["schedule.wall"]),
    (changed(schedule={"kind": "local_time", "wall": "2026-12-01T09:00", "past": "never"}), ["schedule.past"]),
    *((changed(schedule={"kind": "local_time", "wall": wall}), ["schedule.wall"])
      for wall in ("2026-12-01T09:00Z", "2026-12-01", "2026-12-01T09:00:00", "2026-02-30T09:00", "1999-12-01T09:00", 9)),
    (changed(schedule={"kind": "best_hour"}), ["schedule.date"]),
    (changed(schedule={"kind": "best_hour", "date": "2026-13-01"}), ["schedule.date"]),
    (changed(schedule={"kind": "recurring"}), ["schedule.rrule", "schedule.start"]),
    *((changed(schedule={"kind": "recurring", "rrule": "FREQ=DAILY", "start": "2026-12-01T09:00", **wrong}), fields)
      for wrong, fields in (
        ({"rrule": ""}, ["schedule.rrule"]), ({"rrule": "daily"}, ["schedule.rrule"]),
        ({"rrule": "FREQ=MINUTELY"}, ["schedule.rrule"]), ({"zone": "Mars/Olympus"}, ["schedule.zone"]),
        ({"until": "soon"}, ["schedule.until"]), ({"until": "2026-11-01"}, ["schedule.rrule"]),
        ({"exclude": ["2026-12-1"]}, ["schedule.exclude[0]"]),
        ({"rrule": "FREQ=DAILY;UNTIL=20270101", "until": "2027-01-01"}, ["schedule.until"]),
        ({"rrule": "FREQ=DAILY;COUNT=2", "until": "2027-01-01"}, ["schedule.rrule"]))),
    (changed(schedule={"kind": "event"}), ["schedule.event"]),
    *((changed(schedule={"kind": "event", "event": "cart", **wrong}), fields) for wrong, fields in (
        ({"event": " "}, ["schedule.event"]), ({"where": {"a": [1]}}, ["schedule.where.a"]),
        ({"where": {"a": float("inf")}}, ["schedule.where.a"]), ({"where": {"a": "x" * 1001}}, ["schedule.where.a"]),
        ({"delay_seconds": -1}, ["schedule.delay_seconds"]), ({"delay_seconds": 31_536_001}, ["schedule.delay_seconds"]),
        ({"wall": "24:00"}, ["schedule.wall"]), ({"reentry": "never"}, ["schedule.reentry"]),
        ({"reentry": {"days": 0}}, ["schedule.reentry.days"]), ({"cancel_where": {"a": 1}}, ["schedule.cancel_where"]))),
    (changed(schedule={"kind": "event", "event": "cart"}, late={"then": "ask"}), ["late.then"]),
    (changed(spread_minutes=0), ["spread_minutes"]), (changed(spread_minutes=1441), ["spread_minutes"]),
    (changed(spread_minutes=5, audience={"topics": ["news"]}), ["spread_minutes"]),
    *((changed(schedule=schedule, audience={"topics": ["news"]}), ["schedule"]) for schedule in (
        {"kind": "local_time", "wall": "2026-12-01T09:00"}, {"kind": "best_hour", "date": "2026-12-01"},
        {"kind": "recurring", "rrule": "FREQ=DAILY", "start": "2026-12-01T09:00"}, {"kind": "event", "event": "cart"})),
    (changed(experiment={"goal": "opens"}), ["experiment"]),
    *((changed(throttle_per_minute=wrong), ["throttle_per_minute"]) for wrong in (0, -5, 10_000_001, 1.5, "600", True)),
    (changed(late={"minutes": -1}), ["late.minutes"]),
    (changed(late={"then": "panic"}), ["late.then"]),
    (changed(not_after="2026-12-01"), ["not_after"]),
    (changed(quiet_hours="maybe"), ["quiet_hours"]),
    (changed(ignore_caps="no"), ["ignore_caps"]),
    (changed(conversion={"window_hours": 5}), ["conversion.event"]),
    (changed(conversion={"event": "buy", "window_hours": 0}), ["conversion.window_hours"]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "fields"), CASES)
def test_each_wrong_field_is_named(data: Any, fields: list[str]):
    assert wrong(data) == fields


CONTENTS: list[tuple[dict[str, Any], str]] = [
    ({"title": 5}, "title"),
    ({"title": "x" * 8193}, "title"),
    ({"title": "{{ user.name"}, "title"),
    ({"body": "{{ user.name() }}"}, "body"),
    ({"colour": "red"}, "colour"),
    ({"image": "http://x.example/a.png"}, "image"),
    ({"image": "javascript:alert(1)"}, "image"),
    ({"image": "http://{{ user.id }}"}, "image"),
    ({"link": "javascript:alert(1)"}, "link"),
    ({"link": "  JavaScript:alert('{{ user.id }}')"}, "link"),
    ({"link": "java\tscript:alert(1)"}, "link"),
    ({"link": "data:text/html,x"}, "link"),
    ({"link": "{{ user.x | nosuch }}"}, "link"),
    ({"actions": [{"id": "a", "title": "A"}] * 2}, "actions"),
    ({"actions": [{"id": str(n), "title": "A"} for n in range(5)]}, "actions"),
    ({"actions": [{"id": "a b", "title": "A"}]}, "actions[0].id"),
    ({"actions": [{"id": "a"}]}, "actions[0].title"),
    ({"actions": [{"id": "a", "title": ""}]}, "actions[0].title"),
    ({"actions": [{"id": "a", "title": "A", "link": "file:///x"}]}, "actions[0].link"),
    ({"actions": [{"id": "a", "title": "A", "icon": "https://x.example/{{ user.id }}"}]}, "actions[0].icon"),
    *(({"data": {key: "x"}}, f"data.{key}") for key in ("from", "message_type", "google.x", "gcm", "gcm.notification.e", "m", "t", "aps", "link")),
    ({"data": {"": "x"}}, "data."),
    ({"data": {"k": {"nested": 1}}}, "data.k"),
    ({"data": {"k": None}}, "data.k"),
    ({"data": {"k": float("inf")}}, "data.k"),
    ({"data": {"k": "{{ x }}"}}, "data.k"),
    ({"badge": -1}, "badge"),
    ({"badge": True}, "badge"),
    ({"sound": "../x"}, "sound"),
    ({"silent": "yes"}, "silent"),
    ({"ttl_seconds": 2_419_201}, "ttl_seconds"),
    ({"ttl_seconds": -1}, "ttl_seconds"),
    ({"collapse_key": "é" * 33}, "collapse_key"),
    ({"locales": {"english": {}, "x_": {}}}, "locales.x_"),
    ({"locales": {"pl": {"tittle": "x"}}}, "locales.pl.tittle"),
    ({"locales": {"pl": {"locales": {}}}}, "locales.pl.locales"),
    ({"ios": {"interruption_level": "loud"}}, "ios.interruption_level"),
    ({"ios": {"relevance_score": 2}}, "ios.relevance_score"),
    ({"ios": {"channel_id": "x"}}, "ios.channel_id"),
    ({"ios": {"locales": {"pl": {"link": "blob:x"}}}}, "ios.locales.pl.link"),
    ({"android": {"mode": "both"}}, "android.mode"),
    ({"android": {"require_interaction": True}}, "android.require_interaction"),
    ({"web": {"require_interaction": 1}}, "web.require_interaction"),
    ({"web": {"icon": "http://x.example/a.png"}}, "web.icon"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "field"), CONTENTS)
def test_each_wrong_field_of_the_content_is_named(fields: dict[str, Any], field: str):
    assert wrong(content(**fields)) == [f"variants[0].content.{field}"]


def test_all_wrong_fields_are_named_at_once():
    assert wrong(content(title="{{ x }}", badge="1", ios={"y": 1})) == [
        "variants[0].content.title",
        "variants[0].content.badge",
        "variants[0].content.ios.y",
    ]


def test_what_is_not_offered_says_so():
    with pytest.raises(Invalid, match="experiment: is not offered by this version"):
        parse(changed(experiment={"winner": "A"}))


@pytest.mark.parametrize(
    ("schedule", "canonical"),
    [
        ({}, {"kind": "now"}),
        ({"kind": "local_time", "wall": "2026-12-01T09:00"},
         {"kind": "local_time", "wall": "2026-12-01T09:00", "past": "send_now"}),
        ({"kind": "best_hour", "date": "2026-12-01"}, {"kind": "best_hour", "date": "2026-12-01"}),
        ({"kind": "recurring", "rrule": "FREQ=WEEKLY;BYDAY=TU", "start": "2026-12-01T09:00"},
         {"kind": "recurring", "rrule": "FREQ=WEEKLY;BYDAY=TU", "start": "2026-12-01T09:00", "zone": "user",
          "until": None, "exclude": []}),
        ({"kind": "event", "event": "cart", "where": {"n": 1, "x": True, "f": 1.5, "s": "a"}, "reentry": {"days": 7}},
         {"kind": "event", "event": "cart", "where": {"n": 1, "x": True, "f": 1.5, "s": "a"}, "delay_seconds": 0,
          "wall": None, "cancel_event": None, "cancel_where": {}, "reentry": {"days": 7}}),
    ],
)  # fmt: skip
def test_each_kind_of_schedule_is_written_out_in_full(schedule: dict[str, Any], canonical: dict[str, Any]):
    kept = to_json(parse(changed(schedule=schedule)))
    assert kept["schedule"] == canonical
    assert to_json(parse(kept)) == kept


def test_a_spread_is_kept_and_its_absence_leaves_no_trace():
    assert to_json(parse(changed(spread_minutes=45)))["spread_minutes"] == 45
    assert "spread_minutes" not in to_json(parse(changed(spread_minutes=None)))


def test_a_campaign_in_too_many_words_is_refused():
    tags = [f"{a}{b}" for a in "abcdefghij" for b in "klmnop"][:40]
    assert wrong(content(locales={tag: {"body": "x" * 8000} for tag in tags})) == ["variants[0].content"]


@pytest.mark.parametrize(
    ("given_content", "complaint"),
    [
        ({"title": "a"}, None),
        ({"silent": True}, None),
        ({"ios": {"body_loc_key": "K"}, "android": {"body": "x"}, "web": {"body": "x"}}, None),
        ({}, "needs a title or a body, unless the push is silent"),
        ({"ios": {"title": "x"}}, "(android, web)"),
        ({"title": "a", "locales": {"pl": {"title": ""}}}, "(ios pl, android pl, web pl)"),
        ({"title": "a", "web": {"locales": {"de": {"title": ""}}}}, "(web de)"),
    ],
)
def test_words_are_missed_by_platform_and_language(given_content: dict[str, Any], complaint: str | None):
    said = wordless(parse_content(given_content), "content")
    assert [error.field for error in said] == (["content.body"] if complaint else [])
    assert not complaint or complaint in said[0].message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [*Content.model_fields]


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(
    st.dictionaries(st.sampled_from([*CONTRACT, "x"]), JSON, max_size=3),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3),
)
def test_anything_at_all_is_taken_or_refused_by_name(outer: dict[str, Any], inner: dict[str, Any]):
    data = {**content(**inner), **outer}
    try:
        made = to_json(parse(data))
    except Invalid as error:
        named = [one.field for one in error.errors]
        made = {}
    else:
        named = []
        assert to_json(parse(made)) == made
    assert bool(made) != bool(named)
