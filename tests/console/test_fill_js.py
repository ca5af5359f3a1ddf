"""What the browser fills in while a person types, held against the engine that sends."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backend.domain.content import clean
from backend.services import template_engine as engine

ASSETS = Path(__file__).parents[2] / "assets"
DRIVER = """
for (const script of process.argv.slice(1)) require(script);
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { verb, given } = JSON.parse(line);
  console.log(JSON.stringify(globalThis.tocsin[verb](...given)));
});
"""
VARIABLES = {
    "user": {
        "name": "zoë o'neill-smith", "plan": "GOLD", "n": 3, "price": 12.5, "vip": True, "old": False, "nothing": None,
        "empty": "", "tags": ["a", "B ", "c"], "address": {"city": "Łódź", "zip": "90-001"}, "items": [],
        "family": "Ay\U0001f468‍\U0001f469\U0001f44d\U0001f3fd é", "digits": "007.50", "lines": "a\r\nb\u2028c",
    },
    "app": {"name": "fern & co"},
    "data": {"code": "X-1", "deep": {"er": {"yet": "found"}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def ask() -> Iterator:
    """Calls a function of `tocsin`."""
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("Node is needed to run the browser's half of the composer.")
        pytest.skip("Node is not installed: the browser's half of the composer cannot be run here.")
    scripts = [str(ASSETS / "compose.js"), str(ASSETS / "fill.js")]
    with subprocess.Popen(
        [node, "-e", DRIVER, *scripts], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:

        def call(verb: str, *given: Any) -> Any:
            process.stdin.write(json.dumps({"verb": verb, "given": given}) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield call
        process.stdin.close()


PATHS = st.sampled_from(
    [
        "user.name", "user.plan", "user.n", "user.price", "user.vip", "user.old", "user.nothing", "user.empty",
        "user.tags[0]", "user.tags.1", "user.tags[-1]", "user.tags[7]", "user.tags", "user['plan']", "user.address.city",
        "user.address['zip']", "user.address.street", "user.family", "user.digits", "user.lines", "user.items",
        "app.name", "data.code", "data.deep.er.yet", "data.deep.no.yet", "event.total", "device.platform",
    ]
)  # fmt: skip
LITERALS = st.sampled_from(["'a'", '"B c"', "''", "'it\\'s'", "1", "0", "2.5", "12", "true", "false", "'é'", "'i' 'I'"])
WHOLE = st.integers(0, 12).map(str)
NAMES = st.sampled_from(["upper", "lower", "title", "capitalize", "trim", "length", "round", "nonsense"])


def _filtered(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{} | {}".format, inner, NAMES),
        st.builds("{}|default({})".format, inner, LITERALS),
        st.builds("{} | default({}, {})".format, inner, LITERALS, st.sampled_from(["true", "false", "1"])),
        st.builds("{} | truncate({})".format, inner, WHOLE),
        st.builds("{} | truncate({}, '{}')".format, inner, WHOLE, st.sampled_from(["", "..", "…"])),
    )


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["+", "-", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"])
    tests = st.sampled_from(["defined", "undefined", "none", "string", "number", "odd"])
    return st.one_of(
        st.builds("{} {} {}".format, inner, signs, inner),
        st.builds("({} {} {})".format, inner, signs, inner),
        st.builds("not {}".format, inner),
        st.builds("-{}".format, inner),
        st.builds("({})".format, inner),
        st.builds("{} is {}".format, inner, tests),
        st.builds("{} is not {}".format, inner, tests),
        st.builds("{} if {} else {}".format, inner, inner, inner),
        st.builds("{} if {}".format, inner, inner),
    )


EXPRESSIONS = st.recursive(PATHS | LITERALS, lambda inner: _filtered(inner) | _joined(inner), max_leaves=5)
TEXT = st.text(alphabet="aB é\n\t\r{}%-\u2028\u202e\ufeffŁ\U0001f44d ", max_size=8)
OUTPUTS = st.builds(
    "{}{}{}".format, st.sampled_from(["{{ ", "{{", "{{- "]), EXPRESSIONS, st.sampled_from([" }}", "}}", " -}}"])
)


def _conditional(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{{% if {} %}}{}{{% endif %}}".format, EXPRESSIONS, inner),
        st.builds("{{% if {} -%}} {}{{%- else %}} {}{{% endif %}}".format, EXPRESSIONS, inner, inner),
        st.builds("{{% if {} %}}{}{{% elif {} %}}{}{{% endif %}}".format, EXPRESSIONS, inner, EXPRESSIONS, inner),
    )


PARTS = st.recursive(OUTPUTS | TEXT, _conditional, max_leaves=4)
SOURCES = st.lists(PARTS, max_size=4).map("".join)


@st.composite
def half_typed(draw: st.DrawFn) -> str:
    """A text out of which something is missing, as it is while it is being written."""
    source = draw(SOURCES)
    start = draw(st.integers(0, len(source)))
    return source[:start] + source[start + draw(st.integers(1, 6)) :]


def _sent(source: str, locale: str) -> str | None:
    """What is sent; None when it is refused."""
    try:
        filled = engine.fill(source, engine.context(VARIABLES, locale)) if engine.is_template(source) else source
    except (engine.FillProblem, engine.SyntaxProblem):
        return None
    return clean(filled)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(source=SOURCES | half_typed(), locale=st.sampled_from(["en", "tr", "pl"]))
@example("Hi {{ user.name | default('there') | title }}!", "en")
@example("{% if user.n + 2 >= 5 and user.vip -%}\n yes {% else %}no{% endif %}", "en")
@example("{{ user.family | truncate(4) }}", "en")
@example("{{ user.plan | lower }} {{ 'i' | upper }}", "tr")
def test_what_the_browser_is_sure_of_is_what_is_sent(ask, source: str, locale: str):
    made = ask("fill", source, VARIABLES, locale)
    if made["sure"]:
        assert made["text"] == _sent(source, locale)
    assert len(made["map"]) == _units(made["text"])
    assert made["map"] == sorted(made["map"])
    assert all(0 <= at < _units(source) for at in made["map"])


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {{ user.name | default('there') | title }}!", "Hi Zoë O'Neill-Smith!"),
        ("{{ user.street | default('your street') }}", "your street"),
        ("{{ user.tags[1] | trim }}{{ user.tags.0 | upper }}", "BA"),
        ("{{ data.deep.er.yet | capitalize | truncate(4) }}", "Fou…"),
        ("{% if user.plan == 'GOLD' %}gold{% elif user.vip %}vip{% else %}you{% endif %}", "gold"),
        ("{{ 'many' if user.n > 2 else 'few' }} {{ user.price + 1 }}", "many 13.5"),
        ("{{ user.missing is defined or user.n in [1] }}", None),
        ("a \u202eb\r\nc", "a b\nc"),
    ],
)
def test_it_is_sure_of_the_common_things(ask, source: str, text: str | None):
    made = ask("fill", source, VARIABLES, "en")
    assert (made["text"] if made["sure"] else None) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {{ user.street }}", "Hi ‹street›"),
        ("{{ user.price | currency('EUR') }} only", "‹price› only"),
        ("{{ user.na", "{{ user.na"),
        ("{{ user. }} there", "‹user› there"),
        ("{% if user.street %}a{% else %}b{% endif %}", "b"),
        ("{{ block.footer }}", "‹footer›"),
        ("{% for x in user.tags %}x{% endfor %}", "x"),
    ],
)
def test_what_it_does_not_know_shows_its_name(ask, source: str, text: str):
    made = ask("fill", source, VARIABLES, "en")
    assert (made["text"], made["sure"]) == (text, False)


CONTENT = {
    "title": "Hi {{ user.name | title }}",
    "body": "b",
    "image": "https://cdn.example.com/a.png",
    "actions": [{"id": "a", "title": "Buy {{ data.code }}"}],
    "badge": 2,
    "thread": "sale",
    "locales": {"ar": {"title": "مرحبا"}, "pl": {"body": "cześć"}},
    "ios": {"interruption_level": "time-sensitive"},
    "android": {"color": "#112233", "visibility": "private", "channel_id": "promo", "mode": "data"},
    "web": {"title": "", "body": "only a body", "require_interaction": True},
}


def _draft(**more: Any) -> dict[str, Any]:
    return {
        "edit": 4, "variant": 0, "platform": "", "language": "", "default_locale": "en", "contents": [CONTENT], **more
    }  # fmt: skip


def test_a_platform_shows_its_own_layer_and_options(ask):
    ios, android, web = (ask("shown", _draft(), {"variables": VARIABLES}, name) for name in ("ios", "android", "web"))
    assert (ios["title"], ios["urgent"], ios["actions"][0]["title"]) == (
        "Hi Zoë O'Neill-Smith",
        "time-sensitive",
        "Buy X-1",
    )
    assert ios["maps"]["title"][:4] == [0, 1, 2, 3]
    looks = {name: android[name] for name in ("color", "hidden", "channel", "count", "by_app")}
    assert looks == {"color": "#112233", "hidden": "private", "channel": "promo", "count": 2, "by_app": True}
    assert (web["title"], web["body"], web["require_interaction"]) == ("only a body", "", True)
    assert not ios["exact"]


def test_the_language_is_the_open_one_else_the_persons(ask):
    assert ask("shown", _draft(language="ar"), {"locale": "pl"}, "ios")["dir"] == "rtl"
    assert ask("shown", _draft(), {"locale": "pl"}, "ios")["body"] == "cześć"


def test_the_servers_rendering_is_shown_while_it_is_of_this_text(ask):
    said = {"title": "Hi Zoë O'Neill-Smith", "body": "other", "actions": [], "options": {}, "locale": "en"}
    held = {"edit": 4, "variant": 0, "language": "", "variables": VARIABLES, "exact": {"ios": said}}
    now = ask("shown", _draft(), held, "ios")
    assert (now["exact"], now["title"], now["body"], now["actions"]) == (True, said["title"], "other", [])
    assert now["maps"]["title"] is not None
    assert now["maps"]["body"] is None
    assert not ask("shown", _draft(), held, "android")["exact"]
    for later in ({"edit": 5}, {"variant": 1}, {"language": "pl"}):
        assert not ask("shown", _draft(**later), held, "ios")["exact"]


def test_nothing_at_all_is_an_empty_push(ask):
    shown = ask("shown", {"contents": [{}]}, {}, "android")
    assert (shown["title"], shown["body"], shown["image"], shown["actions"], shown["silent"]) == ("", "", "", [], False)
