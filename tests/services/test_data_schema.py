"""What a template's data has to hold: a closed part of JSON Schema, checked at save and at send."""

import time
from typing import Any

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Invalid
from backend.services import campaigns, data_schema, messages, templates
from backend.services.apps import AppRow
from backend.services.credentials import add_credential
from tests.api.test_routes import subscription
from tests.factories import definition
from tests.services.test_triggers import schedule

ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["order"],
    "properties": {
        "order": {
            "type": "object",
            "required": ["id", "total"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string", "minLength": 2, "maxLength": 8},
                "total": {"type": "number", "exclusiveMinimum": 0},
                "at": {"type": "string", "format": "date-time"},
                "day": {"format": "date"},
                "state": {"enum": ["paid", "sent"]},
                "items": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": ["string", "null"]}},
            },
        },
        "any": True,
        "one": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"x": {}}}]},
    },
}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"order": {"id": "A-1", "total": 5}}, {}),
        ({}, {"data.order": "is required"}),
        ({"order": {"id": "A-1"}}, {"data.order.total": "is required"}),
        ({"order": {"total": "5"}}, {"data.order.id": "is required", "data.order.total": "must be number"}),
        ({"order": {"id": "A", "total": 0}}, {"data.order.id": "has fewer than 2 characters", "data.order.total": "must be more than 0"}),
        ({"order": {"id": "A-1", "total": 5, "x": 1}}, {"data.order.x": "must not be there"}),
        ({"order": {"id": "A-1", "total": 5, "items": ["a", None, 1]}},
         {"data.order.items": "has more than 2 entries", "data.order.items[2]": "must be string or null"}),
        ({"order": {"id": "A-1", "total": 5, "at": "2026-01-01"}}, {"data.order.at": "must be a date-time"}),
        ({"order": {"id": "A-1", "total": 5, "at": "2026-01-01T00:00:00Z", "day": "2026-13-01"}}, {"data.order.day": "must be a date"}),
        ({"order": {"id": "A-1", "total": 5, "state": "lost"}}, {"data.order.state": "must be one of paid, sent"}),
        ({"order": {"id": "A-1", "total": 5}, "one": 5}, {"data.one": "fits none of the forms that it may have"}),
        ([], {"data": "must be an object"}),
        ({"x": "x" * 20_000}, {"data": "is larger than 16384 bytes of JSON"}),
        ({"x": [1] * 1001}, {"data": "holds more than 1000 values"}),
    ],
)  # fmt: skip
def test_data_is_held_to_its_schema(data: Any, told: dict[str, str]):
    assert {one.field: one.message for one in data_schema.problems(ORDER, data)} == told


def nested(depth: int) -> dict[str, Any]:
    return {"properties": {"a": nested(depth - 1)}} if depth else {}


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ({"$ref": "https://evil.example/schema"}, "s.$ref"),
        ({"$dynamicRef": "#x"}, "s.$dynamicRef"),
        ({"$defs": {}}, "s.$defs"),
        ({"$id": "https://x.example"}, "s.$id"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "s.$schema"),
        ({"properties": {"a": {"pattern": "(a+)+$"}}}, "s.properties.a.pattern"),
        ({"patternProperties": {"(a+)+$": {}}}, "s.patternProperties"),
        ({"properties": {"a": {"uniqueItems": True}}}, "s.properties.a.uniqueItems"),
        ({"properties": {"a": {"contains": {}}}}, "s.properties.a.contains"),
        ({"unevaluatedProperties": False}, "s.unevaluatedProperties"),
        ({"if": {}}, "s.if"),
        ({"not": {}}, "s.not"),
        ({"dependentSchemas": {}}, "s.dependentSchemas"),
        ({"properties": {"a": {"format": "regex"}}}, "s.properties.a.format"),
        ({"properties": {"a": {"type": "text"}}}, "s.properties.a.type"),
        ({"properties": {"a": {"minimum": "1"}}}, "s.properties.a.minimum"),
        ({"properties": []}, "s.properties"),
        ({"required": "id"}, "s.required"),
        ({"type": "array"}, "s.type"),
        ({"properties": {"a": 5}}, "s.properties.a"),
        ({"items": [{"type": "string"}]}, "s.items"),
        ({"anyOf": [5]}, "s.anyOf[0]"),
        ({"anyOf": []}, "s.anyOf"),
        (nested(9), "s" + ".properties.a" * 9),
        ({"properties": {str(number): {} for number in range(100)}}, "s"),
        ({"title": "x" * 20_000}, "s"),
        ({"properties": {"a": object()}}, "s"),
    ],
)
def test_what_could_loop_fetch_or_be_misread_is_no_schema_here(schema: dict[str, Any], field: str):
    with pytest.raises(Invalid) as caught:
        data_schema.checked(schema, "s")
    assert caught.value.errors[0].field == field


