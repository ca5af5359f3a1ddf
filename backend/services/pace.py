"""How fast a lane and a campaign may send: token buckets that all workers share through the database.

    pacer = Pacer(core)                              one a process; every method may be called from any thread
    lane = lane_rate(work, credential_id)            once a chunk
    run = run_rate(run_id, run.throttle_per_minute)  None without a throttle
    grant = pacer.grant(lane, run, wanted)           once a group, before rows are marked; at most a short transaction
                                                     `urgent=True` for what a person waits for: it goes first
    ... mark and send `grant.count` rows ...         0 to wanted
    pacer.give_back(grant, unused)                   rows that were skipped, expired or no longer ours
    if grant.count < wanted: await asyncio.sleep(grant.wait)     cap it, and look whether to stop or the run paused
    pacer.slow_down(credential_id)                   after a 429 that means the whole lane

A token is one request to the provider. Tokens are taken for at most half a second of work and used up
from memory; a bucket that had too few is asked again after about a quarter of a second. So a lane costs
two to four short transactions a second and process, however fast it is, and what nothing limits costs
none. A member's new limit holds from the next half second on.
"""

import contextlib
import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import SystemRandom

from sqlalchemy.exc import OperationalError

from backend.bootstrap import Core
from backend.db import Work
from backend.dispatch.leases import WORKER
from backend.domain import pace
from backend.domain.pace import Bucket
from backend.queries import credentials
from backend.queries import pace as queries

log = logging.getLogger("tocsin.pace")

CHUNK = 500
MUCH = pace.RAMP_FROM // CHUNK
"""Fewer full chunks than these cannot be much; with fewer than half of them the lane is calm again."""
COUNTED = 1.0
"""Seconds between two counts of the rows that wait in many chunks."""
ASK_AGAIN = (0.2, 0.3)
"""Seconds until a bucket that had too few is asked again: by chance, so that workers do not queue up in one order."""
CHANCE = SystemRandom()
MANY = 0.1
"""The part of a full bucket that is worth a transaction to give back."""
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LaneRate:
    """What limits a lane: requests a second (None: nothing does); `ramps` where the provider wants us to grow."""

    credential_id: int
    per_second: float | None
    ramps: bool = False


@dataclass(frozen=True, slots=True)
class RunRate:
    """A campaign's throttle: pushes in any minute."""

    run_id: int
    per_minute: int


@dataclass(frozen=True, slots=True)
class Grant:
    """`count` rows may be sent now; when they are fewer than wanted, ask again in `wait` seconds."""

    count: int
    wait: float
    lane: LaneRate
    run: RunRate | None


@dataclass(frozen=True, slots=True)
class _Ask:
    """So many tokens of a bucket with this rate; `lane` when it is a lane's."""

    rate: float
    wanted: int
    urgent: bool = False
    lane: LaneRate | None = None


@dataclass(slots=True)
class _Purse:
    """What this process holds of one bucket, for one slice of time from `taken_at` on.

    `pull` is what it takes at a time: about as much as it used in the slice before. While `dry_for` seconds
    from `dry_at` have not passed, the bucket is not asked. `free` is a slice in which nothing limits, `growing`
    a bucket that grows into its rate, or has, because very much waits.
    """

    name: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    held: int = 0
    taken: int = 0
    taken_at: datetime | None = None
    free: bool = False
    pull: int = 1
    dry_at: datetime | None = None
    dry_for: float = 0.0
    growing: bool = False
    counted_at: datetime | None = None
    slowed_at: datetime | None = None


def lane_rate(work: Work, credential_id: int) -> LaneRate:
    """What limits this lane now."""
    provider, most = credentials.limit(work.session, credential_id)
    return LaneRate(credential_id, pace.lane_rate(provider, most), ramps=provider in pace.PER_MINUTE)


def run_rate(run_id: int, throttle_per_minute: int | None) -> RunRate | None:
    """What limits this run, if anything does."""
    return RunRate(run_id, throttle_per_minute) if throttle_per_minute else None


def forget(work: Work) -> None:
    """Removes the buckets of lanes and runs that nobody has used for a day."""
    queries.forget(work.session, work.now - KEPT)


