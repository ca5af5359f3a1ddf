"""A picture's address looked at before anybody is sent it: what it is, what each platform does with it, and a copy
of our own for the preview.

The address is somebody's typing: it is fetched through the guarded client, and nothing that its server says is
believed.
"""

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from backend.bootstrap import Core
from backend.domain import content, picture
from backend.domain.picture import Picture, PictureVerdict
from backend.errors import Invalid
from backend.providers.fetch import PRIVATE, Fetcher, NotFetched
from backend.providers.proxy import through
from backend.providers.push_hosts import is_public
from backend.services import endpoints, picture_reader, picture_shelf
from backend.settings import Settings

MOST: Final = 10_000_000
SECONDS: Final = 10.0
LONGEST: Final = 2_048
AT_ONCE: Final = 4
_doors: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """A picture as it lies at its address now. `bytes` and sizes are the original's; `key` names our copy of it."""

    url: str
    type: str
    bytes: int
    width: int
    height: int
    ratio: str
    animated: bool
    verdicts: tuple[PictureVerdict, ...]
    key: str


async def look(core: Core, app_id: int, url: str) -> PictureFacts:
    """Fetches and judges a picture. Raises `Invalid` for `url`, saying why there is none."""
    address = url.strip()
    if wrong := _problem(core.settings, address):
        raise Invalid("url", wrong)
    async with _door():
        try:
            fetched = await _fetcher(core.settings, address).get(address)
        except NotFetched as error:
            raise Invalid("url", error.reason) from error
        found, copy = await asyncio.to_thread(picture_reader.read, fetched.body, fetched.content_type)
    key = await asyncio.to_thread(picture_shelf.put, core, app_id, copy)
    await asyncio.to_thread(picture_shelf.note, core, app_id, address, found)
    return _facts(address, found, key)


def known(core: Core, app_id: int, url: str) -> tuple[PictureVerdict, ...]:
    """What was made of a picture when somebody last looked at its address; nothing of one that nobody remembers."""
    found = picture_shelf.noted(core, app_id, url.strip())
    return picture.verdicts(found) if found else ()


def _door() -> asyncio.Semaphore:
    """Only a few pictures are in memory at the same moment, whoever looks."""
    return _doors.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE))


def _problem(settings: Settings, url: str) -> str | None:
    if len(url) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if wrong := content.image_problem(url):
        return wrong
    if not url.isascii() or not url.isprintable() or " " in url:
        return "holds characters that an address may not; write them as %-codes"
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return "must not hold a user name"
    try:
        hidden = not settings.allow_private_networks and endpoints.is_private(url)
    except ValueError:
        return "has no such port"
    return PRIVATE if hidden else None


def _fetcher(settings: Settings, url: str) -> Fetcher:
    ca = (settings.ca_file.read_text(),) if settings.ca_file else ()
    proxy = through(settings.proxy_url, urlsplit(url).hostname or "")
    anywhere = settings.allow_private_networks
    return Fetcher(lambda address: anywhere or is_public(address), MOST, SECONDS, ca, proxy)


def _facts(url: str, found: Picture, key: str) -> PictureFacts:
    return PictureFacts(
        url=url,
        type=found.type,
        bytes=found.bytes,
        width=found.width,
        height=found.height,
        ratio=found.ratio,
        animated=found.animated,
        verdicts=picture.verdicts(found),
        key=key,
    )
