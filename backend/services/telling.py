"""A few people of the audience who show best what a text does: found in a stretch of it, at once."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from backend.db import Work
from backend.domain import content
from backend.domain.message import Message
from backend.domain.vocabulary import Permission, Platform
from backend.errors import Invalid, TemplateError, TooSlow
from backend.queries import preflight as queries
from backend.queries.patience import limited
from backend.services import (
    addresses,
    campaigns,
    ids,
    inspector,
    lookahead,
    payload_costs,
    rendering,
    runs,
    segmentation,
    triggers,
)
from backend.services import template_engine as engine
from backend.services.runs import RunContext

PAGE: Final = 500
LOOK: Final = 2_000
AT_ONCE: Final = 0.6
"""Seconds for which somebody waits for whom they have not asked for."""
SHORTEST, LONGEST, MISSING = "shortest", "longest", "missing"
RIGHT_TO_LEFT, OTHER_LANGUAGE, MOST_BYTES = "right_to_left", "other_language", "most_bytes"
_ORDER: Final = (SHORTEST, LONGEST, MISSING, RIGHT_TO_LEFT, OTHER_LANGUAGE, MOST_BYTES)
_WRITTEN_LEFTWARDS: Final = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "ps", "sd", "ug", "ur", "yi"})


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody worth looking through. `why` is one of shortest, longest, missing, right_to_left, other_language (where
    nobody reads leftwards) and most_bytes; `detail` says how much, what, or which.
    """

    why: str
    user_id: str
    device_id: str
    platform: str
    locale: str
    detail: str


@dataclass(frozen=True, slots=True)
class Telling:
    """The recipients, at most one for each reason, all different people.

    `looked` devices were looked at, `whole` when these are the audience's all. `largest` is by platform the most
    bytes that counted against the limit among them.
    """

    items: tuple[Recipient, ...]
    looked: int
    whole: bool
    largest: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Seen:
    row: Any
    reader: str
    locale: str
    length: int
    bytes: int
    lacks: str


def recipients(
    work: Work, campaign_id: str, *, variant: str | None = None, text: Mapping[str, Any] | None = None
) -> Telling:
    """Those of a campaign's audience for one of its variants, or for `text` in its place.

    Nobody is told of where the text or the audience cannot be used yet, nor of a send to topics: all its followers
    get the same.
    """
    campaign = campaigns.find(work, campaign_id, lock=False)
    at = inspector.position(campaign.definition["variants"], variant)
    if campaign.definition["audience"].get("topics"):
        return Telling((), 0, False, {})
    try:
        context = inspector.context_of(work, campaign, at, text)
        look = _Look(work, context, at, triggers.sample(work, campaign.definition["schedule"]))
        look.over(campaign.definition["audience"])
    except Invalid:
        return Telling((), 0, False, {})
    return Telling(_chosen(work, look.seen, context.default_locale), len(look.seen), look.whole, look.largest)