class Pacer:
    """The shared buckets as one process sees them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._purses: dict[str, _Purse] = {}
        self._lock = threading.Lock()

    def grant(self, lane: LaneRate, run: RunRate | None, wanted: int, *, urgent: bool = False) -> Grant:
        """How many of `wanted` rows may go out now. Raises `OperationalError` while the database is away.

        In a lane that has no tokens left `urgent` rows are sent on credit, so that others do not hold them up.
        """
        count, wait = wanted, 0.0
        if run is not None:
            count, wait = self._take(_of_run(run), _Ask(pace.even(run.per_minute), wanted))
        if count and lane.per_second is not None:
            allowed = count
            count, dry = self._take(_of_lane(lane.credential_id), _Ask(lane.per_second, allowed, urgent, lane))
            wait = max(wait, dry)
            if run is not None:
                self._put_back(_of_run(run), allowed - count)
        return Grant(count, wait, lane, run)

    def give_back(self, grant: Grant, unused: int) -> None:
        """Rows that were granted and not sent: their tokens are there for the next group.

        Where they are a good part of what the bucket holds, they are there at once for all workers.
        """
        rates = {_of_lane(grant.lane.credential_id): grant.lane.per_second}
        if grant.run is not None:
            rates[_of_run(grant.run)] = pace.even(grant.run.per_minute)
        for name, rate in rates.items():
            if rate is not None and unused > MANY * pace.burst(rate):
                self._return(name, rate, unused)
            elif rate is not None:
                self._put_back(name, unused)

    def slow_down(self, credential_id: int) -> None:
        """The provider says that the lane is too fast: half its rate for all workers, growing back over a minute.

        At most once a minute, and nothing where no rate is known that could be halved.
        """
        purse, now = self._purse(_of_lane(credential_id)), self._core.clock()
        with purse.lock:
            if _within(purse.slowed_at, pace.GROWTH_SECONDS, now):
                return
            purse.slowed_at, purse.held = now, 0
            with self._core.work(WORKER) as work:
                done = _slow(work, purse.name, lane_rate(work, credential_id).per_second)
        if done:
            log.warning("credential %d is asked to slow down: half its rate, growing back", credential_id)

    def _take(self, name: str, ask: _Ask) -> tuple[int, float]:
        """Tokens from memory, else from the bucket; how many, and how long to wait when they are too few."""
        purse, wanted, now = self._purse(name), ask.wanted, self._core.clock()
        with purse.lock:
            live = _within(purse.taken_at, pace.HOLD_SECONDS, now)
            if live and purse.free:
                return wanted, 0.0
            dry = _within(purse.dry_at, purse.dry_for, now) and not ask.urgent
            if (not live or purse.held < wanted) and not dry:
                self._refill(purse, ask, now)
            if purse.free:
                return wanted, 0.0
            count = min(wanted, purse.held) if _within(purse.taken_at, pace.HOLD_SECONDS, now) else 0
            purse.held -= count
            return count, _left(purse, now) if count < wanted else 0.0

    def _refill(self, purse: _Purse, ask: _Ask, now: datetime) -> None:
        """Gives back what is held and takes what this process is likely to use in a slice, at least what is wanted."""
        lane, wanted = ask.lane, ask.wanted
        live = _within(purse.taken_at, pace.HOLD_SECONDS, now)
        purse.pull = max(wanted, 2 * purse.pull if live else purse.taken - purse.held)
        much = self._much(purse, lane, now)
        with self._core.work(WORKER) as work:
            fresh = ask.rate if lane is None else lane_rate(work, lane.credential_id).per_second
            purse.taken_at, purse.free = now, fresh is None
            if fresh is None:
                return
            bucket = pace.give_back(_filled(work, purse.name, fresh), fresh, purse.held)
            if much is not None:
                bucket = pace.pressed(bucket, fresh) if much else pace.calmed(bucket)
            bucket, count = pace.take(bucket, fresh, wanted, purse.pull, urgent=ask.urgent)
            queries.write(work.session, purse.name, bucket)
        purse.held, purse.taken, purse.growing = count, count, bucket.ramp_started_at is not None
        if count < purse.pull:
            purse.pull, purse.dry_at = max(wanted, count), now
            purse.dry_for = max(pace.wait(bucket, fresh, wanted - count), CHANCE.uniform(*ASK_AGAIN))

    def _much(self, purse: _Purse, lane: LaneRate | None, now: datetime) -> bool | None:
        """Whether very much (True) or little (False) waits in a lane that has to grow into its rate."""
        if lane is None or not lane.ramps:
            return None
        with self._core.reading(WORKER) as work:
            chunks = queries.chunks_waiting(work.session, lane.credential_id, work.now, MUCH + 1)
            if chunks <= MUCH:
                return False if chunks < MUCH // 2 else None
            if purse.growing or _within(purse.counted_at, COUNTED, now):
                return None
            purse.counted_at = now
            most = pace.RAMP_FROM + 1
            return queries.rows_waiting(work.session, lane.credential_id, work.now, most) == most or None

    def _return(self, name: str, rate: float, unused: int) -> None:
        """While the database is away they are lost: that is on the safe side."""
        with contextlib.suppress(OperationalError), self._core.work(WORKER) as work:
            bucket = pace.give_back(_filled(work, name, rate), rate, unused)
            queries.write(work.session, name, bucket)

    def _put_back(self, name: str, unused: int) -> None:
        purse = self._purse(name)
        with purse.lock:
            purse.held += unused

    def _purse(self, name: str) -> _Purse:
        with self._lock:
            return self._purses.setdefault(name, _Purse(name))


def _filled(work: Work, name: str, rate: float) -> Bucket:
    """The bucket as it is now, locked."""
    return pace.filled(queries.locked(work.session, name, pace.full(rate, work.now)), rate, work.now)


def _slow(work: Work, name: str, rate: float | None) -> bool:
    """Halves the rate of a bucket; whether that was due."""
    if rate is None:
        return False
    slower = pace.slowed(_filled(work, name, rate), rate)
    if slower is not None:
        queries.write(work.session, name, slower)
    return slower is not None


def _within(since: datetime | None, seconds: float, now: datetime) -> bool:
    """Whether that many seconds have not passed yet; a clock that was set back ends every wait."""
    return since is not None and 0 <= (now - since).total_seconds() < seconds


def _left(purse: _Purse, now: datetime) -> float:
    """Seconds until the bucket is worth asking."""
    passed = (now - purse.dry_at).total_seconds() if purse.dry_at is not None else 0.0
    return max(ASK_AGAIN[0] / 10, purse.dry_for - passed)


def _of_lane(credential_id: int) -> str:
    return f"lane:{credential_id}"


def _of_run(run: RunRate) -> str:
    return f"run:{run.run_id}"
