"""The message form's table of fields, and what goes between browser and server."""

from dataclasses import asdict

import pytest

from backend.domain import content as rules
from backend.errors import FieldError
from backend.services import content
from backend.services.audience_languages import AudienceLanguages, Readers
from backend.services.inspector import Preview
from console.rows import content_fields, content_form
from console.rows.content_fields import FIELDS, GROUPS, table
from console.rows.content_form import FieldProblem
from console.rows.delivery_errors import sentence_of

PLATFORMS = ("ios", "android", "web")
OWN = {"ios": content.IosFields, "android": content.AndroidFields, "web": content.WebFields}
KINDS = {
    "text", "address", "words", "name", "picture", "number", "choice", "switch", "sound", "badge", "duration", "volume",
    "colour", "pattern", "light", "list", "map", "actions",
}  # fmt: skip


def test_every_field_of_a_content_is_in_the_form_and_no_other():
    common = set(content.Fields.model_fields)
    assert common == rules.FIELDS
    assert {row.name for row in FIELDS if not row.platform} == common
    for platform, model in OWN.items():
        assert {row.name for row in FIELDS if row.platform == platform} == set(model.model_fields) - common


def test_the_table_is_whole():
    names = [(row.platform, row.name) for row in FIELDS]
    assert len(names) == len(set(names))
    assert {row.kind for row in FIELDS} <= KINDS
    groups = {group.name: group for group in GROUPS}
    for row in FIELDS:
        assert groups[row.group].platform in ("", row.platform), row.name
        assert set(row.absent or {}) <= set(PLATFORMS) - {row.platform}, row.name
    assert len(table()["fields"]) == len(FIELDS)


@pytest.mark.parametrize("row", [row for row in FIELDS if row.kind == "choice"], ids=lambda row: row.name)
def test_choices_are_those_that_are_taken(row):
    for value, _ in row.options:
        content.parse_content({row.platform: {row.name: value}})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("variants[0].content.title", FieldProblem(field="title")),
        ("content.title", FieldProblem(field="title")),
        ("variants[1].content.locales.pt-BR.body", FieldProblem(1, "", "pt-BR", "body")),
        ("variants[0].content.android.locales.pl.title", FieldProblem(0, "android", "pl", "title")),
        ("variants[2].content.ios.title_loc_args[3]", FieldProblem(2, "ios", "", "title_loc_args[3]")),
        ("variants[0].content.actions[1].link", FieldProblem(field="actions[1].link")),
        ("variants[0].content.data.order.id", FieldProblem(field="data.order.id")),
        ("variants[0].content.web", FieldProblem(0, "web")),
        ("variants[0].content", FieldProblem()),
    ],
)
def test_a_refusal_finds_its_field_in_its_layer(path, expected):
    (found,) = content_form.problems_of([FieldError(path, "is odd")])
    assert asdict(found) | {"message": ""} == asdict(expected)
    assert found.message == "Is odd."


@pytest.mark.parametrize("path", ["name", "variants[0].weight", "audience.include[0]", "", "variants[0].contents"])
def test_what_is_about_no_content_is_left_to_others(path):
    assert content_form.problems_of([FieldError(path, "is odd")]) == ()


def test_a_mistake_in_a_text_is_at_its_character():
    (found,) = content_form.problems_of([FieldError("content.title", "is odd", at=3, length=5)])
    assert (found.at, found.length) == (3, 5)


@pytest.mark.parametrize(
    "sent", [None, [], "x", {"contents": "x"}, {"contents": [1, None]}, {"variant": "2", "names": 3}]
)
def test_whatever_a_browser_sends_becomes_a_draft(sent):
    found = content_form.parse_draft(sent)
    assert found.content == {}
    assert found.platform == found.language == ""


def test_a_draft_comes_back_as_it_was_given():
    made = [{"title": "Hi", "ios": {"locales": {"pl": {"title": "Cześć"}}}}, {"title": "B"}]
    given = content_form.draft_json(made, ["A", "B"], of="cmp_1", revision=2, variant=1)
    found = content_form.parse_draft(given)
    assert list(found.contents) == made
    assert (found.of, found.names, found.variant, found.content) == ("cmp_1", ("A", "B"), 1, {"title": "B"})
    assert found.edit == 2 * content_form.EDITS


def test_what_cannot_be_filled_in_is_marked_in_the_layer_that_says_it():
    texts = {"title": "Hi", "body": "x", "locales": {"pl": {"title": "a"}}, "ios": {"body": "b", "locales": {"pl": {}}}}
    sent = content_form.parse_draft({"contents": [texts]})
    chain = ("pl-PL", "pl", "en")

    def preview(platform: str, field: str) -> Preview:
        wrong = (FieldError(field, "is not known", at=4, length=2), FieldError("body", "is empty"))
        return Preview(platform, "apns", 4096, problems=wrong, chain=chain)

    found = content_form.filled_problems(
        sent, {"ios": preview("ios", "title"), "android": preview("android", "title"), "web": preview("web", "body")}
    )
    message = "Is not known."
    assert found == (
        FieldProblem(0, "", "pl", "title", message, 4, 2),
        FieldProblem(0, "", "", "body", message, 4, 2),
    )
    (own,) = content_form.filled_problems(sent, {"ios": preview("ios", "body")})
    assert (own.platform, own.language) == ("ios", "")


def test_a_variable_named_in_a_sentence_is_written_as_in_the_text():
    assert sentence_of("user.name is not known here") == "user.name is not known here."
    assert sentence_of("must not be empty") == "Must not be empty."


def test_an_untitled_button_is_left_out_in_every_layer():
    buttons = [{"id": "a", "title": "Go"}, {"id": "b", "title": " "}]
    sent = {"contents": [{"actions": buttons, "locales": {"pl": {"actions": buttons}}, "web": {"actions": buttons}}]}
    found = content_form.parse_draft(sent).content
    assert [found["actions"], found["locales"]["pl"]["actions"], found["web"]["actions"]] == [buttons[:1]] * 3


def test_readers_of_languages_are_told_as_they_are():
    found = content_form.coverage_of(AudienceLanguages(3, (Readers(("pl-PL", "pl"), 2), Readers((), 1))))
    assert (found.devices, [(row.chain, row.devices) for row in found.rows]) == (3, [(("pl-PL", "pl"), 2), ((), 1)])


def test_platforms_are_the_products_own():
    assert {content_fields.IOS, content_fields.ANDROID, content_fields.WEB} == set(PLATFORMS)
