"""What the message form works out in the browser: its expressions are the template language's."""

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
from backend.services import template_engine as engine
from backend.services.content import parse_content
from console.rows.variable_menu import _TAKES

SCRIPT = Path(__file__).parents[2] / "assets" / "message_words.js"
DRIVER = """
const source = require("fs").readFileSync(process.argv[1], "utf8");
import("data:text/javascript," + encodeURIComponent(source)).then((words) => {
  require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const { verb, given } = JSON.parse(line);
    const plain = (key, value) => (value instanceof Map ? Object.fromEntries(value) : value);
    console.log(JSON.stringify(words[verb](...given), plain));
  });
});
"""


@pytest.fixture(scope="module")
def ask():
    """Calls a function of the script."""
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


def filled(source: str, **user: Any) -> str:
    return engine.fill(source, engine.context({"user": user}, "en"))


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@settings(max_examples=200, deadline=None)
@given(fallback=words.filter(bool))
def test_any_fallback_is_said_as_it_was_typed(ask, fallback):
    made = ask("expression", "user.nick", fallback, [])
    parse_content({"title": made})
    assert filled(made) == fallback
    assert filled(made, nick="Ann") == "Ann"


def test_filters_are_written_with_what_they_take(ask):
    for name, takes in _TAKES.items():
        arguments = [ask("literal", one.preset, one.kind) for one in takes]
        parse_content({"title": ask("expression", "user.x", "", [{"name": name, "given": arguments}])})
    made = ask("expression", "user.x", "none", [{"name": "truncate", "given": ["5"]}, {"name": "upper", "given": []}])
    assert (made, filled(made, x="abcdefgh")) == ("{{ user.x | default('none') | truncate(5) | upper }}", "ABCD…")


@settings(max_examples=100, deadline=None)
@given(value=words, test=st.sampled_from(["is", "not"]))
def test_a_part_is_only_for_those_of_whom_it_is_true(ask, value, test):
    made = ask("condition", "user.plan", "text", test, value, "yes", "no")
    parse_content({"title": made})
    assert filled(made, plan=value) == ("yes" if test == "is" else "no")
    assert filled(made, plan=value + "x") == ("no" if test == "is" else "yes")
    assert filled(made) == "no"


def test_numbers_and_yes_or_no_have_conditions_of_their_own(ask):
    over = ask("condition", "user.ltv", "number", "over", "100", "VIP", "")
    assert [filled(over, ltv=101), filled(over, ltv=100), filled(over)] == ["VIP", "", ""]
    known = ask("condition", "user.ltv", "number", "known", "", "a", "b")
    assert [filled(known, ltv=0), filled(known)] == ["a", "b"]
    not_pro = ask("whether", "user.pro", False, "join", "hello")
    assert [filled(not_pro, pro=False), filled(not_pro, pro=True), filled(not_pro)] == ["join", "hello", "hello"]


def test_marks_stand_at_characters_though_a_browser_counts_otherwise(ask):
    text = "🔥🔥 {{ user.nope }} x"
    found = ask("pieces", text, [{"at": 3, "length": 15}], [21])
    assert [one["text"] for one in found if one["wrong"]] == ["{{ user.nope }}"]
    assert [one["text"] for one in found if one["variable"]] == ["{{ user.nope }}"]
    assert [one["text"] for one in found if one["cut"]] == ["x"]
    assert "".join(one["text"] for one in found) == text
    assert ask("pieces", "ab", [{"at": 9, "length": 9}, {"at": -1, "length": 0}], [-1, 9]) == [
        {"text": "ab", "variable": False, "wrong": False, "cut": False}
    ]


def test_devices_read_what_they_would_be_sent(ask):
    rows = [(("pl-PL", "pl"), 5), (("de-DE", "de", "pl"), 3), (("fr",), 2), (("en-GB", "en"), 7), ((), 1)]
    coverage = {"devices": 18, "rows": [{"chain": chain, "devices": devices} for chain, devices in rows]}
    found = ask("readers", ["pl"], "en", coverage)
    assert found == {"read": {"pl": 8, "": 10}, "lacking": [["fr", 2]], "of": 18}
    spoken = {"locales": {"pl": {}}}
    for chain, _ in rows:
        assert (rules.chosen_locale(spoken, "ios", (*chain, "en")) == "pl") == ("pl" in chain)
