"""What the composer's frame says of a draft: its steps, its variants, and where two people collide."""

from datetime import UTC, datetime

import pytest

from backend.domain.three_way import ABSENT, Clash, Side
from backend.errors import FieldError
from backend.services import definition
from console.rows import experiment
from console.rows.clash import NOTHING, clash_lines, label_of, path_of, value_words
from console.rows.kept import laid_over
from console.rows.steps import DONE, MISSING, STEPS, WRONG, Whom, first_open, marks, step_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def made(**fields):
    content = {"title": "Hi", "body": "There"}
    given = {"name": "Sale", "audience": {"everyone": True}, "variants": [{"content": content}], **fields}
    return definition.to_json(definition.parse(given))


REACHED = Whom(5)


def judged(typed, errors=(), whom=REACHED, state="draft", saved=None):
    found = marks(typed, saved or typed, errors, whom, state=state, now=NOW)
    return {name: getattr(found, name) for name in STEPS}, first_open(found)


def test_a_written_draft_lacks_only_its_launch():
    found, opens = judged(made())
    assert {name: mark.state for name, mark in found.items()} == {
        **dict.fromkeys(("audience", "message", "experiment", "delivery"), DONE),
        "launch": MISSING,
    }
    assert (opens, found["launch"].note) == ("launch", "Check it, then launch")


def test_a_new_draft_opens_where_something_is_missing():
    blank = made(variants=[{"content": {"title": "", "body": ""}}])
    found, opens = judged(blank)
    assert (opens, found["message"].note, found["launch"].note) == (
        "message",
        "Write a title or a text",
        "1 step before it",
    )
    assert judged(blank, whom=Whom(0))[1] == "audience"


def test_a_step_says_what_it_lacks():
    two = made(variants=[{"content": {"title": "Hi"}}, {"content": {"title": ""}}])
    assert judged(two)[0]["message"].note == "B says nothing yet"
    silent = made(variants=[{"content": {"silent": True}}])
    assert judged(silent)[0]["message"].state == DONE
    only_ios = made(variants=[{"content": {"ios": {"title": "Hi"}}}])
    assert judged(only_ios)[0]["message"].state == DONE
    past = made(schedule={"kind": "at", "at": "2026-11-19T09:00:00+01:00"})
    assert judged(past)[0]["delivery"].note == "Its time has passed"
    assert judged(made(), whom=Whom(3, "Add a rule, or choose everyone."))[0]["audience"].state == WRONG
    assert judged(made(), state="active")[0]["launch"].state == DONE


def test_a_refused_field_makes_its_step_wrong_and_is_counted():
    errors = [FieldError("variants[0].content.title", "x"), FieldError("variants[0].content.ios.badge", "x")]
    found, opens = judged(made(), errors)
    assert (found["message"].state, found["message"].count, opens) == (WRONG, 2, "message")


def test_what_cannot_be_read_as_a_schedule_leaves_the_saved_one_to_be_told():
    typed = {**made(), "schedule": {"kind": "at", "at": None}}
    found, _ = judged(typed, [FieldError("schedule.at", "is required")], saved=made())
    assert found["delivery"].state == WRONG


@pytest.mark.parametrize(
    ("path", "step"),
    [
        ("audience.include", "audience"),
        ("variants[1].content.locales.pl.title", "message"),
        ("variants[1].content.name", "message"),
        ("variants[1].name", "experiment"),
        ("variants[0].weight", "experiment"),
        ("variants", "experiment"),
        ("holdout_percent", "experiment"),
        ("category", "message"),
        ("schedule.rrule", "delivery"),
        ("throttle_per_minute", "delivery"),
        ("name", ""),
    ],
)
def test_every_field_belongs_to_a_step(path, step):
    assert step_of(path) == step


