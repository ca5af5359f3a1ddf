"""Simulated people: they get the push or not, look, tap or wipe it away, and their app reports it.

What a person does with a push is a function of the seed and the push alone, so that two runs tell the
same story. Receipts go to the product's API in small batches, as an SDK sends them, and are tried again
until the API takes them.
"""

import asyncio
import contextlib
import datetime as dt
import hashlib
import heapq
import itertools
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from backend.domain.vocabulary import ReceiptType
from backend.simulator.push import Push

_log = logging.getLogger(__name__)
_BATCH = 50
_POSTERS = 4
_GATHER = 0.05
_PENDING_KEPT = 1_000_000
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class Habits:
    """Shares of pushes, and the ranges in seconds that people take."""

    delivered: float = 0.92
    displayed: float = 0.97
    """Of the delivered."""
    opened: float = 0.24
    """Of the displayed."""
    action: float = 0.06
    """Of the opened, where there are buttons."""
    dismissed: float = 0.20
    """Of the displayed and not opened."""
    deliver_after: tuple[float, float] = (0.02, 0.4)
    display_after: tuple[float, float] = (0.005, 0.05)
    decide_after: tuple[float, float] = (0.5, 3.0)
    give_up_after: float = 600.0
    """A receipt that the API has not taken for so long is counted as failed."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Something a person did at `at` (epoch seconds)."""

    at: float
    m: str
    t: str
    type: ReceiptType
    action: str | None = None

    def body(self) -> dict[str, str]:
        moment = dt.datetime.fromtimestamp(self.at, dt.UTC).isoformat()
        body = {"m": self.m, "t": self.t, "type": self.type.value, "at": moment}
        return body | {"action": self.action} if self.action else body


@dataclass(slots=True)
class Counts:
    """What people did, and what became of their receipts."""

    done: dict[str, int] = field(default_factory=lambda: {each.value: 0 for each in ReceiptType})
    pending: int = 0
    posted: int = 0
    duplicates: int = 0
    refused: int = 0
    failed: int = 0

    def stats(self) -> dict[str, int]:
        """`posted` are those that the API took; of these it knew `duplicates` and disbelieved `refused`."""
        rest = ("pending", "posted", "duplicates", "refused", "failed")
        return self.done | {name: getattr(self, name) for name in rest}


