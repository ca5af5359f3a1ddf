"""A push before it is sent, as people inspect it: its bytes, its links, and what is read aloud."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from backend.domain.message import Message
from backend.services.inspector import Preview
from backend.services.payload_costs import FRAME
from console import words
from console.rows.people import PLATFORM_WORD
from console.rows.spoken import SILENT, Spoken, spoken

PROVIDER_WORD = {"apns": "APNs", "fcm": "FCM", "webpush": "Web Push"}
OWN_WORD = {"m": "name (m)", "t": "proof (t)"}
NEAR, FULL = "amber", "red"


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its value."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class CostLine:
    """A field with its bytes, and its share of the dearest one's in percent."""

    field: str
    bytes: str
    share: float


@dataclass(frozen=True, slots=True)
class LinkLine:
    """Where a touch leads, taken apart, and what the platform does with it."""

    at: str
    url: str
    kind: str
    scheme: str
    host: str
    path: str
    told: str


@dataclass(frozen=True, slots=True)
class Payload:
    """One platform's message. `full` is percent of `limit` (bytes), `tone` says how near that is.

    `pretty` is the body set out to be read, `raw` the very bytes. `exact` is false where an example of an address
    stood in for a device. `topic` is set where one body goes to all its followers.
    """

    platform: str = ""
    title: str = ""
    size: str = ""
    full: float = 0.0
    tone: str = ""
    limit: int = 1
    pretty: str = ""
    raw: str = ""
    raw_size: str = ""
    own: str = ""
    headers: tuple[Fact, ...] = ()
    costs: tuple[CostLine, ...] = ()
    trim: str = ""
    links: tuple[LinkLine, ...] = ()
    spoken: Spoken = SILENT
    chain: str = ""
    problems: tuple[Fact, ...] = ()
    exact: bool = False
    topic: str = ""


def payload(shown: Preview, app: str) -> Payload:
    """The inspector's rows; `app` is what the screen calls the sender."""
    message = shown.message
    return Payload(
        platform=shown.platform,
        title=f"{_to(shown)} by {PROVIDER_WORD[shown.provider]}",
        size=_size(shown),
        full=_share(shown.counted or _over(shown), shown.limit),
        tone=FULL if _over(shown) > shown.limit else NEAR if shown.trim else "",
        limit=shown.limit,
        pretty=json.dumps(json.loads(shown.body), indent=2, ensure_ascii=False) if shown.body else "",
        raw=shown.body,
        raw_size=f"{words.number(shown.bytes)} bytes",
        own=", ".join(OWN_WORD.get(name, name) for name in shown.own),
        headers=tuple(Fact(name, value) for name, value in shown.headers.items()),
        costs=_costs(shown),
        trim=_trim(shown),
        links=tuple(_links(message)) if message else (),
        spoken=spoken(message, app) if message else SILENT,
        chain=" → ".join(shown.chain),
        problems=tuple(Fact(one.field, one.message) for one in shown.problems),
        exact=shown.device_id is not None,
        topic=shown.topic or "",
    )


def _to(shown: Preview) -> str:
    return f"Topic {shown.topic}" if shown.topic else PLATFORM_WORD[shown.platform]


def _over(shown: Preview) -> int:
    """The counted bytes, of what is too large as well."""
    return sum(cost.bytes for cost in shown.fields)


def _size(shown: Preview) -> str:
    return f"{words.number(_over(shown))} of {words.number(shown.limit)} bytes" if shown.fields else ""


def _share(size: int, limit: int) -> float:
    return min(round(100 * size / limit, 1), 100.0)


def _costs(shown: Preview) -> tuple[CostLine, ...]:
    most = max((cost.bytes for cost in shown.fields), default=1)
    return tuple(
        CostLine(
            "Frame, names and proof" if cost.field == FRAME else _named(cost.field),
            words.number(cost.bytes),
            round(100 * max(cost.bytes, 0) / most, 1),
        )
        for cost in shown.fields
    )


def _named(field: str) -> str:
    """Buttons are counted from one on the page."""
    return re.sub(r"^actions\[(\d+)\]", lambda found: f"button {int(found[1]) + 1}", field)


def _trim(shown: Preview) -> str:
    if shown.trim is None:
        return ""
    by = words.plural(shown.trim.bytes, "byte")
    if _over(shown) > shown.limit:
        return f"Too large: shorten {_named(shown.trim.field)} by {by} or more."
    return f"Little room left: {by} less in {_named(shown.trim.field)} would leave a tenth free."


def _links(message: Message) -> Iterator[LinkLine]:
    if message.link:
        yield _link("Tap on the notification", message.link, message.platform)
    for action in message.actions:
        if action.link:
            yield _link(f"Button “{action.title}”", action.link, message.platform)


def _link(at: str, url: str, platform: str) -> LinkLine:
    parts = urlsplit(url)
    web = parts.scheme in ("http", "https")
    rest = parts.path + (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
    return LinkLine(
        at=at,
        url=url,
        kind="Web address" if web else "Deep link",
        scheme=parts.scheme,
        host=parts.netloc,
        path=rest,
        told=_told(platform, web, parts.netloc),
    )


def _told(platform: str, web: bool, host: str) -> str:
    if platform == "web":
        return (
            "The browser opens it, or comes back to a tab that shows it."
            if web
            else "Browsers open web addresses; of this one they ask first, or do nothing."
        )
    if not web:
        return "The app opens the screen that this names."
    claims = "as a universal link" if platform == "ios" else "as an app link"
    return f"Opens in the app if it claims {host} {claims}, otherwise in the browser."