def test_the_largest_schema_and_data_are_quickly_done_with():
    parts = {"anyOf": [{"type": "string", "maxLength": 1}, *({"enum": [number]} for number in range(90))]}
    schema = data_schema.checked({"properties": {"a": {"items": parts}}})
    begun = time.process_time()
    assert data_schema.problems(schema, {"a": list(range(100, 1090))})
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("order", True), ("order.id", True), ("order.nope", False), ("order.id.x", True), ("nope", False),
        ("any.thing", True), ("one.x", True), ("one.y", False), ("order.items.x", True),
    ],
)  # fmt: skip
def test_a_schema_knows_what_it_names(path: str, there: bool):
    assert data_schema.declares(ORDER, path.split(".")) is there


def test_what_a_text_reads_beside_its_schema_is_a_warning(core: Core, app: AppRow):
    content = {
        "title": "{{ data.order.id }} {{ data.name | default('x') }}",
        "locales": {"pl": {"body": "{{ data['order'].vat | default(0) }} {{ user.name }}"}},
    }
    with core.work(OPERATOR, app.number) as work:
        made = templates.create(work, "Order", content, ORDER)
        told = [(one.field, one.message, one.at, one.length) for one in made.warnings]
        assert told == [
            ("content.title", "reads data.name, which data_schema does not name", 23, 9),
            ("content.locales.pl.body", "reads data.order.vat, which data_schema does not name", 3, 17),
        ]
        assert templates.get(work, made.id).warnings == made.warnings
        assert templates.create(work, "Free", content).warnings == ()


def test_a_message_is_held_to_its_templates_schema(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        add_credential(work, "webpush", {"subject": "mailto:push@shop.example"})
        made = templates.create(work, "Order", {"title": "Order {{ data.order.id }}"}, ORDER)
        to = {"tokens": [subscription()]}
        for data, field in ((None, "data.order"), ({"order": {"id": 5, "total": 1}}, "data.order.id")):
            with pytest.raises(Invalid) as caught:
                messages.send(work, to, template_id=made.id, data=data)
            assert [one.field for one in caught.value.errors] == [field]
        with pytest.raises(Invalid, match="larger than"):
            messages.send(work, to, content={"title": "x"}, data={"x": "x" * 20_000})
        sent = messages.send(work, to, template_id=made.id, data={"order": {"id": "A-1", "total": 1}})
        assert len(sent.deliveries) == 1
        assert [one.field for one in templates.problems_of(work, made.id, {})] == ["data.order"]


def test_a_campaign_alone_cannot_give_the_data_that_a_template_needs(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        made = templates.create(work, "Order", {"title": "Order {{ data.order.id }}"}, ORDER)
        variants = [{"name": "A", "template_id": made.id}]
        draft = campaigns.create(work, definition(variants=variants)).row.id
        with pytest.raises(Invalid, match=r"template_id: needs data\.order, which only an event or the API gives"):
            campaigns.launch(work, draft)
        campaigns.update(work, draft, {"schedule": schedule("order")})
        campaigns.launch(work, draft)


def test_of_very_many_mistakes_the_first_are_told():
    schema = {"properties": {"a": {"items": {"type": "string"}}}}
    assert len(data_schema.problems(schema, {"a": [1] * 900})) == data_schema.MAX_TOLD
