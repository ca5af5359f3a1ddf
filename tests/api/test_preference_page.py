"""The preference page over real HTTP, as a browser without JavaScript uses it."""

import re
import string
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col

from backend import pages
from backend.api import create_api
from backend.bootstrap import Core
from backend.crypto import KeyRing
from backend.db import OPERATOR
from backend.domain import colour
from backend.models import App
from backend.services import (
    apps,
    categories,
    consents,
    ids,
    preference_history,
    preference_link,
    preferences,
    subscribers,
)
from backend.services.apps import AppRow
from backend.services.categories import CategoryIn
from backend.services.preferences import DevicePreferencesIn, PreferencesIn, QuietHours
from backend.services.subscribers import DeviceIn, DevicePatch, UserIn
from tests.api.served import served, within

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}{app}'
REQUESTS, AT_ONCE = 600, 20


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    return sqlite_core


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with within(_API) as base:
        yield base


_API = create_api(None)


@pytest.fixture
def site(core: Core, app: AppRow, address: str) -> Iterator[httpx.Client]:
    """A browser without JavaScript, at an API over this test's own core."""
    _API.state.core = core
    with httpx.Client(base_url=address, headers={"Accept-Language": "en"}) as client:
        yield client


@dataclass
class Person:
    """Somebody with two devices, and the path of their page."""

    number: int
    phone: str
    tablet: str
    path: str


@pytest.fixture
def ana(core: Core, app: AppRow) -> Person:
    with core.work(OPERATOR, app.number) as work:
        categories.create(work, CategoryIn(slug="digest", name="Digest", kind="marketing", description="On Mondays"))
        made = [
            subscribers.register_device(
                work, DeviceIn(platform="ios", token=f"{number:064x}", user_id="ana", model=model), trusted=True
            ).device.id
            for number, model in enumerate(["iPhone 17", "iPad Air"], 1)
        ]
        user = subscribers.ensure_user(work, "ana")
        return Person(user, *made, path(core, app, user))


def path(core: Core, app: AppRow, user: int, days: int = 30) -> str:
    with core.reading(OPERATOR, app.number) as work:
        return urlsplit(preference_link.make(work, user, days).url).path


@dataclass
class Form(HTMLParser):
    """The form of a page, and what a browser sends of it."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    _select: str | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "select":
            self._select = given["name"]
        elif tag == "option" and self._select and (self._select not in self.fields or "selected" in given):
            self.fields[self._select] = [given.get("value", "")]
        elif tag == "input" and (given["type"] not in ("checkbox", "radio") or "checked" in given):
            self.fields.setdefault(given["name"], []).append(given.get("value") or "")


def form_of(site: httpx.Client, where: str) -> dict[str, list[str]]:
    answer = site.get(where)
    assert answer.status_code == 200
    read = Form()
    read.feed(answer.text)
    return read.fields


def send(site: httpx.Client, where: str, **changes: list[str]) -> httpx.Response:
    """Sends the page's form with some fields changed, an empty list being a field that is not sent."""
    return site.post(where, data={**form_of(site, where), **changes}, follow_redirects=True)


def held(core: Core, app: AppRow, person: Person):
    with core.reading(OPERATOR, app.number) as work:
        history = preference_history.listing(work, person.number).items
        said = {(one.purpose, one.given, one.how) for one in consents.every(work, person.number)}
        return preferences.get(work, person.number), preferences.of_device(work, person.tablet), history, said


def test_a_form_sent_as_it_stands_changes_nothing(site, core, app, ana):
    answer = send(site, ana.path)
    assert answer.status_code == 200
    assert answer.history[0].status_code == 303
    assert pages.words()["en"]["saved"] in answer.text
    assert held(core, app, ana)[2:] == ((), set())


