"""How many people a send is for, counted within the time that somebody waits and kept for a while."""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar, cast

from backend.db import Work
from backend.errors import Invalid, NotFound, TooSlow
from backend.queries import calendar as queries
from backend.queries.patience import limited
from backend.services import segmentation

SECONDS: Final = 4.0
"""What is not counted by then is counted the next time somebody looks."""
FRESH: Final = 300.0
KEPT: Final = 2_000
SAMPLE: Final = 2_000
MOST: Final = 20
BUCKETS: Final = 2**32
EVERYONE: Final[Mapping[str, Any]] = {"everyone": True}
Found = TypeVar("Found")


class Memory:
    """The newest answers of this process, each for five minutes; it may be asked from any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any | None:
        with self._lock:
            at, value = self._kept.get(key, (0.0, None))
        return value if time.monotonic() - at < FRESH else None

    def put(self, key: Hashable, value: Any) -> None:
        with self._lock:
            self._kept[key] = (time.monotonic(), value)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


_memory = Memory()


class People:
    """The counts of one look at the calendar, within its time."""

    def __init__(self, work: Work, memory: Memory | None = None) -> None:
        self._work, self._memory = work, memory or _memory
        self._until = time.monotonic() + SECONDS

    def reachable(self) -> int | None:
        """The people of the app who have a device that can be sent to."""
        return self.of(EVERYONE)

    def of(self, audience: Mapping[str, Any]) -> int | None:
        """The people of an audience with a device to send to; None where that takes too long, and of topics."""
        if audience.get("topics"):
            return None
        return self._known(("audience", _key(audience)), lambda: self._count(audience))

    def of_run(self, run_id: int, ended: bool) -> int | None:
        """The people whom a run was planned for."""
        key = ("run", run_id, ended)
        return self._known(key, lambda: queries.people_of(self._work.session, run_id))

    def in_several(self, audiences: Sequence[Mapping[str, Any]]) -> float | None:
        """The share of the app's people who are in two or more of these audiences, from a stable sample of them; None of
        days with very many sends."""
        asked = [one for one in audiences if not one.get("topics")]
        if not 2 <= len(asked) <= MOST or not (sample := self._known("sample", self._sample)):
            return None
        members = [self._members(one, sample) for one in asked]
        if any(found is None for found in members):
            return None
        several = sum(sum(person in found for found in members if found is not None) > 1 for person in sample)
        return several / len(sample)

    def _count(self, audience: Mapping[str, Any]) -> int:
        size = segmentation.audience_size(self._work, audience)
        return size.people - sum(size.people_unreachable.values())

    def _sample(self) -> Sequence[int]:
        total = max(self._count(EVERYONE), 1)
        below = min(BUCKETS, BUCKETS * SAMPLE // total)
        return queries.some_people(self._work.session, self._work.app_id, below, SAMPLE)

    def _members(self, audience: Mapping[str, Any], sample: Sequence[int]) -> frozenset[int] | None:
        def found() -> frozenset[int]:
            condition = segmentation.audience_where(self._work, audience)
            return frozenset(queries.among(self._work.session, condition, sample))

        return self._known(("members", _key(audience)), found)

    def _known(self, key: Hashable, count: Callable[[], Found]) -> Found | None:
        """What is remembered, or found in the time that is left. Audiences that name what is gone are for nobody."""
        mine = (self._work.core.settings.database_url, self._work.app_id, key)
        if (kept := self._memory.get(mine)) is not None:
            return cast("Found", kept)
        left = self._until - time.monotonic()
        if left <= 0:
            return None
        with suppress(TooSlow, Invalid, NotFound), limited(self._work.session, left):
            found = count()
            self._memory.put(mine, found)
            return found
        return None


def _key(audience: Mapping[str, Any]) -> str:
    return json.dumps(audience, sort_keys=True)
