"""Fields that go wrong together, links that an app does not allow, and where a browser's push leads without one."""

from typing import Any

import orjson
import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.domain.content import Wording
from backend.domain.message import Address, Message
from backend.domain.vocabulary import AddressKind, Platform, ProviderName
from backend.errors import Invalid, TemplateError
from backend.providers import webpush
from backend.services import apps, campaigns, content_rules, rendering, runs, templates
from backend.services.apps import AppRow
from backend.services.content import parse_content
from backend.services.rendering import Links
from backend.simulator import declarative
from tests.factories import definition
from tests.services.test_templates_render import ENVELOPE, VARIABLES

SHOP = frozenset({"shop", "x-shop"})


def wrong(content: dict[str, Any], schemes: frozenset[str] = SHOP) -> dict[str, str]:
    return {one.field: one.message for one in content_rules.problems(parse_content(content), schemes, "content")}


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ({"link": "shop://a", "actions": [{"id": "a", "title": "x", "link": "HTTPS://x.example"}]}, []),
        ({"link": "SHOP:a", "locales": {"pl": {"link": "x-shop:1"}}}, []),
        ({"link": "other://a"}, ["link"]),
        ({"actions": [{"id": "a", "title": "x"}, {"id": "b", "title": "x", "link": "tel:1"}]}, ["actions[1].link"]),
        ({"locales": {"pl": {"link": "other:a"}}, "web": {"link": "mailto:a@x.example"}}, ["locales.pl.link", "web.link"]),
        ({"ios": {"locales": {"pl": {"actions": [{"id": "a", "title": "x", "link": "o:1"}]}}}}, ["ios.locales.pl.actions[0].link"]),
        ({"link": "other://{{ user.id }}"}, ["link"]),
        ({"link": "shop://{{ user.id }}"}, []),
        ({"link": "{{ user.link | default('') }}"}, []),
        ({"ios": {"title_loc_args": ["x"]}}, ["ios.title_loc_args"]),
        ({"ios": {"title_loc_args": ["x"], "title_loc_key": "T", "body_loc_args": [], "subtitle_loc_args": ["y"]}}, ["ios.subtitle_loc_args"]),
        ({"android": {"body_loc_key": "B", "locales": {"pl": {"body_loc_args": ["x"]}}}}, []),
        ({"android": {"locales": {"pl": {"body_loc_args": ["x"]}, "de": {"body_loc_key": "B"}}}}, ["android.locales.pl.body_loc_args"]),
        ({"android": {"body_loc_key": "B", "body_loc_args": ["x"], "locales": {"pl": {"body_loc_key": None}}}}, ["android.body_loc_args"]),
        ({"data": {"title": "x"}}, []),
        ({"data": {"title": "x"}, "android": {"mode": "data"}}, ["data.title"]),
        ({"data": {"title": "x"}, "silent": True, "android": {"mode": "data"}}, []),
        ({"data": {"k": "x"}, "android": {"mode": "data", "data": {"tag": "x", "sound": "y"}}}, ["android.data.tag", "android.data.sound"]),
        ({"locales": {"pl": {"data": {"badge": 1}}}, "android": {"mode": "data"}}, ["locales.pl.data.badge"]),
        ({"data": {"body": "x"}, "android": {"locales": {"pl-PL": {"mode": "data"}}}}, ["data.body"]),
    ],
)  # fmt: skip
def test_what_goes_wrong_together_is_named(content: dict[str, Any], fields: list[str]):
    assert [*wrong(content)] == [f"content.{field}" for field in fields]


def test_an_app_without_schemes_opens_whatever_is_harmless():
    assert wrong({"link": "other://a"}, frozenset()) == {}
    assert wrong({"link": "other://a"}) == {
        "content.link": "must not be a other: link: this app allows https, shop, x-shop"
    }


def rendered(content: dict[str, Any], platform: Platform = Platform.WEB, links: Links = Links()) -> Message:  # noqa: B008
    envelope = rendering.Envelope("m", "t", "i", ENVELOPE.now, links=links)
    return rendering.render(
        Wording(parse_content(content)), platform=platform, locales=(), variables=VARIABLES, envelope=envelope
    )


@pytest.mark.parametrize("field", ["link", "actions[0].link"])
def test_a_link_that_comes_out_wrong_stops_the_push(field: str):
    link = "{{ 'other' + '://' + user.id }}"
    content = {"title": "x", "link": link} if field == "link" else {"title": "x", "actions": [{"id": "a", "title": "x", "link": link}]}  # fmt: skip
    assert rendered(content)
    with pytest.raises(TemplateError, match="other: link") as caught:
        rendered(content, links=Links(SHOP))
    assert caught.value.field == field


def test_a_browsers_push_without_a_link_leads_to_the_website():
    links = Links(website="https://shop.example/")
    address = Address(ProviderName.WEBPUSH, AddressKind.SUBSCRIPTION, "https://push.example/0")
    for content in ({"title": "x"}, {"title": "x", "link": "{{ user.no | default('') }}"}):
        assert (rendered(content).link, rendered(content, Platform.IOS, links).link) == (None, None)
        message = rendered(content, links=links)
        body = webpush.encode(message, address)
        assert orjson.loads(body)["notification"]["navigate"] == "https://shop.example/"
        assert declarative.read(body, "x").visible
    assert rendered({"title": "x", "link": "https://x.example/a"}, links=links).link == "https://x.example/a"


def test_a_campaign_is_held_to_its_apps_links_at_save_at_launch_and_when_rendered(core: Core, app: AppRow):
    def saying(link: str) -> dict[str, Any]:
        return definition(variants=[{"name": "A", "weight": 1, "content": {"title": "x", "link": link}}])

    with core.work(OPERATOR, app.number) as work:
        before = campaigns.create(work, saying("other://a")).row.id
        kept = templates.create(work, "t", {"link": "other://a"}).id
        apps.update_app(work, app.number, link_schemes=["shop"], website="https://shop.example/")
        for call in (
            lambda: campaigns.create(work, saying("other://a")),
            lambda: campaigns.launch(work, before),
            lambda: campaigns.create(work, definition(variants=[{"name": "A", "template_id": kept}])),
        ):
            with pytest.raises(Invalid) as caught:
                call()
            assert [one.field for one in caught.value.errors] == ["variants[0].content.link"]
        with pytest.raises(Invalid, match=r"content\.link"):
            templates.save(work, kept, content={"link": "other://b"})
        assert campaigns.create(work, saying("shop://a"))
        context = runs.bare(work, parse_content({"title": "x"}))
        assert context.links == Links(frozenset({"shop"}), "https://shop.example/")
