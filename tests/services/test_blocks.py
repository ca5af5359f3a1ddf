"""Blocks: texts that contents share, put in at launch, never left behind."""

from typing import Any

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR, Work
from backend.errors import Conflict, Invalid, NotFound, TemplateError
from backend.queries import campaigns as stored
from backend.services import apps, audit, blocks, campaigns, messages, runs, subscribers, templates
from backend.services.apps import AppRow
from backend.services.content import parse_content
from backend.services.credentials import add_credential
from tests.api.test_routes import subscription
from tests.factories import definition


def saying(content: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return definition(variants=[{"name": "A", "weight": 1, "content": content}], **changes)


def footer(work: Work) -> blocks.BlockRow:
    return blocks.create(
        work, "footer", "Yours, {{ app.name }}", {"pl": "Wasz {{ app.name }}", "pt_br": "Da {{ app.name }}"}
    )


def test_a_blocks_life(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        made = footer(work)
        assert (made.name, made.locales) == ("footer", {"pl": "Wasz {{ app.name }}", "pt-BR": "Da {{ app.name }}"})
        other = blocks.create(work, "legal_2", "T&C apply")
        assert [one.name for one in blocks.listing(work).items] == ["legal_2", "footer"]
        page = blocks.listing(work, limit=1)
        assert [one.id for one in blocks.listing(work, limit=1, cursor=page.next).items] == [made.id]
        assert [one.name for one in blocks.listing(work, search="FOOT").items] == ["footer"]
        changed = blocks.save(work, made.id, text="Bye")
        assert (changed.text, dict(changed.locales), changed.updated_by != "") == ("Bye", dict(made.locales), True)
        assert blocks.save(work, made.id, locales={}).locales == {}
        blocks.delete(work, other.id)
        with pytest.raises(NotFound):
            blocks.get(work, other.id)
        actions = [one.action for one in audit.listing(work).items if one.action.startswith("block")]
        assert actions == ["block.deleted", "block.changed", "block.changed", "block.created", "block.created"]


@pytest.mark.parametrize(
    ("name", "text", "locales", "field", "at"),
    [
        ("Footer", "x", {}, "name", None),
        ("_x", "x", {}, "name", None),
        ("x" * 65, "x", {}, "name", None),
        ("x", " ", {}, "text", None),
        ("x", "ok {{ user.a() }}", {}, "text", 6),
        ("x", "{% if user.a %}", {}, "text", 13),
        ("x", "and {{ block.y }}", {}, "text", 4),
        ("x", "ż" * 4097, {}, "text", None),
        ("x", "x", {"pl": "{{ who }}"}, "locales.pl", 3),
        ("x", "x", {"not a tag": "x"}, "locales.not a tag", None),
        ("x", "x", {f"a{number}": "x" for number in range(101)}, "locales", None),
    ],
)
def test_nothing_wrong_is_kept(sqlite_core: Core, name: str, text: str, locales: dict, field: str, at: int | None):
    with sqlite_core.work(OPERATOR) as work:
        number = apps.create_app(work, slug="shop").number
    with pytest.raises(Invalid) as caught, sqlite_core.work(OPERATOR, number) as work:
        blocks.create(work, name, text, locales)
    assert (caught.value.errors[0].field, caught.value.errors[0].at) == (field, at)


def test_a_name_is_one_apps_own(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other").number
    with core.work(OPERATOR, app.number) as work:
        mine = footer(work)
        with pytest.raises(Conflict):
            footer(work)
    with core.work(OPERATOR, other) as work:
        footer(work)
        for call in (blocks.get, blocks.delete, blocks.uses, blocks.save):
            with pytest.raises(NotFound):
                call(work, mine.id)


def test_each_layer_gets_its_own_language(core: Core, app: AppRow):
    content = {
        "title": "{{ block.footer }}",
        "data": {"locales": "{{ block.footer }}", "n": "1"},
        "actions": [{"id": "a", "title": "x {{- block.footer }}!"}],
        "locales": {"pl": {"title": "Cześć. {{ block.footer }}"}, "de": {"title": "{{ block.footer }}"}},
        "android": {"ticker": "{{ block.footer }}", "locales": {"pt-BR": {"title": "{{block.footer}}"}}},
    }
    with core.work(OPERATOR, app.number) as work:
        footer(work)
        made = blocks.expand(work, parse_content(content))
    assert made["title"] == made["data"]["locales"] == made["android"]["ticker"] == "Yours, {{ app.name }}"
    assert made["actions"][0]["title"] == "xYours, {{ app.name }}!"
    assert made["locales"]["pl"]["title"] == "Cześć. Wasz {{ app.name }}"
    assert made["locales"]["de"]["title"] == "Yours, {{ app.name }}"
    assert made["android"]["locales"]["pt-BR"]["title"] == "Da {{ app.name }}"
    assert (made["data"]["n"], made["sound"]) == ("1", "default")


def test_a_text_that_shows_braces_is_left_alone(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        footer(work)
        content = {"title": "{% raw %}{{ block.footer }}{% endraw %}", "body": "{{ '{{ block.footer }}' }}"}
        assert blocks.expand(work, content) == content


@pytest.mark.parametrize(
    ("content", "field", "at", "length"),
    [
        ({"title": "Hi {{ block.nope }}"}, "title", 3, 16),
        ({"title": "x", "ios": {"locales": {"pl": {"body": "{{ block.nope }}"}}}}, "ios.locales.pl.body", 0, 16),
        ({"title": "{{ block.long }}!{{ block.long }}"}, "title", 0, 33),
        ({"title": "{{ block.half }}{ x }}"}, "title", 18, 1),
    ],
)
def test_a_block_that_is_not_there_or_does_not_fit_is_named(
    core: Core, app: AppRow, content: dict[str, Any], field: str, at: int, length: int
):
    with core.work(OPERATOR, app.number) as work:
        blocks.create(work, "long", "x" * 5000)
        blocks.create(work, "half", "a {")
        for path, call in (
            ("variants[0].content", lambda: campaigns.create(work, saying(content))),
            ("content", lambda: templates.create(work, "t", content)),
        ):
            with pytest.raises(Invalid) as caught:
                call()
            (wrong,) = caught.value.errors
            assert (wrong.field, wrong.at, wrong.length) == (f"{path}.{field}", at, length), wrong.message


def test_a_launch_keeps_the_text_that_it_had(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        block = footer(work)
        kept = templates.create(work, "t", {"title": "T {{ block.footer }}"})
        variants = [
            {"name": "A", "content": {"title": "Hi. {{ block.footer }}"}},
            {"name": "B", "template_id": kept.id},
        ]
        made = campaigns.create(work, definition(variants=variants)).row.id
        blocks.save(work, block.id, text="Ciao")
        campaigns.launch(work, made)
        blocks.save(work, block.id, text="Later")
        campaign = campaigns.find(work, made)
        frozen = stored.revision(work.session, campaign.revision_id).definition["variants"]
        assert [one["content"]["title"] for one in frozen] == ["Hi. Ciao", "T Ciao"]
        shown = [one.on("ios", ())[0]["title"] for one in runs.draft(work, campaign).wordings]
        assert shown == ["Hi. Later", "T Later"], "a draft reads the block as it is now"
        bare = runs.bare(work, parse_content({"title": "{{ block.footer }}"}))
        assert bare.wordings[0].on("ios", ())[0]["title"] == "Later"


def test_what_goes_wrong_within_a_block_is_marked_where_its_name_stands(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        blocks.create(work, "greeting", "Dear {{ user.nick }},")
        context = runs.bare(work, {"title": "żó {{ block.greeting }} {{ user.other }}", "android": {}})
        text = context.wordings[0].on("ios", ())[0]["title"]
        filling = {"platform": "ios", "locales": (), "envelope": templates.Envelope("m", "t", "i", work.now)}
        with pytest.raises(TemplateError, match=r"user\.nick is not known") as caught:
            templates.render(context.wordings[0], variables={}, **filling)
        assert (caught.value.at, caught.value.length) == (3, 20)
        with pytest.raises(TemplateError, match=r"user\.other") as caught:
            templates.render(context.wordings[0], variables={"user": {"nick": "A"}}, **filling)
        assert (caught.value.at, caught.value.length) == (27, 10)
        assert text.startswith("żó Dear")


def test_a_block_in_use_stays_and_says_by_what(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        block = footer(work)
        kept = templates.create(work, "Kept", {"title": "{{ block.footer }}"})
        through = campaigns.create(
            work, definition(name="Through", variants=[{"name": "A", "template_id": kept.id}])
        ).row.id
        own = campaigns.create(work, saying({"title": "x", "web": {"body": "{{block.footer}}"}}, name="Own")).row.id
        campaigns.create(work, saying({"title": "block.footer, {% raw %}{{ block.footer }}{% endraw %}"}, name="Not"))
        used = blocks.uses(work, block.id)
        assert [(one.kind, one.name, one.frozen) for one in used] == [
            ("campaign", "Own", False),
            ("campaign", "Through", False),
            ("template", "Kept", False),
        ]
        assert [(one.kind, one.id) for one in templates.uses(work, kept.id)] == [("campaign", through)]
        with pytest.raises(Conflict, match="the campaign 'Own', the campaign 'Through', the template 'Kept'"):
            blocks.delete(work, block.id)
        campaigns.delete(work, own)
        campaigns.delete(work, through)
        templates.archive(work, kept.id)
        blocks.delete(work, block.id)
        assert blocks.every(work) == ()


def test_a_message_by_api_has_its_blocks_put_in(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        add_credential(work, "webpush", {"subject": "mailto:push@shop.example"})
        subscribers.ensure_user(work, "ann")
        footer(work)
        messages.send(work, {"tokens": [subscription()]}, content={"title": "{{ block.footer }}"})
        with pytest.raises(Invalid, match="no block"):
            messages.send(work, {"tokens": [subscription()]}, content={"title": "{{ block.nope }}"})
        carrier = stored.message_carrier(work.session, app.number)
        revision = stored.revision(work.session, 1)
        assert carrier is not None
        assert revision.definition["variants"][0]["content"]["title"] == "Yours, {{ app.name }}"
