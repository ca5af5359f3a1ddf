"""What one device is shown: layers, languages, and text that is fit to be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.content import chosen_locale, clean, image_problem, link_problem, locale_chain, normal_tag, resolve
from backend.domain.vocabulary import Platform

CONTENT = {
    "title": "base",
    "body": "base body",
    "data": {"a": "1", "b": "1"},
    "actions": [{"id": "x", "title": "X"}],
    "locales": {"pl": {"title": "pl", "data": {"b": "2"}}, "pt": {"title": "pt"}, "pt-BR": {"body": "pt-BR body"}},
    "ios": {
        "title": "ios",
        "data": {"c": "3"},
        "interruption_level": "active",
        "locales": {"pl": {"title": "ios pl", "actions": [], "interruption_level": "passive"}},
    },
    "android": {"channel_id": "promo"},
    "web": {},
}


@pytest.mark.parametrize(
    ("platform", "locales", "title"),
    [
        (Platform.ANDROID, (), "base"),
        (Platform.ANDROID, ("de", "en"), "base"),
        (Platform.ANDROID, ("pl-PL", "pl", "en"), "pl"),
        (Platform.IOS, ("de", "en"), "ios"),
        (Platform.IOS, ("pl-PL", "pl", "en"), "ios pl"),
        (Platform.IOS, ("pt-BR", "pt", "en"), "ios"),
        (Platform.WEB, ("pt-BR", "pt", "en"), "pt"),
    ],
)
def test_a_layer_covers_the_ones_below(platform: Platform, locales: tuple[str, ...], title: str):
    assert resolve(CONTENT, platform, locales)["title"] == title


def test_maps_merge_and_lists_replace():
    shown = resolve(CONTENT, Platform.IOS, ("pl",))
    assert shown["data"] == {"a": "1", "b": "2", "c": "3"}
    assert shown["actions"] == []
    assert shown["options"] == {"interruption_level": "passive"}
    assert not {"locales", "ios", "android", "web"} & set(shown)


def test_resolving_changes_nothing_in_the_content():
    before = repr(CONTENT)
    resolve(CONTENT, Platform.IOS, ("pl",))
    assert repr(CONTENT) == before


def test_a_region_stands_on_its_language():
    shown = resolve(CONTENT, Platform.WEB, ("pt-BR", "pt", "en"))
    assert (shown["title"], shown["body"]) == ("pt", "pt-BR body")


def test_two_languages_never_mix():
    """The section speaks only English and the device Polish: its Polish text is not covered by English."""
    content = {"locales": {"pl": {"title": "pl"}}, "ios": {"locales": {"en": {"title": "en"}}}}
    assert resolve(content, Platform.IOS, ("pl", "en"))["title"] == "pl"
    assert chosen_locale(content, Platform.IOS, ("pl", "en")) == "pl"


def test_unspoken_languages_leave_the_base_which_is_in_the_last_one():
    assert chosen_locale(CONTENT, Platform.WEB, ("fr", "en")) == "en"
    assert chosen_locale(CONTENT, Platform.WEB, ()) == ""


@pytest.mark.parametrize(
    ("given_tags", "chain"),
    [
        (("pl-PL", "pl", "en"), ("pl-PL", "pl", "en")),
        (("pt_br", None, "en-GB"), ("pt-BR", "pt", "en-GB", "en")),
        (("zh-hant-tw", None, None), ("zh-Hant-TW", "zh-Hant", "zh")),
        (("not a tag", "", "en"), ("en",)),
        ((None, "de", "de"), ("de",)),
        (("en-US", "de", "en"), ("en-US", "en")),
        (("en-US", "de", "en-GB"), ("en-US", "en")),
        (("de", "en-GB", "en-GB"), ("de", "en-GB", "en")),
    ],
)
def test_the_chain_goes_from_the_device_to_the_app(given_tags: tuple[str | None, ...], chain: tuple[str, ...]):
    assert locale_chain(*given_tags) == chain


@pytest.mark.parametrize("tag", ["", "p", "pl_", "pl--PL", "x" * 40, "pl PL", "1a"])
def test_a_tag_must_be_one(tag: str):
    with pytest.raises(ValueError, match="is not a language tag"):
        normal_tag(tag)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\x00b\x07\x1b[31m", "ab[31m"),
        ("safe\u202egpj.exe", "safegpj.exe"),
        ("\u2066x\u2069\ufeff", "x"),
        ("half \ud83d", "half \ufffd"),
        ("a\r\nb\rc\u2028d\u0085e", "a\nb\nc\nd\ne"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("👨\u200d👩\u200d👧 \u200fשלום", "👨\u200d👩\u200d👧 \u200fשלום"),
    ],
)
def test_what_cannot_be_shown_goes(text: str, shown: str):
    assert clean(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_a_cleaned_text_stays_as_it_is_and_can_be_sent(text: str):
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    cleaned.encode()


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "vbscript:x",
        "file:///etc/passwd", "blob:https://x/1", "intent://x#Intent;end", "/relative", "//host/x", "", "https://",
        "https:///path", "http://[", "myapp", "https://x/\u202e", "https://x/" + "a" * 2050, "1a:x", " https://x.example",
    ],
)  # fmt: skip
def test_links_that_no_push_may_open(link: str):
    assert link_problem(link)


@pytest.mark.parametrize(
    "link", ["https://x.example/a b?q=ü#f", "http://x.example", "myapp://sale", "tel:+48123", "a+b-c.d:x"]
)
def test_links_that_a_push_may_open(link: str):
    assert link_problem(link) is None


def test_pictures_come_by_https():
    assert image_problem("https://x.example/a.png") is None
    assert image_problem("HTTPS://x.example/a.png") is None
    assert image_problem("http://x.example/a.png") == "must begin with https://"
    assert image_problem("https:a.png")
