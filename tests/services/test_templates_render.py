"""Content filled in for one device."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.domain.content import Wording
from backend.domain.message import Action, Message
from backend.domain.vocabulary import Platform, Priority
from backend.services import templates
from backend.services.content import parse_content
from backend.services.templates import Envelope, TemplateError

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ENVELOPE = Envelope("dlv_1", "proof", "same", NOW, Priority.HIGH)
VARIABLES = {
    "user": templates.user_variables(
        {"name": "Ann", "plan": "pro", "items": 3, "country": "FR", "tags": ["a", None], "vip": True, "price": 1234.5, "gone": None},
        {"id": "u1", "country": "PL", "language": None, "first_seen": datetime(2026, 3, 9, 22, 30, tzinfo=UTC)},
    ),
    "device": {"platform": "ios"},
    "event": {"order": {"id": "A-1"}},
    "data": {},
    "app": {"name": "Shop"},
}  # fmt: skip


def message(content: dict[str, Any], platform: Platform = Platform.IOS, locales: tuple[str, ...] = ("en",)) -> Message:
    return templates.render(
        Wording(content), platform=platform, locales=locales, variables=VARIABLES, envelope=ENVELOPE
    )


def body(source: str, locale: str = "en") -> str:
    return message({"body": source}, locales=(locale,)).body


def test_every_field_arrives():
    content = parse_content(
        {
            "title": "Hi {{ user.name }}", "subtitle": "{{ app.name }}", "body": "Order {{ event.order.id }}",
            "image": "https://x.example/{{ user.id }}.png", "link": "shop://{{ event['order']['id'] }}",
            "actions": [{"id": "buy", "title": "Buy {{ user.items }}", "link": "https://x.example/{{ user.id }}"}],
            "data": {"who": "{{ user.id }}", "n": 5, "yes": True}, "badge": 2, "sound": "ping.caf", "ttl_seconds": 60,
            "collapse_key": "order-{{ event.order.id }}", "thread": "orders",
            "ios": {"interruption_level": "time-sensitive"},
        }
    )  # fmt: skip
    assert message(content) == Message(
        platform=Platform.IOS, m="dlv_1", t="proof", identity="same", expires_at=NOW + timedelta(seconds=60),
        ttl_seconds=60, title="Hi Ann", subtitle="Shop", body="Order A-1", image="https://x.example/u1.png",
        link="shop://A-1", actions=(Action("buy", "Buy 3", "https://x.example/u1"),),
        data={"who": "u1", "n": "5", "yes": "true"}, badge=2, sound="ping.caf", silent=False,
        collapse_key="order-A-1", thread="orders", priority=Priority.HIGH, locale="en",
        options={"interruption_level": "time-sensitive"},
    )  # fmt: skip


def test_bare_content_has_the_contracts_defaults():
    made = message({"title": "x"})
    assert (made.ttl_seconds, made.expires_at, made.link, made.actions, made.data) == (
        86_400, NOW + timedelta(days=1), None, (), {},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("source", "filled"),
    [
        ("{{ user.name }} {{ user.country }}", "Ann PL"),
        ("{{ user.nick | default('there') }}", "there"),
        ("{{ user.gone | default('there') }}", "there"),
        ("{{ user.address.city | default('town') }}", "town"),
        ("{{ user.tags[0] }}{{ user.tags[1] | default('-') }}{{ user.tags[9] | default('-') }}", "a--"),
        ("{% if user.items > 2 and not user.vip %}a{% elif 'a' in user.tags %}b{% else %}c{% endif %}", "b"),
        ("{{ 'yes' if user.vip else 'no' }}{{ 'x' if user.items == 0 }}", "yes"),
        ("{{ user.items + 1 - 0.5 }} {{ user.name + '!' }} {{ -user.items }}", "3.5 Ann! -3"),
        ("{{ user.vip }} {{ 2.0 }} {{ 1e3 }}", "true 2 1000"),
        ("{{ user.gone is defined }} {{ user.name is none }} {{ user.items is number }}", "false false true"),
        ("{{ user.name | upper }} {{ user.name | lower }} {{ 'ab cd' | title }} {{ 'ab' | capitalize }}", "ANN ann Ab Cd Ab"),
        ("{{ '  x ' | trim }}|{{ 'abcdef' | truncate(4) }}|{{ user.tags | length }}", "x|abc…|2"),
        ("{{ 2.567 | round(1) }} {{ 2.567 | round }} {{ '12' | round }}", "2.6 3 12"),
        ("{{ user.price | currency('EUR') }} {{ user.price | currency('CHF') }} {{ 5 | currency('JPY') }}", "€1,234.50 1,234.50\u00a0CHF ¥5"),
        ("{{ user.first_seen | date }} {{ user.first_seen | date('%e %B %H:%M', 'Europe/Warsaw') }}", "2026-03-09 9 March 23:30"),
        ("{{ '2026-03-09T22:30:00+02:00' | date('%A %d.%m.%y %%') }}", "Monday 09.03.26 %"),
        ("{{ user.items }} {{ user.items | plural('item', 'items') }}, 1 {{ 1 | plural('item', 'items') }}", "3 items, 1 item"),
        ("no variables {# here #} 100 % } { {", "no variables {# here #} 100 % } { {"),
        ("{% raw %}{{ user }}{% endraw %}\n", "{{ user }}\n"),
        ("{{ user.items.keys | default('no method') }}{{ event.items | default('no method') }}", "no methodno method"),
    ],
)  # fmt: skip
def test_the_language(source: str, filled: str):
    assert body(source) == filled


@pytest.mark.parametrize(
    ("locale", "source", "filled"),
    [
        ("pl-PL", "{{ 1234.5 | currency('PLN') }}", "1\u00a0234,50\u00a0zł"),
        ("de", "{{ -1234.5 | currency('EUR') }}", "-1.234,50\u00a0€"),
        ("pl", "{{ 1 | plural('plik','pliki','plików') }} {{ 22 | plural('plik','pliki','plików') }} {{ 12 | plural('plik','pliki','plików') }}", "plik pliki plików"),
        ("ru", "{{ 21 | plural('a','b','c') }}{{ 11 | plural('a','b','c') }}", "ac"),
        ("cs", "{{ 4 | plural('a','b','c') }}{{ 24 | plural('a','b','c') }}", "bc"),
        ("fr", "{{ 0 | plural('a','b') }}", "a"),
    ],
)  # fmt: skip
def test_filters_speak_the_messages_language(locale: str, source: str, filled: str):
    assert message({"body": source}, locales=(locale,)).body == filled


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"title": "{{ user.nick }}"}, "title"),
        ({"title": "x", "body": "{{ user.gone }}"}, "body"),
        ({"title": "x", "data": {"k": "{{ data.k }}"}}, "data.k"),
        ({"title": "x", "actions": [{"id": "a", "title": "{{ user.nick }}"}]}, "actions[0].title"),
        ({"title": "x", "actions": [{"id": "a", "title": "{{ user.nick | default('') }}"}]}, "actions[0].title"),
        ({"title": "x", "ios": {"target_content_id": "{{ user.nick }}"}}, "ios.target_content_id"),
        ({"title": "x", "link": "{{ 'java' + 'script:alert(1)' }}"}, "link"),
        ({"title": "x", "link": "{{ user.name }}"}, "link"),
        ({"title": "x", "image": "{{ 'http://x.example' }}"}, "image"),
        ({"title": "x", "collapse_key": "{{ user.name + 'é' + '" + "x" * 60 + "' }}"}, "collapse_key"),
        ({"title": "{{ user.tags }}"}, "title"),
        ({"title": "{{ user.name + 1 }}"}, "title"),
        ({"title": "{{ user.name < 1 }}"}, "title"),
        ({"title": "{{ user.name | round }}"}, "title"),
        ({"title": "{{ user.name | date }}"}, "title"),
        ({"title": "{{ user.first_seen | date('%Y', 'Mars/Base') }}"}, "title"),
        ({"title": "{{ user.first_seen | date('%Q') }}"}, "title"),
        ({"title": "{{ user.items | truncate(0) }}"}, "title"),
        ({"title": "", "body": ""}, "body"),
        ({"title": "{{ user.nick | default('') }}"}, "body"),
    ],
)
def test_what_cannot_be_filled_in_names_its_field(content: dict[str, Any], field: str):
    with pytest.raises(TemplateError) as caught:
        message(content)
    assert caught.value.field == field
    assert caught.value.message


def test_a_missing_value_says_what_to_write():
    with pytest.raises(TemplateError, match=r"nick is not known here; add \| default\('…'\)"):
        body("{{ user.nick }}")


def test_silent_pushes_and_the_apps_own_words_need_no_text():
    assert message({"silent": True, "data": {"k": "v"}}).silent
    assert message({"ios": {"title_loc_key": "HELLO"}}).options == {"title_loc_key": "HELLO"}


def test_an_empty_address_is_none():
    made = message({"title": "x", "link": "{{ user.url | default('') }}", "image": "{{ user.url | default('') }}"})
    assert (made.link, made.image) == (None, None)


def test_values_are_cleaned_like_the_text_around_them():
    variables = {"user": {"name": "A\u202enn\ud800\x00"}}
    made = templates.render(
        Wording({"title": "Hi {{ user.name }}", "data": {"k": "{{ user.name }}"}}),
        platform=Platform.WEB, locales=(), variables=variables, envelope=ENVELOPE,
    )  # fmt: skip
    assert (made.title, made.data["k"]) == ("Hi Ann\ufffd", "Ann\ufffd")


def test_the_profile_wins_over_attributes_where_it_knows():
    assert templates.user_variables({"country": "FR", "language": "fr"}, {"country": "PL", "language": None}) == {
        "country": "PL",
        "language": "fr",
    }


def test_a_message_takes_microseconds():
    """40 µs of CPU when measured alone; the bound leaves room for a busy machine."""
    content = parse_content(
        {
            "title": "Hi {{ user.name | default('there') }}", "body": "{{ user.items }} things wait.", "link": "shop://x",
            "data": {"k": "v"}, "locales": {"pl": {"title": "Cześć {{ user.name }}"}}, "ios": {"interruption_level": "active"},
        }
    )  # fmt: skip
    message(content)
    best = min(_cpu(lambda: message(content, locales=("pl-PL", "pl", "en"))) for _ in range(5))
    assert best < 300e-6, f"{best * 1e6:.0f} µs"


def _cpu(call: Any, times: int = 200) -> float:
    begun = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - begun) / times
