"""Every mistake in a text says where it is: at save, and when a value is missing for one person."""

from typing import Any

import pytest

from backend.domain.content import Wording
from backend.domain.vocabulary import Platform
from backend.errors import Invalid, TemplateError
from backend.services import rendering
from backend.services import template_engine as engine
from backend.services.composed import Composed, Inset, written
from backend.services.content import parse_content
from tests.services.test_templates_render import ENVELOPE, VARIABLES


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ("Hi {{ user.name | shout }}!", "user.name | shout"),
        ("żółć 😀 {{ user.items() }}", "user.items()"),
        ("a\n\nb {% for a in user %}{% endfor %}", "for"),
        ("{{ ''.__class__.__mro__[1] }}", "''.__class__.__mro__"),
        ("{{ user['_x'] }}", "user['_x']"),
        ("x {{ 'a' * 9 }}", "'a' * 9"),
        ("  {%- if user.a is callable -%}x{% endif %}", "user.a is callable"),
        ("x {{- (who) }}", "who"),
        ("{{ user.name | truncate(1, 2, 3) }}", "user.name | truncate(1, 2, 3)"),
        ("{{ user.name", "name"),
        ("{{ }}", "}}"),
        ("{{ $x }}", "$"),
        ("{{ (user.a }}", "}}"),
        ("{% if user.a %}x", "x"),
        ("{{ block.a | upper }}", "block"),
        ("{% set x = 1 %}", "set"),
        ("ok {{ 'x' | truncate(99999) }}", "'x' | truncate(99999)"),
    ],
)
def test_what_is_not_in_the_language_is_marked(source: str, marked: str):
    with pytest.raises(Invalid) as caught:
        parse_content({"title": "fine", "locales": {"pl": {"body": source}}})
    (wrong,) = caught.value.errors
    assert wrong.field == "content.locales.pl.body"
    assert source[wrong.at : wrong.at + wrong.length] == marked
    assert wrong.message.startswith(f"character {wrong.at + 1}: ")


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ("Hi {{ user.nmae }}", "user.nmae"),
        ("{% if user.vip %}{{ user.name }} {{ user['nick'] | upper }}{% endif %}", "user['nick']"),
        ("{{ user.nick | default(user.nmae) }}", "user.nmae"),
        ("{% if user.nick == 'x' %}{% endif %}", "user.nick"),
        ("{{ user.address.city }}", "user.address"),
        ("a  {{- user . nmae }}", "user . nmae"),
        ("{{ user.tags[9] }}", "user.tags[9]"),
        ("{{ 'a' if user.name in data.list }}", "data.list"),
        ("{{ user.tags }}", "user.tags"),
        ("{{ user.name }}{{ user.items }}{{ user.name | round }}", "user.name | round"),
        ("{% if user.vip %}{% if user.name < 1 %}{% endif %}{% endif %}", "user.name < 1"),
        ("{% if user.gone is defined %}{% elif user.name < 1 %}{% endif %}", "user.name < 1"),
        ("{{ user.first_seen | date('%Q') }}", "user.first_seen | date('%Q')"),
        ("{{ -user.name }}", "-user.name"),
    ],
)
def test_what_cannot_be_filled_in_is_marked(source: str, marked: str):
    error = failure(source)
    assert (error.field, source[error.at : error.at + error.length]) == ("body", marked)
    assert (error.errors[0].at, error.errors[0].length) == (error.at, error.length)


def failure(source: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        rendering.render(
            Wording({"body": source}), platform=Platform.IOS, locales=("en",), variables=VARIABLES, envelope=ENVELOPE
        )
    return caught.value


def test_what_grows_too_long_is_marked_as_a_whole():
    variables: dict[str, Any] = {"user": {"a": "ż" * 3000}}
    with pytest.raises(engine.FillProblem, match="more than 8192 bytes") as caught:
        engine.fill("{{ user.a }}{{ user.a }}", engine.context(variables, ""))
    assert (caught.value.at, caught.value.length) == (0, 24)
    assert len(engine.fill("{{ user.a }}", engine.context(variables, "")).encode()) == 6000


def test_the_same_missing_value_is_told_alike_for_everybody():
    assert str(failure("{{ user.nmae }}")) == "body: user.nmae is not known here; add | default('…')"


@pytest.mark.parametrize(
    ("at", "length", "there"),
    [(0, 2, (0, 2)), (3, 4, (3, 13)), (0, 5, (0, 16)), (12, 1, (16, 1)), (13, 5, (17, 13)), (18, 1, (30, 1))],
)
def test_places_are_those_of_the_text_as_it_was_written(at: int, length: int, there: tuple[int, int]):
    """`Hi {{ block.a }} x{{block.bb}} !` with a block of 9 characters and one of 4."""
    text = Composed("Hi " + "a" * 9 + " x" + "b" * 4 + " !", (Inset(3, 12, 3, 16), Inset(14, 18, 18, 30)))
    assert written(text, at, length) == there
    assert written(str(text), at, length) == (at, length)