class _Look:
    """One walk over the first devices of an audience that a push would reach, as far as time allows."""

    def __init__(self, work: Work, context: RunContext, variant: int, said: Mapping[str, Any] | None) -> None:
        self._work, self._context, self._variant, self._said = work, context, variant, said
        self._encoders: dict[int, lookahead.Encode] = {}
        self.seen: list[_Seen] = []
        self.whole = False
        self.largest: dict[str, int] = {}

    def over(self, audience: Mapping[str, Any]) -> None:
        """Raises `Invalid` naming a segment or list that is gone."""
        ends, work = time.monotonic() + AT_ONCE, self._work
        where, after = segmentation.audience_where(work, audience, by_number=True), 0
        with suppress(TooSlow), limited(work.session, AT_ONCE):
            while len(self.seen) < LOOK and time.monotonic() < ends:
                page = queries.page(work.app_id, where, after, PAGE)
                rows = queries.devices(work.session, page, self._context.category_id, work.now, None)
                self.seen += (self._see(row) for row in rows if row.permission != Permission.DENIED)
                if len(rows) < PAGE:
                    self.whole = True
                    return
                after = rows[-1].device_id

    def _see(self, found: Any) -> _Seen:
        row = found._replace(variant=self._variant, context=self._said)
        context = self._context
        chain = content.locale_chain(row.locale, row.language, context.default_locale)
        reader = chain[0] if chain else ""
        lacks = next(self._lacking(row, chain), "")
        try:
            message = runs.render(row, context, chain, self._work.core.keyring)
        except TemplateError:
            return _Seen(row, reader, "", 0, 0, lacks)
        size = self._size(row, message)
        self.largest[row.platform] = max(self.largest.get(row.platform, 0), size)
        length = len(message.title) + len(message.subtitle) + len(message.body)
        return _Seen(row, reader, message.locale, length, size, lacks)

    def _size(self, row: Any, message: Message) -> int:
        encode = self._encoders.get(row.credential_id)
        if encode is None:
            encode = self._encoders[row.credential_id] = lookahead.encode_for(self._work, row.credential_id)
        address = addresses.unseal(self._work.core.keyring, self._context.app_id, row)
        return payload_costs.measured(encode, message, address)

    def _lacking(self, row: Any, chain: tuple[str, ...]) -> Iterator[str]:
        """The variables that the texts read of this person or device and do not find."""
        wording = self._context.wordings[min(self._variant, len(self._context.wordings) - 1)]
        paths = _read_by(wording, Platform(row.platform), chain)
        known = runs.variables(row, self._context) if paths else {}
        return (".".join(path) for path in paths if _is_missing(known, path))


def _read_by(wording: content.Wording, platform: Platform, chain: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    said = wording.on(platform, chain)[0]
    found = {use.path for _, text in rendering.texts(said, "") for use in engine.reads(text)}
    return tuple(sorted(path for path in found if path[0] in ("user", "device")))


def _is_missing(known: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        known = known.get(name) if isinstance(known, Mapping) else None
    return known in (None, "")


def _chosen(work: Work, seen: list[_Seen], default: str) -> tuple[Recipient, ...]:
    """The rarest first, so that each reason has a person of its own where there are enough."""
    filled = [one for one in seen if one.bytes]
    leftwards = sorted((one for one in filled if _leftwards(one.reader)), key=lambda one: not _leftwards(one.locale))
    others = sorted((one for one in filled if one.reader != default), key=lambda one: one.locale == default)
    queues: dict[str, list[_Seen]] = {
        MISSING: [one for one in seen if one.lacks],
        **({RIGHT_TO_LEFT: leftwards} if leftwards else {OTHER_LANGUAGE: others}),
        LONGEST: sorted(filled, key=lambda one: -one.length),
        SHORTEST: sorted(filled, key=lambda one: one.length),
        MOST_BYTES: sorted(filled, key=lambda one: -one.bytes),
    }
    taken: dict[int, Recipient] = {}
    for why, queue in queues.items():
        best = next((one for one in queue if one.row.user_id not in taken), None)
        if best is not None:
            taken[best.row.user_id] = _recipient(work, why, best)
    return tuple(sorted(taken.values(), key=lambda one: _ORDER.index(one.why)))


def _leftwards(tag: str) -> bool:
    return tag.partition("-")[0] in _WRITTEN_LEFTWARDS


_DETAILS: Final[Mapping[str, Callable[[_Seen], str]]] = {
    SHORTEST: lambda one: f"{one.length} characters",
    LONGEST: lambda one: f"{one.length} characters",
    MISSING: lambda one: one.lacks,
    RIGHT_TO_LEFT: lambda one: one.reader,
    OTHER_LANGUAGE: lambda one: one.reader,
    MOST_BYTES: lambda one: f"{one.bytes} bytes",
}


def _recipient(work: Work, why: str, one: _Seen) -> Recipient:
    row = one.row
    return Recipient(
        why=why,
        user_id=row.external_id or ids.public(work, ids.USER, row.user_id),
        device_id=ids.public(work, ids.DEVICE, row.device_id),
        platform=row.platform,
        locale=one.locale or one.reader,
        detail=_DETAILS[why](one),
    )
