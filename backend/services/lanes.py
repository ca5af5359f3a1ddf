"""The lanes that this process has open: one provider object for each credential in use, and how it fares."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backend.domain.vocabulary import ProviderName
from backend.providers import build
from backend.providers.base import Credential, Provider
from backend.services.hosts import Hosts
from backend.services.meter import Meter
from backend.settings import Settings

UNUSED = 600.0
"""Seconds after which a lane that nobody uses is closed."""


@dataclass(slots=True, eq=False)
class Lane:
    """One credential's provider. `turn` is held from asking for room to handing rows over.

    `known`: its provider has answered this process, or is many hosts, each of which has its own. `users` are the chunks that send through it
    now, `used_at` is when somebody last asked for it.
    """

    name: ProviderName
    credential: Credential
    provider: Provider
    meter: Meter = field(default_factory=Meter)
    hosts: Hosts = field(default_factory=Hosts)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    in_flight: int = 0
    known: bool = False
    users: int = 0
    used_at: float = 0.0

    @property
    def id(self) -> int:
        return self.credential.id


class Lanes:
    """The provider connections of one sender process. Use it in one event loop.

    While `may_send` says no, requests end as not sent instead of leaving.
    """

    def __init__(self, settings: Settings, may_send: Callable[[], bool] | None = None) -> None:
        self._settings, self._may_send = settings, may_send
        self._open: dict[int, Lane] = {}
        self._replaced: list[Lane] = []

    def get(self, name: ProviderName, credential: Credential) -> Lane:
        """The lane that acts with this credential; a changed credential gets a new one.

        The one before it stays open as long as chunks send through it.
        """
        lane = self._open.get(credential.id)
        if lane is None or lane.credential != credential:
            if lane is not None:
                self._replaced.append(lane)
            lane = self._open[credential.id] = self._new(name, credential)
        lane.used_at = time.monotonic()
        return lane

    def _new(self, name: ProviderName, credential: Credential) -> Lane:
        provider = build(name, credential, self._settings, self._may_send)
        return Lane(name, credential, provider, known=name is ProviderName.WEBPUSH)

    def resting(self) -> list[int]:
        """Lanes whose provider is left alone now: claiming their chunks would only mean to give them back."""
        return [number for number, lane in self._open.items() if not lane.provider.admit(None, 1).count]

    def reports(self) -> dict[int, dict[str, Any]]:
        """How each lane fares, by credential, in the shape that `lane_reports.write` takes."""
        now = time.monotonic()
        return {
            number: lane.meter.report(lane.in_flight, lane.provider.hosts(), now) for number, lane in self._open.items()
        }

    async def tidy(self) -> None:
        """Closes what nobody uses any more."""
        old = time.monotonic() - UNUSED
        unused = [lane for lane in self._open.values() if not lane.users and lane.used_at < old]
        for lane in unused:
            del self._open[lane.id]
        ended = [lane for lane in self._replaced if not lane.users and lane.used_at < old]
        self._replaced = [lane for lane in self._replaced if lane not in ended]
        for lane in (*unused, *ended):
            await lane.provider.close()

    async def close(self) -> None:
        """Ends every connection: what is on the network becomes unknown, what waits was not sent."""
        lanes = [*self._replaced, *self._open.values()]
        self._replaced.clear()
        self._open.clear()
        await asyncio.gather(*(lane.provider.close() for lane in lanes))