def test_each_choice_is_kept_with_its_consent_and_who_made_it(site, core, app, ana):
    at = datetime.now(UTC)
    send(
        site, ana.path,
        **{"c:marketing": [], f"d:{ana.tablet}:marketing": ["on"], "pause": ["week"], "quiet": ["own"],
           "start": ["21:30"], "end": ["07:00"], "day": ["fri", "sat"], "zone": ["Europe/Warsaw"]},
    )  # fmt: skip
    user, tablet, history, said = held(core, app, ana)
    assert user.categories == {"transactional": True, "updates": True, "marketing": False, "digest": True}
    assert user.quiet_hours == {"start": "21:30", "end": "07:00", "days": ["fri", "sat"], "timezone": "Europe/Warsaw"}
    assert timedelta(0) <= at + timedelta(days=7) - user.paused_until <= timedelta(minutes=1)
    assert tablet.holds["marketing"]
    assert not tablet.holds.get("nothing")
    assert {one.what for one in history} == {"category:marketing", "quiet_hours", "paused_until"}
    assert {one.by for one in history} == {"preference page"}
    assert {(one.device_id, one.before, one.after) for one in history if one.what == "category:marketing"} == {
        (None, None, False), (ana.tablet, None, True),
    }  # fmt: skip
    assert said == {("marketing", False, "Preference page"), ("marketing on iPad Air", True, "Preference page")}
    text = site.get(ana.path).text
    assert "Paused until" in text
    send(site, ana.path, **{"pause": ["off"], "quiet": ["never"], f"d:{ana.tablet}:marketing": ["follow"]})
    user, tablet, *_ = held(core, app, ana)
    assert (user.paused_until, user.quiet_hours["start"]) == (None, user.quiet_hours["end"])
    assert not tablet.holds["marketing"]


def test_a_form_that_was_open_takes_nothing_back_that_was_said_elsewhere(site, core, app, ana):
    stale = form_of(site, ana.path)
    with core.work(OPERATOR, app.number) as work:
        preferences.put(work, ana.number, PreferencesIn(categories={"marketing": False}))
    del stale["c:digest"]
    site.post(ana.path, data=stale)
    assert held(core, app, ana)[0].categories == {
        "transactional": True, "updates": True, "marketing": False, "digest": False,
    }  # fmt: skip


def test_everything_that_can_be_is_switched_off_at_once_on_every_device(site, core, app, ana):
    with core.work(OPERATOR, app.number) as work:
        preferences.put_device(work, ana.tablet, DevicePreferencesIn(categories={"marketing": True, "digest": False}))
    answer = send(site, ana.path, everything=["off"])
    assert pages.words()["en"]["saved"] in answer.text
    user, tablet, _, said = held(core, app, ana)
    nothing = {"transactional": True, "updates": False, "marketing": False, "digest": False}
    assert (user.categories, tablet.holds, tablet.categories["marketing"]) == (nothing, nothing, None)
    assert {(purpose, given) for purpose, given, _ in said} == {
        ("updates", False), ("marketing", False), ("digest", False),
    }  # fmt: skip


def test_the_apps_quiet_hours_hold_until_the_person_says_otherwise(site, core, app, ana):
    with core.work(OPERATOR) as work:
        night = [{"start": "23:00", "end": "06:00"}, {"start": "00:00", "end": "10:00", "days": ["sun"]}]
        work.session.execute(update(App).where(col(App.id) == app.number).values(quiet_hours=night))
    assert "23:00–06:00, Sun 00:00–10:00" in site.get(ana.path).text
    assert form_of(site, ana.path)["quiet"] == ["default"]
    send(site, ana.path, start=["01:00"])  # not chosen: still the app's
    assert held(core, app, ana)[0].quiet_hours is None
    send(site, ana.path, quiet=["never"])
    assert held(core, app, ana)[0].quiet_hours == {"start": "00:00", "end": "00:00", "timezone": None}
    send(site, ana.path, quiet=["default"])
    assert held(core, app, ana)[0].quiet_hours is None


@pytest.mark.parametrize(
    "wrong", [{"day": []}, {"start": ["25:00"]}, {"end": [""]}, {"zone": ["Mars/Olympus"]}, {"day": ["someday"]}]
)
def test_wrong_quiet_hours_are_said_and_nothing_is_kept(site, core, app, ana, wrong):
    answer = send(site, ana.path, **{"quiet": ["own"], "c:marketing": [], **wrong})
    assert answer.status_code == 422
    assert pages.words()["en"]["problem"] in answer.text
    assert held(core, app, ana)[2] == ()