def test_shares_are_of_those_who_get_something():
    variants = [{"name": "A", "weight": 1, "content": {"title": "Hi"}}, {"name": "B", "weight": 3, "content": {}}]
    lines = experiment.variant_lines(made(variants=variants, holdout_percent=20))
    assert [(line.share, line.whole, line.said) for line in lines] == [("25.0%", "20.0%", "Hi"), ("75.0%", "60.0%", "")]
    assert (lines[0].first, lines[0].last, lines[1].last) == (True, False, True)


def test_variants_are_copied_up_to_eight_and_never_all_removed():
    variants = made()["variants"]
    for _ in range(10):
        variants = experiment.added(variants, 0)
    assert [one["name"] for one in variants] == list("ABCDEFGH")
    assert variants[7]["content"] == variants[0]["content"] is not variants[7]["content"]
    assert [one["name"] for one in experiment.moved(variants, "C", -1)][:3] == ["A", "C", "B"]
    assert experiment.moved(variants, "A", -1) == experiment.moved(variants, "H", 1) == variants
    for name in "ABCDEFGH":
        variants = experiment.removed(variants, name)
    assert [one["name"] for one in variants] == ["H"]


@pytest.mark.parametrize(
    ("typed", "weight"), [("7", 7), (50.0, 50), (" 3 ", 3), ("much", "much"), ("", ""), ("²", "²")]
)
def test_a_weight_that_is_no_number_is_left_to_the_service(typed, weight):
    assert experiment.weight_of(typed) == weight


@pytest.mark.parametrize(
    ("path", "label"),
    [
        (("name",), "Campaign name"),
        (("schedule",), "Schedule"),
        (("variants", "B"), "Words, variant B"),
        (("variants", "B", "content", "title"), "Title, variant B"),
        (("variants", "B", "content", "ios", "locales", "pl", "body"), "Body on iOS in pl, variant B"),
        (("variants", "B", "content", "locales", "pl"), "Words in pl, variant B"),
        (("variants", "B", "content", "data", "sku"), "Custom data sku, variant B"),
    ],
)
def test_a_field_has_a_name_that_people_know(path, label):
    assert label_of(path, 2) == label
    assert label_of(path, 1) == (label.removesuffix(", variant B") if len(path) > 2 else label)


def test_values_are_told_in_words():
    assert value_words(("variants", "A", "content", "title"), None) == NOTHING
    assert value_words(("variants", "A", "content", "locales", "pl"), ABSENT) == NOTHING
    assert value_words(("ignore_caps",), True) == "Yes"
    assert value_words(("schedule",), {"kind": "now"}) == "At once"
    assert value_words(("audience",), made()["audience"]) == "Everyone"
    assert value_words(("variants", "A", "content", "actions"), [{"title": "Buy"}, {"title": "Later"}]) == "Buy · Later"
    assert value_words(("variants", "B"), made()["variants"][0]).startswith("Title: Hi\nBody: There")


def test_a_line_is_found_again_by_its_key():
    path = ("variants", "A", "content", "title")
    (line,) = clash_lines([Clash(path, "Mine", "Theirs")], {path: Side.MINE}, 1)
    assert (path_of(line.key), line.chosen) == (path, "mine")
    assert path_of("nothing") == path_of("7") == ()


def test_typing_undoes_nothing_that_came_in_meanwhile():
    def variants(**fields):
        return [{"name": "A", "weight": 1, "template_id": None, "content": {"title": "Hi", "body": "There", **fields}}]

    known, typed = variants()[0]["content"], variants(title="Hello")[0]["content"]
    assert laid_over(variants(body="Theirs"), ["A"], [known], [typed]) == variants(title="Hello", body="Theirs")
    assert laid_over(variants(title="Theirs"), ["A"], [known], [typed]) == variants(title="Hello")
    renamed = [{**variants()[0], "name": "Control"}]
    assert laid_over(renamed, ["A"], [known], [typed])[0]["content"]["title"] == "Hello"
    template = [{**variants()[0], "template_id": "tpl_1", "content": None}]
    assert laid_over(template, ["A"], [{}], [{}]) == template
