"""A picture's address is somebody's typing: what is fetched, what is believed, and what each platform is said to do."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from PIL import Image

from backend.bootstrap import Core, build
from backend.domain.picture import Picture, PictureType, verdicts
from backend.errors import Invalid, NotFound
from backend.providers.fetch import Fetcher, NotFetched
from backend.providers.push_hosts import is_public
from backend.services import picture_shelf, pictures
from tests.conftest import settings_for
from tests.providers.peer import certificate
from tests.services.picture_host import PictureHost, answer, bomb, image


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("pictures")
    pem, context = certificate(folder)
    context.set_alpn_protocols(["http/1.1"])
    (folder / "ca.pem").write_text(pem)
    return folder / "ca.pem", context


@pytest_asyncio.fixture
async def host(tls) -> AsyncIterator[PictureHost]:
    made = PictureHost()
    server = await made.serve(tls[1])
    yield made
    server.close()


@pytest.fixture
def core(tls, tmp_path) -> Core:
    own = {"TOCSIN_ALLOW_PRIVATE_NETWORKS": "1", "TOCSIN_CA_FILE": str(tls[0])}
    made = build(settings_for(f"sqlite:///{tmp_path}/none.db", tmp_path, **own))
    yield made
    made.close()


@pytest.fixture
def look(core: Core, host: PictureHost) -> Callable:
    async def ask(body: bytes | None = None, path: str = "/a.jpg", **headers):
        if body is not None:
            host.answers[path] = answer(body, **headers)
        return await pictures.look(core, 1, host.origin + path)

    return ask


@pytest.fixture
def refusal(look) -> Callable:
    async def ask(*arguments, **options) -> str:
        with pytest.raises(Invalid) as error:
            await look(*arguments, **options)
        (wrong,) = error.value.errors
        assert wrong.field == "url"
        return wrong.message

    return ask


async def test_a_picture_is_described_by_its_bytes(look, host: PictureHost):
    body = image(1200, 600)
    found = await look(body)
    assert (found.type, found.bytes, found.width, found.height, found.ratio) == ("jpeg", len(body), 1200, 600, "2:1")
    assert [(one.platform, one.level) for one in found.verdicts] == [("ios", "ok"), ("android", "ok"), ("web", "ok")]
    (asked,) = host.asked
    assert "Cookie" not in asked
    assert asked["User-Agent"] == "Tocsin"


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "BMP"])
async def test_other_kinds_are_known_whatever_their_server_calls_them(look, kind: str):
    found = await look(image(600, 300, kind), kind="image/jpeg")
    assert found.type == kind.lower()


async def test_a_camera_may_put_a_second_picture_behind_a_jpeg(look):
    """Phones' own cameras do; Pillow takes it for another kind of file, and a moving one."""
    found = await look(image(1200, 600, "MPO", frames=2))
    assert (found.type, found.width, found.height, found.animated) == ("jpeg", 1200, 600, False)


async def test_our_copy_has_nothing_but_pixels(core: Core, look):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "Where I live"
    found = await look(image(1600, 800, exif=exif.tobytes(), comment=b"secret comment"))
    assert (found.width, found.height) == (800, 1600)  # upright, as it is shown
    copy = picture_shelf.get(core, 1, found.key)
    with Image.open(io.BytesIO(copy)) as kept:
        assert (kept.format, kept.size) == ("WEBP", (600, 1200))
        assert not {"exif", "xmp", "icc_profile", "comment"} & kept.info.keys()
    assert b"Where I live" not in copy
    assert b"secret comment" not in copy


async def test_a_copy_belongs_to_one_app_and_its_name_says_nothing(core: Core, look):
    found = await look(image())
    assert picture_shelf.get(core, 1, found.key)
    for app, key in ((2, found.key), (1, "../../secret_keys"), (1, "0" * 64), (1, "")):
        with pytest.raises(NotFound):
            picture_shelf.get(core, app, key)
    assert picture_shelf.put(core, 2, picture_shelf.get(core, 1, found.key)) != found.key


