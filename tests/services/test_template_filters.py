"""Filters in several languages, and with values that nobody would wish for."""

import re
from typing import Any

import pytest

from backend.services import template_dates as dates
from backend.services import template_engine as engine


def said(source: str, locale: str = "en", **user: Any) -> str:
    return engine.fill(source, engine.context({"user": user}, locale))


def wrong(source: str, **user: Any) -> str:
    with pytest.raises(engine.FillProblem) as caught:
        said(source, **user)
    return str(caught.value)


@pytest.mark.parametrize(
    ("locale", "source", "text"),
    [
        ("en", "{{ -0.004 | currency }} {{ 2.675 | currency }} {{ 0 | currency('GBP') }}", "$0.00 $2.68 £0.00"),
        ("en", "{{ '12.5' | currency('eur') }} {{ 1234567.891 | currency('CHF') }}", "€12.50 1,234,567.89\u00a0CHF"),
        ("pl", "{{ 1234.5 | currency('PLN') }}", "1\u00a0234,50\u00a0zł"),
        ("de-AT", "{{ 1234.5 | currency('EUR') }}", "1.234,50\u00a0€"),
        ("nl", "{{ -1234.5 | currency('EUR') }}", "-€\u00a01.234,50"),
        ("pt-BR", "{{ 1234.5 | currency('BRL') }}", "R$\u00a01.234,50"),
        ("pt", "{{ 1234.5 | currency('EUR') }}", "1.234,50\u00a0€"),
        ("ja", "{{ 1234.5 | currency('JPY') }}", "¥1,235"),
        ("en", "{{ 0.5 | round }} {{ 1.5 | round }} {{ 2.5 | round }} {{ -2.5 | round }} {{ -0.4 | round }}", "1 2 3 -3 0"),
        ("en", "{{ 1.005 | round(2) }} {{ 2 | round(2) }} {{ '7.25' | round(1) }}", "1.01 2 7.3"),
        ("en", "{{ \"don't stop, o'neill d’été\" | title }}", "Don't Stop, O'Neill D’Été"),
        ("tr", "{{ 'istanbul' | upper }} {{ 'IĞDIR İL' | lower }}", "İSTANBUL ığdır il"),
        ("en", "{{ 'istanbul' | upper }} {{ 'straße' | upper }}", "ISTANBUL STRASSE"),
        ("pl", "{{ '2026-03-09T22:30:00Z' | date('%A, %e %B %Y, %H:%M', 'Europe/Warsaw') }}", "poniedziałek, 9 marca 2026, 23:30"),
        ("fr", "{{ '2026-08-01' | date('%a %d %b') }}", "sam 01 aoû"),
        ("ar", "{{ '2026-08-01' | date('%B') }}", "August"),
        ("en", "{{ '2026-08-01' | date('100%% %Y') }}", "100% 2026"),
        ("lt", "{{ 1 | plural('a','b','c') }}{{ 21 | plural('a','b','c') }}{{ 2 | plural('a','b','c') }}{{ 11 | plural('a','b','c') }}{{ 10 | plural('a','b','c') }}", "aabcc"),
        ("pl", "{{ 0 | plural('a','b','c') }}{{ 22 | plural('a','b','c') }}{{ 112 | plural('a','b','c') }}{{ 2.5 | plural('a','b','c') }}", "cbcc"),
        ("uk", "{{ 101 | plural('a','b','c') }}{{ 111 | plural('a','b','c') }}{{ 103 | plural('a','b','c') }}", "acb"),
        ("pt", "{{ 0 | plural('a','b') }}{{ 2 | plural('a','b') }}", "ab"),
        ("en", "{{ -1 | plural('item','items') }}", "item"),
    ],
)  # fmt: skip
def test_filters_speak_the_readers_language(locale: str, source: str, text: str):
    assert said(source, locale) == text