def test_what_a_form_makes_up_is_not_taken(site, core, app, ana):
    made_up = {
        "was:c:transactional": ["on"], "c:nothing": ["on"], "was:c:nothing": ["off"], "pause": ["for ever"],
        "was:d:dev_x:marketing": ["follow"], "d:dev_x:marketing": ["off"], "quiet": ["perhaps"], "\0": ["\0"],
    }  # fmt: skip
    assert send(site, ana.path, **made_up).status_code == 422  # a mandatory category stays on
    del made_up["was:c:transactional"], made_up["quiet"]
    assert send(site, ana.path, **made_up).status_code == 200
    assert held(core, app, ana)[2] == ()


def test_a_form_too_large_is_refused(site, ana):
    assert site.post(ana.path, content=b"a=" + b"x" * 70_000).status_code == 413
    assert site.post(ana.path, content=b"a&" * 6_000).status_code == 413


def tampered(token: str) -> Iterator[str]:
    """A token with each of its characters changed in turn."""
    for place, letter in enumerate(token):
        other = next(one for one in string.ascii_letters + string.digits + "-_" if one != letter)
        yield token[:place] + other + token[place + 1 :]


def test_forged_and_truncated_links_are_refused_in_the_readers_language(site, core, app, ana):
    token = ana.path.rsplit("/", 1)[1]
    other = KeyRing(("another-installation-0123456789abcdef",)).sign_link(app.number, ids.USER, ana.number, 2**31)
    device = core.keyring.sign_link(app.number, ids.DEVICE, ana.number, 2**31)
    receipt = core.keyring.sign_receipt(app.number, ana.number)
    for wrong in (
        *tampered(token),
        token[:-1],
        token[:20],
        token + "A",
        other,
        device,
        receipt,
        "x",
        "%00",
        "é" * 40,
        "a" * 500,
    ):
        answer = site.get(f"/preferences/{wrong}", headers={"Accept-Language": "xx, pl;q=0.8, de;q=0.3"})
        assert (wrong, answer.status_code) == (wrong, 403)
        assert pages.words()["pl"]["refused"] in answer.text
        assert "ana" not in answer.text
        assert site.post(f"/preferences/{wrong}", data={"everything": "off"}).status_code == 403
    assert held(core, app, ana)[2] == ()


def test_a_link_is_good_in_its_own_app_only(site, core, app, ana):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    token = core.keyring.sign_link(other.number, ids.USER, ana.number, 2**31)
    assert site.get(f"/preferences/{token}").status_code == 410


def test_an_expired_link_and_one_of_somebody_erased_are_over(site, core, app, ana):
    past = int((datetime.now(UTC) - timedelta(seconds=1)).timestamp())
    expired = f"/preferences/{core.keyring.sign_link(app.number, ids.USER, ana.number, past)}"
    with core.work(OPERATOR, app.number) as work:
        gone = subscribers.ensure_user(work, "gone")
    erased = path(core, app, gone)
    assert site.get(erased).status_code == 200
    with core.work(OPERATOR, app.number) as work:
        subscribers.erase_user(work, "gone")
    for over in (expired, erased):
        for answer in (site.get(over), site.post(over, data={"everything": "off"})):
            assert answer.status_code == 410
            assert pages.words()["en"]["over"] in answer.text
    assert held(core, app, ana)[2] == ()


def test_a_link_outlives_a_rotation_of_keys(core, app, ana):
    secret = core.settings.secret_keys[0]
    rotated = KeyRing(("a-newer-secret-0123456789abcdefghijkl", secret))
    assert rotated.opened_link(ids.USER, ana.path.rsplit("/", 1)[1])[:2] == (app.number, ana.number)


