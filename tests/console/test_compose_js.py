"""What the browser makes of a draft, held against what the server makes of it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain import content as rules
from backend.domain.vocabulary import Platform

SCRIPT = Path(__file__).parents[2] / "assets" / "compose.js"
DRIVER = """
require(process.argv[1]);
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { verb, given } = JSON.parse(line);
  const answer = globalThis.tocsin.compose[verb](...given.map((one) => one ?? undefined));
  console.log(JSON.stringify(answer === undefined ? null : answer));
});
"""
TAGS = ("pl", "pt", "pt-BR", "zh-Hant-TW", "zh-Hant", "ar")


@pytest.fixture(scope="module")
def ask():
    """Calls a function of `tocsin.compose`."""
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("Node is needed to run the browser's half of the composer.")
        pytest.skip("Node is not installed: the browser's half of the composer cannot be run here.")
    process = subprocess.Popen(
        [node, "-e", DRIVER, str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def call(verb: str, *given: Any) -> Any:
        process.stdin.write(json.dumps({"verb": verb, "given": given}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield call
    process.stdin.close()
    process.stdout.close()
    process.wait(10)


scalar = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6)
common = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(sorted(rules.FIELDS - {"data", "actions"}), scalar),
        "data": st.dictionaries(st.sampled_from("abc"), st.text(max_size=3)),
        "actions": st.lists(st.fixed_dictionaries({"id": st.sampled_from("xy"), "title": st.text(max_size=3)}), max_size=3),
    },
)  # fmt: skip
own = st.fixed_dictionaries(
    {}, optional={"channel_id": scalar, "light": st.dictionaries(st.sampled_from("abc"), scalar), "vibrate_ms": scalar}
)


def spoken(layer):
    return st.dictionaries(st.sampled_from(TAGS), layer, max_size=3)


@st.composite
def contents(draw) -> dict[str, Any]:
    made = draw(common)
    if draw(st.booleans()):
        made["locales"] = draw(spoken(common))
    for platform in draw(st.sets(st.sampled_from([str(one) for one in Platform]))):
        made[platform] = draw(common) | draw(own)
        if draw(st.booleans()):
            made[platform]["locales"] = draw(spoken(common))
    return made


@settings(max_examples=300, deadline=None)
@given(
    content=contents(),
    platform=st.sampled_from(list(Platform)),
    tags=st.lists(st.sampled_from((*TAGS, "en", "ar-EG", "pl-PL")), max_size=3),
)
def test_a_browser_resolves_a_content_as_the_server_does(ask, content, platform, tags):
    chain = rules.locale_chain(*[*tags, None, None, None][:3])
    expected = dict(rules.resolve(content, platform, chain))
    expected["locale"] = rules.chosen_locale(content, platform, chain)
    assert tuple(ask("chain", *tags)) == chain
    assert ask("resolve", content, str(platform), list(chain)) == expected


@settings(max_examples=200, deadline=None)
@given(tag=st.text("abzAZ019-_", max_size=12))
def test_a_language_is_spelt_alike(ask, tag):
    try:
        expected = rules.normal_tag(tag)
    except ValueError:
        expected = ""
    assert ask("normal", tag) == expected


def draft(content, platform="", language=""):
    return {"edit": 1, "variant": 0, "platform": platform, "language": language, "names": ["A"], "contents": [content]}


BASE = {"title": "Sale", "body": "Now", "actions": [], "locales": {"pl": {"title": "Wyprzedaż"}}, "ios": {"body": "i"}}


def test_a_layer_says_only_what_differs(ask):
    inner = draft(BASE, "ios", "pl")
    assert ask("own", inner, "title") is None
    assert ask("inherited", inner, "title") == "Wyprzedaż"
    assert ask("inherited", inner, "body") == "i"
    changed = ask("put", inner, "title", "Tylko iPhone")
    assert changed["edit"] == 2
    assert changed["contents"][0]["ios"] == {"body": "i", "locales": {"pl": {"title": "Tylko iPhone"}}}
    assert ask("own", changed, "title") == "Tylko iPhone"
    assert ask("put", changed, "title")["contents"][0]["ios"]["locales"] == {"pl": {}}
    assert ask("own", ask("put", inner, "title", ""), "title") == ""


def test_languages_come_and_go_in_every_layer(ask):
    added = ask("withLanguage", draft(BASE), "de")
    assert (ask("languages", added), added["language"]) == (["de", "pl"], "de")
    assert ask("missing", added, "de") == ["title", "body"]
    assert ask("missing", added, "pl") == ["body"]
    copied = ask("copied", added, "pl")
    assert copied["contents"][0]["locales"]["de"] == {"title": "Wyprzedaż", "body": "Now"}
    inner = ask("put", {**copied, "platform": "ios"}, "title", "de!")
    assert ask("says", inner["contents"][0], "ios", "de")
    gone = ask("withoutLanguage", inner, "de")
    assert (ask("languages", gone), gone["language"]) == (["pl"], "")
    assert gone["contents"][0]["ios"]["locales"] == {}