@pytest.mark.parametrize(
    ("text", "length", "cut"),
    [
        ("Hello there", 8, "Hello t…"),
        ("Hello there", 7, "Hello…"),
        ("abc", 3, "abc"),
        ("abcd", 1, "…"),
        ("👨\u200d👩\u200d👧 family", 4, "👨\u200d👩…"),
        ("Hi 👍🏽 yes", 5, "Hi…"),
        ("Hi 👨\u200d👩\u200d👧 family", 6, "Hi…"),
        ("cafe\u0301s", 5, "caf…"),
        ("e" + "\u0301" * 500, 200, "e" + "\u0301" * 198 + "…"),
        ("🇵🇱🇩🇪", 3, "🇵🇱…"),
    ],
)
def test_truncate_leaves_signs_whole(text: str, length: int, cut: str):
    assert said(f"{{{{ user.a | truncate({length}) }}}}", a=text) == cut


@pytest.mark.parametrize(
    "value",
    [10**299, -1e299, 5e-324, 10**400, float("inf"), float("nan"), "9" * 400, "１２", "١٢", "1e5", " 5", "", True, [1], {"a": 1}],
)  # fmt: skip
def test_numbers_beyond_reason_are_told_or_refused(value: Any):
    for source in ("{{ user.a | round }}", "{{ user.a | round(10) }}", "{{ user.a | currency }}", "{{ user.a | plural('a', 'b') }}", "{{ user.a - 1 }}", "{{ -user.a }}"):  # fmt: skip
        try:
            assert said(source, a=value)
        except engine.FillProblem as problem:
            assert re.search("needs a number|cannot|more than|too large", str(problem)), problem  # noqa: PT017


@pytest.mark.parametrize(
    "value",
    ["", "yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-03-09T25:00", 5, True, "x" * 9000],
)  # fmt: skip
def test_times_beyond_reason_are_refused(value: Any):
    assert wrong("{{ user.a | date }}", a=value)


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "/etc/passwd", "x" * 9000, "\x00", "Europe", 5])
def test_zones_that_are_none_are_refused(zone: Any):
    assert wrong("{{ '2026-03-09' | date('%H', user.a) }}", a=zone)


def test_a_value_of_another_kind_says_what_is_wanted():
    assert "date needs a time" in wrong("{{ user.a | date }}", a="soon")
    assert "a list cannot be shown" in wrong("{{ user.a | upper }}", a=["x"])
    assert "a map cannot be shown" in wrong("{{ user.a }}", a={"x": 1})
    assert "length needs" in wrong("{{ user.a | length }}", a=5)
    assert "date does not know %Q" in wrong("{{ '2026-01-01' | date(user.a) }}", a="%Q")
    assert "compares values of different kinds" in wrong("{{ user.a < 'x' }}", a=5)
    assert "cannot be compared" in wrong("{{ user.a == user.a }}", a=[5])
    assert "in needs a text or a list" in wrong("{{ 1 in user.a }}", a=5)
    assert "user.b is not known" in wrong("{{ user.a == user.b }}", a=5)


def test_comparisons_hold_as_they_read():
    source = "{{ 1 < user.a <= 3 }} {{ 'b' in user.t }} {{ 'x' not in user.t }} {{ 5 in user.t2 }} {{ 'k' in user.m }} {{ user.a != 3 }}"
    assert said(source, a=3, t="abc", t2=[5], m={"k": 1}) == "true true true true true false"


def test_a_text_that_takes_too_much_work_is_stopped():
    assert "too much work" in wrong("{{ user.a | title | length }}" * 6, a="x" * 8000)
    assert said("{{ user.a | title | length }}" * 6, a="x" * 800) == "800" * 6


@pytest.mark.parametrize("language", dates.LANGUAGES)
def test_each_language_has_every_month_and_day(language: str):
    months = {said(f"{{{{ '2026-{month:02}-01' | date('%B') }}}}", language) for month in range(1, 13)}
    days = {said(f"{{{{ '2026-03-{day:02}' | date('%A') }}}}", language) for day in range(1, 8)}
    assert (len(months), len(days)) == (12, 7)
