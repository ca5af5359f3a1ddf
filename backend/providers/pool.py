"""All connections to one origin, and the requests that wait for room on one."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from backend.providers.breaker import Breaker, BreakerState
from backend.providers.connection import Connection, Owner
from backend.providers.deadlines import Deadlines
from backend.providers.dial import Dialer, pace_of_this_loop
from backend.providers.exchange import AddressRefused, Admission, Answer, Call, Cut, HostReport, NotSent, Unknown

ASK_AGAIN = 0.25
"""Seconds until a host that is busy may have room."""
_SMOOTHING = 0.05
"""What one answer's time weighs in the average."""

MakeConnection = Callable[[Owner], Connection]


class Pool:
    """Hands requests to connections in the order they came.

    The first connection is made at once, and so is one that replaces a connection the peer retired in
    good order. After a failure, and to grow, there is one a `Limits.pace`; after several, the host rests.
    """

    def __init__(self, host: str, port: int, dialer: Dialer, make: MakeConnection) -> None:
        self._host, self._port, self._dialer, self._make = host, port, dialer, make
        self._limits = dialer.limits
        self._loop = asyncio.get_running_loop()
        self._pace = pace_of_this_loop()
        self._breaker = Breaker(dialer.limits.rest, dialer.limits.longest_rest)
        self._deadlines = Deadlines(self._expire)
        self._waiting: deque[Call] = deque()
        self._later: dict[Call, asyncio.TimerHandle] = {}
        self._usable: list[Connection] = []
        self._leaving: set[Connection] = set()
        self._dialing: asyncio.Task[None] | None = None
        self._dialed = 0.0
        self._in_flight = 0
        self._usual: float | None = None
        self._closed = False

    # What the transport asks

    async def request(self, call: Call, timeout: float) -> Answer:
        """Sends it and waits for its end. Raises `NotSent` and `Unknown`."""
        era = self._breaker.enter(self._loop.time())
        if era is None:
            raise NotSent("breaker_open")
        self._in_flight += 1
        self._deadlines.add(call, timeout)
        try:
            self._submit(call)
            answer = await call.future
        except asyncio.CancelledError:
            self._abandon(call)
            self._breaker.withdrawn(era)
            raise
        except (NotSent, Cut):
            self._breaker.unanswered(era, self._loop.time())
            raise
        except Unknown:
            self._took(call)
            self._count(partial(self._breaker.failed, era))
            raise
        finally:
            self._in_flight -= 1
            self._deadlines.remove(call)
        now = self._took(call)
        if answer.status >= 500:
            self._count(partial(self._breaker.failed, era))
        else:
            self._breaker.succeeded(era, now)
        return answer

    def admit(self, wanted: int) -> Admission:
        """How many requests make sense now."""
        now = self._loop.time()
        match self._breaker.state(now):
            case BreakerState.OPEN:
                return Admission(0, self._breaker.rests_for(now))
            case BreakerState.HALF_OPEN:
                return Admission(0 if self._breaker.probing else min(wanted, 1), ASK_AGAIN)
        cap = self._limits.slow_streams
        if cap is None or not self._is_slow(now):
            return Admission(wanted)
        room = max(cap - self._in_flight, 0)
        return Admission(wanted) if room >= wanted else Admission(room, ASK_AGAIN)

    def report(self) -> HostReport:
        now, breaker = self._loop.time(), self._breaker
        return HostReport(
            host=self._host if self._port == 443 else f"{self._host}:{self._port}",
            state=breaker.state(now),
            open_for=breaker.rests_for(now),
            failures=breaker.failures(now),
            in_flight=self._in_flight,
            connections=len(self._usable) + len(self._leaving),
        )

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way, nor the host at rest, which a new pool would forget."""
        return not self._in_flight and not self._dialing and not self._breaker.rests_for(self._loop.time())

    @property
    def gone(self) -> bool:
        """Whether no connection is left."""
        return not self._usable and not self._leaving

    def part(self) -> None:
        """Starts to close the connections of a quiet pool."""
        self._deadlines.close()
        for connection in tuple(self._usable):
            connection.close("unused")

    async def close(self) -> None:
        """Ends every connection: what is under way is unknown, what waits was not sent."""
        self._closed = True
        connections = [*self._usable, *self._leaving]
        if self._dialing is not None:
            self._dialing.cancel()
            await asyncio.gather(self._dialing, return_exceptions=True)
        self._fail_waiting(NotSent("closed"))
        for connection in connections:
            connection.close()
        await _all_closed(connections)
        self._deadlines.close()

    # Ends of requests

    def _count(self, failure: Callable[[float], None]) -> None:
        """Tells the breaker. A host that rests gets nothing of what waits either."""
        now = self._loop.time()
        failure(now)
        if self._breaker.rests_for(now):
            self._fail_waiting(NotSent("breaker_open"))

    def _took(self, call: Call) -> float:
        """Notes how long the host took, and gives back the time."""
        now = self._loop.time()
        seconds = now - call.begun
        self._usual = seconds if self._usual is None else self._usual + (seconds - self._usual) * _SMOOTHING
        return now

    def _is_slow(self, now: float) -> bool:
        """Whether answers take long; a host that has not answered yet counts as slow."""
        usual, slow = self._usual, self._limits.slow
        if usual is None or usual > slow:
            return True
        oldest = [c.oldest for c in (*self._usable, *self._leaving)]
        return any(begun is not None and now - begun > slow for begun in oldest)

    def _expire(self, call: Call) -> None:
        """The request's time is over."""
        call.fail(Unknown("timeout") if self._abandon(call) else NotSent("timeout"))

    def _abandon(self, call: Call) -> bool:
        """Nobody waits for the answer any more; True when the request has left us."""
        timer = self._later.pop(call, None)
        if timer is not None:
            timer.cancel()
        return any(c.abandon(call) for c in (*self._usable, *self._leaving))

    # What connections tell (connection.Owner)

    def roomier(self, connection: Connection) -> None:
        if self._waiting:
            self._pump()

    def retired(self, connection: Connection, *, hold: bool) -> None:
        if connection in self._usable:
            self._usable.remove(connection)
            self._leaving.add(connection)
        if hold:
            self._hold()

    def lost(self, connection: Connection, failed: bool) -> None:
        in_good_order = connection in self._leaving
        if not in_good_order and connection not in self._usable:
            return
        self._leaving.discard(connection)
        if not in_good_order:
            self._usable.remove(connection)
        if failed or not in_good_order:
            self._hold()
        if failed:
            self._count(self._breaker.cut if connection.answers else self._breaker.not_connected)
        self._pump()

    def refused(self, calls: Sequence[Call], reason: str, *, wait: bool) -> None:
        again = [call for call in calls if self._may_try_again(call, reason)]
        if wait:
            for call in again:
                delay = min(0.01 * 2**call.refusals, 1.0)
                self._later[call] = self._loop.call_later(delay, self._try_again, call)
        elif again:
            self._waiting.extendleft(reversed(again))
            self._loop.call_soon(self._pump)

    def _may_try_again(self, call: Call, reason: str) -> bool:
        call.refusals += 1
        call.restart()
        if self._closed or call.refusals > self._limits.resends or self._breaker.rests_for(self._loop.time()):
            call.fail(NotSent(reason))
        return not call.done

    def _try_again(self, call: Call) -> None:
        self._later.pop(call, None)
        self._waiting.appendleft(call)
        self._pump()

    # Handing out

    def _submit(self, call: Call) -> None:
        """Queues the request and sends it as soon as a connection has room."""
        if self._closed:
            raise NotSent("closed")
        self._waiting.append(call)
        self._pump()

    def _pump(self) -> None:
        if self._limits.may_send is not None and not self._limits.may_send():
            self._fail_waiting(NotSent("stalled"))
        waiting = self._waiting
        while waiting and waiting[0].done:
            waiting.popleft()
        for connection in tuple(self._usable):
            while waiting and connection.free() > 0:
                call = waiting.popleft()
                if not call.done:
                    connection.open(call)
        if waiting and self._dialing is None and not self._closed and self._may_dial():
            self._dialing = self._loop.create_task(self._dial())

    def _may_dial(self) -> bool:
        if not self._usable:
            return True
        if len(self._usable) >= self._limits.connections:
            return False
        warm = all(connection.answers for connection in self._usable)
        return warm and self._loop.time() >= self._dialed + self._limits.pace

    # Dialling

    async def _dial(self) -> None:
        try:
            await self._pace.turn(self._host, self._port, self._limits.pace)
            self._dialed = self._loop.time()
            connection = await self._dialer.connect(self._host, self._port, lambda: self._make(self))
        except NotSent as error:
            self._hold()
            if not self._usable:
                self._fail_waiting(error)
            if not isinstance(error, AddressRefused):
                self._count(self._breaker.not_connected)
        else:
            self._pace.worked(self._host, self._port)
            self._usable.append(connection)
        finally:
            self._dialing = None
            self._loop.call_soon(self._pump)

    def _hold(self) -> None:
        self._pace.failed(self._host, self._port, self._dialed + self._limits.pace)

    def _fail_waiting(self, error: NotSent) -> None:
        for timer in self._later.values():
            timer.cancel()
        for call in (*self._waiting, *self._later):
            call.fail(type(error)(error.reason))
        self._waiting.clear()
        self._later.clear()


async def _all_closed(connections: Iterable[Connection]) -> None:
    """Waits for their ends; who takes longer than TLS's goodbye is cut off."""
    ends = [connection.closed for connection in connections]
    if not ends:
        return
    _, late = await asyncio.wait(ends, timeout=2.0)
    if late:
        for connection in connections:
            connection.abort("closed")
        await asyncio.wait(late, timeout=2.0)
