"""The preview as a browser draws it: how many lines each platform shows in each state, and where it cuts."""

import re
from collections.abc import Iterator

import httpx
import pytest

from console.components.preview_rooms import ROOMS

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]

VIEWS = {"ios": "iPhone", "android": "Android", "chrome": "Chrome", "safari": "Safari"}
STATES = {"lock": "Lock screen", "banner": "Banner", "expanded": "Expanded", "centre": "Centre"}
SHOWN = [(platform, state) for platform in VIEWS for state in STATES]
BODY = (
    "Everything in your basket and everything you have looked at this month is twenty percent off until Sunday at "
    "midnight. Collect your order in any of our shops, or have it brought to your door at no cost. Returns are free "
    "for thirty days, as always, and members get another five percent on top of it, which is taken off at the till, "
    "together with every voucher that you may still have somewhere. See you in the shop."
)
LONG = {
    "title": "Weekend sale: everything you have looked at is 20 % off until Sunday",
    "subtitle": "Only for members of the club, and only while the stock lasts, so be quick",
    "body": BODY,
    "link": "https://fern.example/sale",
    "actions": [
        {"id": "shop", "title": "Shop now"},
        {"id": "later", "title": "Remind me tomorrow"},
        {"id": "no", "title": "Not for me"},
        {"id": "settings", "title": "Settings"},
    ],
    "android": {"mode": "data", "color": "#0b8043"},
}
PICTURED = {**LONG, "image": "https://cdn.example.com/sale.png"}
CUTS = {
    ("ios", "lock"): {"title": 35, "subtitle": 40, "body": 169},
    ("ios", "banner"): {"title": 35, "subtitle": 40, "body": 80},
    ("ios", "expanded"): {"title": 35, "subtitle": 40, "body": 304},
    ("ios", "centre"): {"title": 35, "subtitle": 40, "body": 169},
    ("android", "lock"): {"title": 35, "body": 42},
    ("android", "banner"): {"title": 35, "body": 42},
    ("android", "expanded"): {"title": 46, "body": 397},
    ("android", "centre"): {"title": 35, "body": 42},
    ("chrome", "lock"): {},
    **{("chrome", state): {"title": -1, "body": 161} for state in ("banner", "expanded", "centre")},
    **{("safari", state): {"title": 36, "body": 88} for state in ("lock", "banner", "centre")},
    ("safari", "expanded"): {"title": 36, "body": 263},
}
"""Characters seen of the long push without a picture, in the fonts that we bring; -1 where all is seen."""
BESIDE_A_PICTURE = {
    ("ios", "lock"): {"title": 27, "subtitle": 33, "body": 131},
    ("ios", "banner"): {"title": 27, "subtitle": 33, "body": 64},
    ("android", "lock"): {"title": 26, "body": 33},
    ("android", "expanded"): {"title": 46, "body": 48},
}
ARABIC = {
    "title": "تخفيضات نهاية الأسبوع على كل ما شاهدته هذا الشهر حتى يوم الأحد",
    "body": "كل ما في سلتك وكل ما شاهدته هذا الشهر بخصم عشرين في المئة حتى منتصف ليل الأحد. " * 4,
}
MEASURED = """() => Object.fromEntries([...document.querySelectorAll(".p-figure [data-field]")].map((one) => [
  `${one.closest("figure").dataset.platform}/${one.dataset.field}`,
  {
    lines: Number(one.dataset.lines), total: Number(one.dataset.total), cut: Number(one.dataset.cut),
    overflow: one.dataset.overflow === "true", height: one.clientHeight, text: one.textContent,
    hidden: one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth,
    line: parseFloat(getComputedStyle(one).lineHeight), font: getComputedStyle(one).fontFamily,
  },
]))"""
TYPING = """() => {
  globalThis.waits = [];
  document.querySelector("#title").addEventListener("input", (event) => {
    const [began, wanted] = [performance.now(), event.target.value];
    const seen = () => {
      if (document.querySelector(".ios-title")?.textContent !== wanted) return requestAnimationFrame(seen);
      const painted = new MessageChannel();
      painted.port1.onmessage = () => waits.push(performance.now() - began);
      painted.port2.postMessage(0);
    };
    requestAnimationFrame(seen);
  }, true);
}"""


@pytest.fixture
def composed(product, owner, open_page) -> Iterator:
    """Opens a campaign of this content in the composer."""
    key = product.command("key", "add", "--app", "demo", "--scope", "server")["key"]
    with httpx.Client(base_url=f"{product.base}/api/v1", headers={"Authorization": f"Bearer {key}"}) as client:

        def opened(content: dict, **how):
            body = {
                "name": "Preview", "category": "marketing", "audience": {"everyone": True}, "schedule": {"kind": "now"},
                "variants": [{"name": "A", "weight": 100, "content": content}],
            }  # fmt: skip
            made = client.post("/campaigns", json=body)
            assert made.status_code == 201, made.text
            page = open_page(**how)
            page.add_init_script("""
                globalThis.told = [];
                addEventListener("tocsin-cut", ({ detail }) => told.push(detail));
            """)
            page.goto(f"/campaigns/{made.json()['id']}/edit?step=message")
            page.locator(".p-figure").first.wait_for()
            page.evaluate("document.fonts.ready")
            return page

        yield opened