class People:
    """Everybody behind the devices. Without a `base_url` nobody reacts.

    Raises `ValueError` where `base_url` is no http or https address.
    """

    def __init__(self, base_url: str | None, *, seed: int = 1, habits: Habits | None = None) -> None:
        if base_url and not base_url.startswith(("http://", "https://")):
            raise ValueError(f"{base_url!r} is not an http or https address")
        self._url = f"{base_url.rstrip('/')}/api/v1/receipts" if base_url else None
        self._habits = habits or Habits()
        self.seed = seed
        self.slowness = 1.0
        # (due, a number that makes it unique, receipt): tuples of numbers compare without Python code.
        self._heap: list[tuple[float, int, Receipt]] = []
        self._order = itertools.count()
        self._counts = Counts()
        self._wake = asyncio.Event()
        self._batches: asyncio.Queue[tuple[list[Receipt], Counts]] = asyncio.Queue(_POSTERS)

    def stats(self) -> dict[str, int]:
        return self._counts.stats()

    def reset(self) -> None:
        """Forgets what is still to happen; batches under way no longer count."""
        self._heap.clear()
        self._counts = Counts()

    def react(self, push: Push) -> None:
        """Plans what the person will do with a push."""
        if self._url is None or not (push.m and push.t):
            return
        now = time.time()
        for after, kind, action in self._plan(push):
            self._counts.done[kind.value] += 1
            if self._counts.pending >= _PENDING_KEPT:
                self._counts.failed += 1
                continue
            self._counts.pending += 1
            at = now + after * self.slowness
            heapq.heappush(self._heap, (at, next(self._order), Receipt(at, push.m, push.t, kind, action)))
        self._wake.set()

    def _plan(self, push: Push) -> Iterator[tuple[float, ReceiptType, str | None]]:
        habits, chance = self._habits, _Chance(self.seed, push.m)
        if chance.draw() >= habits.delivered:
            return
        after = chance.between(habits.deliver_after)
        yield after, ReceiptType.DELIVERED, None
        if not push.visible or chance.draw() >= habits.displayed:
            return
        after += chance.between(habits.display_after)
        yield after, ReceiptType.DISPLAYED, None
        opens, wipes = chance.draw() < habits.opened, chance.draw() < habits.dismissed
        after += chance.between(habits.decide_after)
        if opens:
            yield after, ReceiptType.OPENED, None
            if push.actions and chance.draw() < habits.action:
                yield after, ReceiptType.ACTION, chance.pick(push.actions)
        elif wipes:
            yield after, ReceiptType.DISMISSED, None

    async def live(self) -> None:
        """Posts receipts as they fall due, until cancelled."""
        if self._url is None:
            return
        limits = httpx.Limits(max_connections=_POSTERS, max_keepalive_connections=_POSTERS)
        async with (
            httpx.AsyncClient(limits=limits, timeout=15, trust_env=False) as client,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(_POSTERS):
                group.create_task(self._post_batches(client))
            group.create_task(self._gather())

    async def _gather(self) -> None:
        while True:
            while self._heap:
                await asyncio.sleep(_GATHER)
                while batch := self._due(time.time()):
                    await self._batches.put((batch, self._counts))
            self._wake.clear()
            await self._wake.wait()

    def _due(self, now: float) -> list[Receipt]:
        batch: list[Receipt] = []
        while self._heap and self._heap[0][0] <= now and len(batch) < _BATCH:
            batch.append(heapq.heappop(self._heap)[2])
        return batch

    async def _post_batches(self, client: httpx.AsyncClient) -> None:
        while True:
            batch, counts = await self._batches.get()
            await self._post(client, batch, counts)
            counts.pending -= len(batch)

    async def _post(self, client: httpx.AsyncClient, batch: list[Receipt], counts: Counts) -> None:
        """Until the API takes the batch, refuses it for good, or `give_up_after` is over."""
        body = orjson.dumps({"receipts": [receipt.body() for receipt in batch]})
        give_up, wait = time.time() + self._habits.give_up_after, _FIRST_WAIT
        while True:
            response = await self._attempt(client, body)
            if response is not None and not _again(response):
                _settle(response, len(batch), counts)
                return
            if time.time() + wait > give_up:
                counts.failed += len(batch)
                _log.warning("gave up on %d receipts", len(batch))
                return
            await asyncio.sleep(max(wait, _retry_after(response)))
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _attempt(self, client: httpx.AsyncClient, body: bytes) -> httpx.Response | None:
        assert self._url is not None
        with contextlib.suppress(httpx.TransportError):
            return await client.post(self._url, content=body, headers={"content-type": "application/json"})
        return None


class _Chance:
    """Numbers in [0, 1) that only the seed and the message decide."""

    def __init__(self, seed: int, m: str) -> None:
        self._bytes = hashlib.blake2b(f"{seed}\0{m}".encode(), digest_size=64).digest()
        self._at = 0

    def draw(self) -> float:
        self._at += 4
        return int.from_bytes(self._bytes[self._at - 4 : self._at]) / 2**32

    def between(self, ends: tuple[float, float]) -> float:
        return ends[0] + (ends[1] - ends[0]) * self.draw()

    def pick(self, choices: tuple[str, ...]) -> str:
        return choices[int(self.draw() * len(choices))]


def _again(response: httpx.Response) -> bool:
    """404 is tried again too: that is what answers while the API is not mounted yet."""
    return response.status_code >= 500 or response.status_code in {404, 408, 429}


def _retry_after(response: httpx.Response | None) -> float:
    text = response.headers.get("retry-after", "") if response is not None else ""
    return min(float(text), 60.0) if text.isdecimal() else 0.0


def _settle(response: httpx.Response, size: int, counts: Counts) -> None:
    if not response.is_success:
        _log.warning("the API refused %d receipts: %d %s", size, response.status_code, response.text[:500])
        counts.failed += size
        return
    counts.posted += size
    answer = _json(response)
    counts.duplicates += _number(answer.get("duplicates"))
    counts.refused += _number(answer.get("refused"))


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