async def test_few_copies_are_kept_and_none_for_long(core: Core, monkeypatch):
    monkeypatch.setattr(picture_shelf, "MOST", 3)
    keys = []
    for number in range(5):
        keys.append(picture_shelf.put(core, 1, bytes([number])))
        time.sleep(0.02)
    kept = [path.name for path in (core.settings.data_dir / "pictures" / "1").iterdir()]
    assert sorted(kept) == sorted(keys[-3:])
    late = build(core.settings, clock=lambda: core.clock() + 2 * picture_shelf.KEPT)
    last = picture_shelf.put(late, 1, b"old as soon as written")
    assert [path.name for path in (core.settings.data_dir / "pictures" / "1").iterdir()] in ([], [last])
    again = picture_shelf.put(core, 1, b"nobody looks any more")
    picture_shelf.sweep(late)
    with pytest.raises(NotFound):
        picture_shelf.get(core, 1, again)
    late.close()


async def test_a_redirect_is_not_followed_but_told(refusal, host: PictureHost):
    host.answers["/b.jpg"] = answer(image())
    said = await refusal(b"", status="302 Found", Location="/b.jpg")
    assert said == "redirects to /b.jpg; use that address"
    assert [asked[":path"] for asked in host.asked] == ["/a.jpg"]


async def test_what_is_too_big_is_cut_off(refusal, host: PictureHost):
    host.endless.add("/a.jpg")
    assert await refusal() == "has more than 10 MB"
    assert host.sent < 2 * pictures.MOST


async def test_what_is_slow_is_given_up(host: PictureHost, core: Core):
    host.silent.add("/slow.jpg")
    fetcher = Fetcher(lambda _address: True, 1000, 0.3, (core.settings.ca_file.read_text(),))
    with pytest.raises(NotFetched, match=r"longer than 0\.3 seconds"):
        await fetcher.get(host.origin + "/slow.jpg")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<!DOCTYPE html><p>Not here", "is a web page"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "SVG"),
        (b"\x00\x00\x00\x20ftypavif", "AVIF"),
        (b"\x00\x00\x00\x20ftypmp42", "a video"),
        (b"%PDF-1.7", "a PDF"),
        (b"just words", "not a picture that can be read"),
        (b"", "is empty"),
        (image()[:4000], "damaged"),
        (image(600, 300, "PNG")[:900], "damaged"),
        (bomb(), "million pixels"),
        (bomb(9_000, 9_000), "30 million pixels: 9000 × 9000"),
    ],
    ids=["html", "svg", "avif", "video", "pdf", "words", "empty", "cut jpeg", "cut png", "bomb", "large"],
)
async def test_what_is_no_picture_is_refused_by_its_bytes(refusal, body: bytes, said: str):
    """All of them are called JPEG by their server."""
    assert said in await refusal(body)


async def test_an_answer_that_is_no_answer(refusal, host: PictureHost):
    assert await refusal(path="/gone.jpg") == "answers with status 404"
    host.answers["/a.jpg"] = b"\x00\x01\x02 what"
    assert (await refusal()).startswith("broke off")
    host.answers["/a.jpg"] = answer(image())[:2000]  # its length promises more
    assert (await refusal()).startswith("broke off")
    host.muddled.add("/a.jpg")
    assert (await refusal()).startswith("broke off")