def press(page, name: str, on: bool = True) -> None:
    button = page.locator(".stage").get_by_role("button", name=name, exact=True)
    if button.get_attribute("aria-pressed") != str(on).lower():
        button.click()


def look(page, platform: str, state: str) -> dict[str, dict]:
    """What is measured of each text, once this platform is drawn in this state."""
    press(page, VIEWS[platform])
    press(page, STATES[state])
    page.locator(f".p-figure[data-platform='{platform}'][data-state='{state}']").wait_for()
    page.evaluate("document.fonts.ready")
    found = page.evaluate(MEASURED)
    return {name.split("/")[1]: one for name, one in found.items()}


def check(found: dict[str, dict], platform: str, state: str, cuts: dict[str, int], *, pictured: bool = False) -> None:
    room = ROOMS[platform][state]
    assert {name: one["cut"] for name, one in found.items()} == cuts
    for name, one in found.items():
        limit = room.pictured if name == "body" and pictured and room.pictured else getattr(room, name)
        assert one["lines"] == min(one["total"], limit) or limit == 1
        assert 1 <= one["lines"] <= limit
        assert one["overflow"] == (one["cut"] >= 0) == one["hidden"]
        assert one["height"] == pytest.approx(one["lines"] * one["line"], abs=1)
        assert "Preview" in one["font"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_each_platform_shows_so_many_lines_in_each_state(composed, dark):
    page = composed(LONG)
    press(page, "Dark", dark)
    for platform, state in SHOWN:
        check(look(page, platform, state), platform, state, CUTS[platform, state])
        figure = page.locator(".p-figure")
        expect(page.locator(".stage")).to_have_attribute("data-dark", str(dark).lower())
        expect(figure.locator(".p-button")).to_have_count(min(ROOMS[platform][state].buttons, 4))
        expect(figure.locator(".p-picture")).to_have_count(0)
        said = figure.locator(".p-cuts")
        (expect(said).to_contain_text if CUTS[platform, state] else expect(said).not_to_contain_text)("cut after")


def test_a_picture_takes_its_room_from_the_text(composed):
    page = composed(PICTURED)
    for platform, state in SHOWN:
        found = look(page, platform, state)
        form = ROOMS[platform][state].picture
        expect(page.locator(".p-figure .p-picture")).to_have_count(1 if form else 0)
        if (platform, state) in BESIDE_A_PICTURE:
            check(found, platform, state, BESIDE_A_PICTURE[platform, state], pictured=True)
    look(page, "android", "expanded")
    expect(page.locator(".android-hero")).to_have_text(re.compile("cdn.example.com|Picture cannot be loaded"))


@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_a_line_breaks_in_the_same_place_at_any_width(composed, width):
    page = composed(LONG, width=width)
    for platform, state in (("ios", "lock"), ("ios", "expanded"), ("android", "expanded"), ("safari", "banner")):
        check(look(page, platform, state), platform, state, CUTS[platform, state])
    press(page, "Phones")
    press(page, "Lock screen")
    found = page.evaluate(MEASURED)
    assert {name: one["cut"] for name, one in found.items()} == {
        f"{platform}/{field}": cut for platform in ("ios", "android") for field, cut in CUTS[platform, "lock"].items()
    }


def test_it_holds_what_was_counted_on_real_phones(composed):
    """Braze's counts: a title of 35, 33, 22 and 39 characters, 160 to 179 of text, 80 in a banner; Safari 38 and 84."""
    page = composed(LONG)
    titles = []
    for time in ("now", "hours", "yesterday"):
        page.get_by_label("When it came").select_option(time)
        titles.append(look(page, "ios", "lock")["title"]["cut"])
    assert titles == pytest.approx([35, 33, 22], abs=2)
    page = composed({**LONG, "ios": {"interruption_level": "time-sensitive"}})
    found = look(page, "ios", "lock")
    expect(page.locator(".ios-urgent")).to_have_text("Time Sensitive")
    assert found["title"]["cut"] == pytest.approx(39, abs=2)
    assert 160 <= found["body"]["cut"] <= 179
    assert look(page, "ios", "banner")["body"]["cut"] == pytest.approx(80, abs=4)
    safari = look(page, "safari", "banner")
    assert [safari[name]["cut"] for name in ("title", "body")] == pytest.approx([38, 84], abs=4)


def test_larger_text_shows_less_of_it_on_as_many_lines(composed):
    page = composed(LONG)
    press(page, "Larger text")
    for platform, state in (("ios", "lock"), ("android", "expanded"), ("chrome", "banner"), ("safari", "banner")):
        found = look(page, platform, state)
        for name, one in found.items():
            usual = CUTS[platform, state][name]
            assert one["lines"] == getattr(ROOMS[platform][state], name)
            assert one["cut"] < usual or usual < 0


def test_right_to_left_is_drawn_from_the_right(composed):
    page = composed(ARABIC)
    for platform, state in (("ios", "lock"), ("android", "centre"), ("chrome", "banner"), ("safari", "banner")):
        found = look(page, platform, state)
        assert found["body"]["lines"] == ROOMS[platform][state].body
        assert found["body"]["overflow"]
        assert found["body"]["hidden"]
        expect(page.locator(".p-figure")).to_have_attribute("data-dir", "rtl")
        drawn = page.locator(".p-figure [data-field='title']")
        sign = page.locator(".p-figure .p-icon, .p-figure .android-small").last
        assert drawn.bounding_box()["x"] < sign.bounding_box()["x"]


def test_what_a_locked_phone_hides(composed):
    page = composed(LONG)
    press(page, "Hide content when locked")
    press(page, "Lock screen")
    for platform, said in (("ios", "Notification"), ("android", "Contents hidden")):
        expect(page.locator(f"[data-platform='{platform}'] .{platform}-body")).to_have_text(said)
        expect(page.locator(f"[data-platform='{platform}'] [data-field]")).to_have_count(0)
    assert look(page, "ios", "banner")["body"]["cut"] == CUTS["ios", "banner"]["body"]
    private = composed({**LONG, "android": {"visibility": "private"}})
    expect(private.locator(".android-body")).to_have_text("Contents hidden")
    secret = composed({**LONG, "android": {"visibility": "secret"}})
    expect(secret.locator("[data-platform='android']")).to_contain_text("Not shown on the lock screen")
    expect(secret.locator(".android-card")).to_have_count(0)


def test_a_silent_push_shows_nothing_and_an_empty_one_says_so(composed):
    silent = composed({"silent": True, "data": {"sync": "1"}})
    expect(silent.locator(".p-figure").first).to_contain_text("Nothing is shown: it wakes the app.")
    expect(silent.locator(".ios-card, .android-card")).to_have_count(0)
    silent.goto("/campaigns/new")
    expect(silent.locator(".ios-body.p-ghost")).to_have_text("What you want to say")


def test_the_form_hears_where_its_own_text_is_cut(composed):
    source = "Hi {{ user.nickname | default('there') }}, everything you have looked at is 20 % off until Sunday"
    page = composed({**LONG, "title": source})
    press(page, "Lock screen")
    cut = page.evaluate(MEASURED)["ios/title"]
    told = page.evaluate("told.filter((one) => one.platform === 'ios' && one.field === 'title').at(-1)")
    assert (told["state"], source[: told["offset"]]) == (
        "lock",
        source[: source.index("}}") + 2] + cut["text"][8 : cut["cut"]],
    )
    press(page, "Expanded")
    left = page.evaluate(
        "told.filter((one) => one.state === 'lock' && one.field === 'title' && one.platform === 'ios').at(-1)"
    )
    assert left["offset"] == -1


def test_the_preview_follows_the_keys(composed):
    """What a neighbour on the machine takes can only add to it: the best of three rounds is what the page needs."""
    page = composed(LONG)
    press(page, "Lock screen")
    page.locator("#title").click()
    page.evaluate(TYPING)
    typed = (
        "Spring has come, and with it forty new plants: have a look at them before they are gone; they will be soon."
    )
    rounds: list[float] = []
    while len(rounds) < 3 and not any(slow <= 150 for slow in rounds):
        page.keyboard.press("ControlOrMeta+a")
        page.evaluate("waits.length = 0")
        page.keyboard.type(typed, delay=30)
        expect(page.locator(".ios-title")).to_have_text(typed)
        page.wait_for_function("waits.length >= 100")
        waits = sorted(page.evaluate("waits"))
        rounds.append(waits[int(len(waits) * 0.95)])
    assert min(rounds) <= 150


def test_it_is_worked_by_the_keyboard_and_read_once(composed):
    page = composed(LONG)
    page.locator(".stage").get_by_role("button", name="Expanded", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".p-figure[data-platform='ios']")).to_have_attribute("data-state", "expanded")
    expect(page.get_by_role("figure", name=re.compile("iPhone, expanded"))).to_be_visible()
    page.locator(".stage").get_by_role("button", name="Android", exact=True).focus()
    page.keyboard.press("Space")
    expect(page.locator(".p-figure")).to_have_count(1)
    tree = page.locator(".p-figure .p-screen").aria_snapshot()
    assert tree.count(LONG["title"]) == 1
    assert "9:41" not in tree