def test_the_page_is_confined_and_kept_nowhere(site, ana):
    for answer in (site.get(ana.path), site.get("/preferences/x"), site.post(ana.path, data={})):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert "set-cookie" not in answer.headers
    page = site.get(ana.path)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "script" not in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script|javascript:|\son\w+=|\sstyle=|<link|<img|https?://|url\(", page.text)


def test_names_that_mean_harm_are_shown_and_do_none(site, core, app, ana):
    with core.work(OPERATOR, app.number) as work:
        categories.create(work, CategoryIn(slug="bad", name=HOSTILE[:200], kind="marketing", description=HOSTILE))
        subscribers.update_device(work, ana.phone, DevicePatch(model=HOSTILE[:120]))
        apps.update_app(work, app.number, name=HOSTILE)
        preferences.put(work, ana.number, PreferencesIn(quiet_hours=QuietHours(start="22:00", end="08:00")))
    text = site.get(ana.path).text
    assert "<script" not in text
    assert "<img" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5
    assert "49" not in re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)


def test_the_language_is_the_persons_then_the_devices_then_the_browsers_then_the_apps(site, core, app, ana):
    def title(accept: str) -> str:
        text = site.get(ana.path, headers={"Accept-Language": accept}).text
        return re.search(r'<html lang="(\w+)" dir="(\w+)"', text).group(1, 2)

    with core.work(OPERATOR, app.number) as work:
        apps.update_app(work, app.number, default_locale="sv")
    assert title("xx") == ("sv", "ltr")
    assert title("fr-CA,fr;q=0.9,en;q=0.1") == ("fr", "ltr")
    with core.work(OPERATOR, app.number) as work:
        subscribers.update_device(work, ana.phone, DevicePatch(locale="uk-UA"))
    assert title("fr") == ("uk", "ltr")
    with core.work(OPERATOR, app.number) as work:
        subscribers.put_user(work, ana.number, UserIn(language="ar"))
    assert title("fr") == ("ar", "rtl")


def places(text: str) -> list[str]:
    return sorted(re.findall(r"{\w*}", text))


def test_every_language_says_everything_with_the_same_places_to_fill_in():
    known = pages.words()
    assert len(known) == 15
    assert known.keys() >= pages.RIGHT_TO_LEFT
    english = known["en"]
    for code, words in known.items():
        assert list(words) == list(english), code
        for key, text in words.items():
            assert text == text.strip(), (code, key)
            assert text, (code, key)
            assert places(text) == places(english[key]), (code, key)
        if code != "en":
            same = [key for key, text in words.items() if text == english[key]]
            assert set(same) <= {"date", "pause", "web"}, (code, same)


@pytest.mark.parametrize("accent", ["#ffffff", "#000000", "#ffff00", "#808080", "#e11d48", "#5b5bd6", "#c0ffee"])
def test_any_colour_of_an_apps_becomes_one_that_is_seen_and_read(site, core, app, ana, accent):
    with core.work(OPERATOR) as work:
        work.session.execute(update(App).where(col(App.id) == app.number).values(color=accent))
    found = re.findall(r"--(page|accent|on-accent): (#\w{6})", site.get(ana.path).text)
    for shown in (dict(found[:3]), dict(found[3:])):
        assert colour.contrast(shown["accent"], shown["page"]) >= 3
        assert colour.contrast(shown["on-accent"], shown["accent"]) >= 4.5


def test_twenty_at_once_wait_no_longer_than_a_tenth_of_a_second(core, ana):
    """Measured: 95 of 100 within the figure printed; the bound is wide for machines that do other things as well."""
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    with (
        served(core) as base,
        httpx.Client(base_url=base, limits=limits) as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):

        def took(_number: int) -> float:
            began = time.perf_counter()
            assert client.get(ana.path).status_code == 200
            return time.perf_counter() - began

        list(pool.map(took, range(100)))
        spent = sorted(pool.map(took, range(REQUESTS)))
    p50, p95 = spent[REQUESTS // 2] * 1000, spent[REQUESTS * 95 // 100] * 1000
    print(f"\npreference page, {AT_ONCE} at once: median {p50:.0f} ms, p95 {p95:.0f} ms")
    assert p95 <= 400
