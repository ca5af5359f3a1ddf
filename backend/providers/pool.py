"""All connections to one origin, and the requests that wait for room on one."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence

from backend.providers.connection import Connection
from backend.providers.dial import Dialer
from backend.providers.exchange import Call, Limits, NotSent, Unknown


class Pool:
    """Hands requests to connections in the order they came.

    The first connection is made at once, and so is one that replaces a connection the peer retired in
    good order. After a failure, and to grow, there is one a `Limits.pace`.
    """

    def __init__(self, host: str, port: int, dialer: Dialer, limits: Limits) -> None:
        self._host, self._port, self._dialer, self._limits = host, port, dialer, limits
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Call] = deque()
        self._later: dict[Call, asyncio.TimerHandle] = {}
        self._usable: list[Connection] = []
        self._leaving: set[Connection] = set()
        self._dialing: asyncio.Task[None] | None = None
        self._not_before = self._dialed = 0.0
        self._closed = False

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way, nor a failure so fresh that a new pool would forget its pace."""
        busy = self._waiting or self._later or self._dialing or any(c.busy for c in (*self._usable, *self._leaving))
        return not busy and self._loop.time() >= self._not_before

    @property
    def gone(self) -> bool:
        """Whether no connection is left."""
        return not self._usable and not self._leaving

    def part(self) -> None:
        """Starts to close the connections of a quiet pool."""
        for connection in tuple(self._usable):
            connection.close("unused")

    def submit(self, call: Call) -> None:
        """Queues the request and sends it as soon as a connection has room."""
        if self._closed:
            call.fail(NotSent("closed"))
            return
        self._waiting.append(call)
        self._pump()

    def expire(self, call: Call) -> None:
        """The request's time is over."""
        call.fail(Unknown("timeout") if self.abandon(call) else NotSent("timeout"))

    def abandon(self, call: Call) -> bool:
        """Nobody waits for the answer any more; True when the request has left us."""
        timer = self._later.pop(call, None)
        if timer is not None:
            timer.cancel()
        return any(c.abandon(call) for c in (*self._usable, *self._leaving))

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

    # What connections tell (connection.Owner)

    def roomier(self, connection: Connection) -> None:
        if self._waiting:
            self._pump()

    def retired(self, connection: Connection) -> None:
        if connection in self._usable:
            self._usable.remove(connection)
            self._leaving.add(connection)

    def lost(self, connection: Connection, failed: bool) -> None:
        self._leaving.discard(connection)
        if connection in self._usable:
            self._usable.remove(connection)
        if failed:
            self._not_before = self._dialed + self._limits.pace
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
        if self._closed or call.refusals > self._limits.resends:
            call.fail(NotSent(reason))
        return not call.done

    def _try_again(self, call: Call) -> None:
        self._later.pop(call, None)
        self._waiting.appendleft(call)
        self._pump()

    # Handing out

    def _pump(self) -> None:
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
        warm = all(connection.answered for connection in self._usable)
        return warm and self._loop.time() >= self._dialed + self._limits.pace

    async def _dial(self) -> None:
        try:
            await asyncio.sleep(self._not_before - self._loop.time())
            self._dialed = self._loop.time()
            connection = await self._dialer.connect(self._host, self._port, lambda: Connection(self, self._limits))
        except NotSent as error:
            self._not_before = self._dialed + self._limits.pace
            if not self._usable:
                self._fail_waiting(error)
        else:
            self._usable.append(connection)
        finally:
            self._dialing = None
            self._loop.call_soon(self._pump)

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
        await asyncio.wait(late)
