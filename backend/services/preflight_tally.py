"""What a pre-flight counts, device by device."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from backend import providers
from backend.domain import content
from backend.domain.message import Address, Message
from backend.domain.vocabulary import AddressKind, Platform, ProviderName, SkipReason
from backend.services.preflight_walk import Fate
from backend.services.runs import NotSent, Ready

TOLD: Final = 200
"""So many different troubles are told apart; a text that fails in another way for everybody needs no more."""


@dataclass(slots=True)
class Trouble:
    """Devices to which the same thing happens: how many, and the first of them."""

    example: int
    devices: int = 0


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a device's message: in which variant and field, and by which reason it is skipped."""

    variant: int
    field: str
    detail: str
    reason: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture's address in a variant's message on one platform."""

    variant: int
    platform: Platform
    url: str


@dataclass
class Tally:
    """The sums so far. `later` counts by reason who is held and then left out; `lacking` by language who reads one
    that the content does not speak;
    `largest` has by platform the bytes that count of the largest body, and how many may."""

    audience: int = 0
    send: int = 0
    deferred: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    later: Counter[str] = field(default_factory=Counter)
    until: Counter[datetime] = field(default_factory=Counter)
    platforms: Counter[str] = field(default_factory=Counter)
    lanes: Counter[int] = field(default_factory=Counter)
    locales: Counter[str] = field(default_factory=Counter)
    lacking: Counter[str] = field(default_factory=Counter)
    linkless: int = 0
    pictures: Counter[Shown] = field(default_factory=Counter)
    largest: dict[str, tuple[int, int]] = field(default_factory=dict)
    troubles: dict[Wrong, Trouble] = field(default_factory=dict)

    def add(self, fate: Fate) -> None:
        row, result = fate.row, fate.result
        self.audience += 1
        self.platforms[row.platform] += 1
        self.lanes[row.credential_id] += 1
        if fate.until is not None:
            self.deferred += 1
            self.until[_quarter(fate.until)] += 1
        if isinstance(result, NotSent):
            (self.skipped if fate.until is None else self.later)[result.reason] += 1
            self._explain(row, result)
        elif isinstance(result, Ready):
            self.send += fate.until is None
            self._measure(row, result)

    def _explain(self, row: Any, result: NotSent) -> None:
        if result.reason == SkipReason.TOO_LARGE:
            address = Address(ProviderName(row.provider), AddressKind(row.address_kind), "")
            self._largest(row.platform, result.size, providers.limit(address))
            self._trouble(row, "", row.platform, result.reason)
        elif result.detail:
            name, _, detail = result.detail.partition(": ")
            self._trouble(row, name, detail, result.reason)

    def _measure(self, row: Any, result: Ready) -> None:
        size = providers.counted(result.body, result.address)
        self._largest(row.platform, size, providers.limit(result.address))
        if not result.message.link and not result.message.silent and row.platform == Platform.WEB:
            self.linkless += 1
        self._picture(row.variant, result.message)
        self.locales[result.locale] += 1
        if row.address_kind != AddressKind.TOPIC and (missed := _missed(row, result.locale)):
            self.lacking[missed] += 1

    def _picture(self, variant: int, whole: Message) -> None:
        for message in (whole, *whole.others):
            if message.image and not message.silent:
                shown = Shown(variant, message.platform, message.image)
                if shown in self.pictures or len(self.pictures) < TOLD:
                    self.pictures[shown] += 1

    def _largest(self, platform: str, size: int, limit: int) -> None:
        """The body that comes nearest to its limit, or goes furthest beyond it."""
        largest, of = self.largest.get(platform, (0, 1))
        if size * of > largest * limit:
            self.largest[platform] = (size, limit)

    def _trouble(self, row: Any, name: str, detail: str, reason: str) -> None:
        wrong = Wrong(row.variant, name, detail, reason)
        if wrong not in self.troubles and len(self.troubles) >= TOLD:
            wrong = Wrong(row.variant, name, "", reason)
        self.troubles.setdefault(wrong, Trouble(row.device_id)).devices += 1


def _missed(row: Any, locale: str) -> str:
    """The language that its reader would like, where the content speaks none of theirs; else ""."""
    wanted = content.locale_chain(row.locale, row.language)
    return "" if not wanted or locale in wanted else next(tag for tag in wanted if "-" not in tag)


def _quarter(at: datetime) -> datetime:
    """The quarter of an hour that it lies in."""
    past = timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    return at - past


def histogram(until: Mapping[datetime, int], shown: int) -> list[tuple[datetime | None, int]]:
    """The first instants with their devices; the rest together under None."""
    ordered = sorted(until.items())
    rest = sum(devices for _, devices in ordered[shown:])
    return [*ordered[:shown], *([(None, rest)] if rest else [])]