async def test_a_certificate_that_nobody_vouches_for(host: PictureHost, tmp_path):
    made = build(settings_for("sqlite:///none.db", tmp_path, TOCSIN_ALLOW_PRIVATE_NETWORKS="1"))
    with pytest.raises(Invalid, match="certificate is not trusted"):
        await pictures.look(made, 1, host.origin + "/a.jpg")
    made.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://shop.example/a.jpg", "must begin with https://"),
        ("https://", "no host"),
        ("ftp://shop.example/a.jpg", "must begin with https"),
        ("https://ann:pw@shop.example/a.jpg", "user name"),
        ("https://shop.example:99999/a.jpg", "port"),
        ("https://shop.example/" + "a" * 3000, "longer"),
        ("https://127.0.0.1/a.jpg", "private network"),
        ("https://2130706433/a.jpg", "private network"),
        ("https://[::1]/a.jpg", "private network"),
        ("https://[::ffff:10.0.0.1]/a.jpg", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://localhost/a.jpg", "private network"),
        ("https://db.internal/a.jpg", "private network"),
        ("https://intranet/a.jpg", "private network"),
        ("https://nowhere.invalid/a.jpg", "cannot be reached: there is no host nowhere.invalid"),
    ],
)
async def test_addresses_that_are_not_asked(tmp_path, url: str, said: str):
    made = build(settings_for("sqlite:///none.db", tmp_path))
    with pytest.raises(Invalid) as error:
        await pictures.look(made, 1, url)
    assert said in error.value.errors[0].message
    made.close()


async def test_a_public_name_with_a_private_address_is_not_connected_to(host: PictureHost, core: Core):
    fetcher = Fetcher(is_public, 1000, 5, (core.settings.ca_file.read_text(),))
    with pytest.raises(NotFetched, match="private network"):
        await fetcher.get(host.origin + "/a.jpg")
    assert host.connections == 0


async def test_the_connection_goes_to_the_address_that_was_asked_about(host: PictureHost, core: Core, monkeypatch):
    """A name server that answers otherwise the second time (rebinding) is never asked a second time."""
    loop, asked, seen = asyncio.get_running_loop(), [], []
    real = loop.getaddrinfo

    async def rebinding(name, port, **options):
        asked.append(name)
        return await real("127.0.0.1" if len(asked) == 1 else "203.0.113.9", port, **options)

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    host.answers["/a.jpg"] = answer(b"here")
    fetcher = Fetcher(lambda address: not seen.append(address), 1000, 5, (core.settings.ca_file.read_text(),))
    assert (await fetcher.get(host.origin + "/a.jpg")).body == b"here"
    assert (asked, seen) == (["localhost"], ["127.0.0.1"])


def judged(kind: str = "jpeg", size: int = 200_000, width: int = 1200, height: int = 600, **more):
    made = verdicts(Picture(PictureType(kind), size, width, height, declared="image/x", **more))
    return {one.platform.value: (one.level.value, one.text) for one in made}


def test_what_each_platform_makes_of_it():
    assert {name: level for name, (level, _) in judged().items()} == {"ios": "ok", "android": "ok", "web": "ok"}
    assert judged("webp")["ios"] == ("error", "iOS shows JPEG, PNG and GIF, not WebP.")
    assert judged("webp")["android"][0] == "ok"
    assert judged(size=1_200_000)["android"] == ("error", "Android drops pictures over 1 MB; this one has 1.2 MB.")
    assert judged(size=1_200_000)["ios"][0] == "ok"
    moving = judged("gif", animated=True)
    assert moving["ios"] == ("ok", "iOS plays it.")
    assert "still picture" in moving["android"][1]
    assert "only the first picture" in moving["web"][1]
    square = judged(width=800, height=800)
    assert square["android"] == ("advice", "Android cuts it to 2:1: 50% of it is lost at top and bottom.")
    assert square["ios"][0] == "ok"
    assert "the sides" in judged(width=2000, height=400)["web"][1]
    assert "blurred" in judged(width=200, height=100)["ios"][1]
    assert judged(width=1600, height=900)["web"][0] == "ok"


def test_a_server_that_calls_it_something_else_is_told_of():
    for declared, said in (("text/html; charset=utf-8", "calls it text/html"), ("", "does not say what it is")):
        made = verdicts(Picture(PictureType.PNG, 1, 1200, 600, declared=declared))
        assert {one.level for one in made} == {"advice"}
        assert all(said in one.text for one in made)
