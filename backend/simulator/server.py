"""A host of the simulator: it listens, and goes down and comes back on demand."""

import asyncio
import contextlib
import math
import socket
import ssl
import struct
from collections.abc import Callable

from backend.simulator.http2 import HOST, Connection, Guests, OpenSession
from backend.simulator.wire import Outage

_NO_LINGER = struct.pack("ii", 1, 0)
"""Closing the socket then resets the connection."""


class _Closed(asyncio.Protocol):
    """A door behind which nobody is."""

    def __init__(self, way: Outage, server: "Server") -> None:
        self._way, self._server = way, server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.turned_away()
        self._server.strangers.add(transport)
        if self._way is Outage.RESET:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.strangers.discard(self._transport)


class Server:
    """Listens on loopback; each connection gets a session of its own.

    `turned_away` is called for each connection that an outage has met, unless nobody listened.
    """

    def __init__(
        self,
        open_session: OpenSession,
        context: ssl.SSLContext,
        turned_away: Callable[[], None] = lambda: None,
        *,
        http1: bool = False,
    ) -> None:
        self._open_session, self._context, self._http1 = open_session, context, http1
        self.turned_away = turned_away
        self.strangers: set[asyncio.Transport] = set()
        self._guests = Guests()
        self._server: asyncio.Server | None = None
        self._held: socket.socket | None = None
        self._port = 0
        self._wanted: tuple[Outage | None, float] = (None, math.inf)
        self._changed = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self, port: int) -> int:
        """Returns the port it listens on; 0 asks for any. Raises `OSError` where it is taken."""
        self._held = _bound(port)
        self._port = self._held.getsockname()[1]
        await self._open(None)
        self._keeper = asyncio.create_task(self._keep())
        return self._port

    def go_down(self, seconds: float, way: Outage) -> None:
        """Cuts every connection and is down for so long; 0 comes back at once."""
        until = asyncio.get_running_loop().time() + seconds
        self._wanted = (way, until) if seconds else (None, math.inf)
        self._changed.set()

    async def _keep(self) -> None:
        """Opens and closes the door as is wanted, until cancelled."""
        shown: Outage | None = None
        while True:
            way, until = self._wanted
            if way is not shown:
                self._close(hold=True)
                await self._open(way)
                shown = way
            self._changed.clear()
            try:
                async with asyncio.timeout_at(None if math.isinf(until) else until):
                    await self._changed.wait()
            except TimeoutError:
                self._wanted = (None, math.inf)

    async def _open(self, way: Outage | None) -> None:
        place, loop = self._held, asyncio.get_running_loop()
        assert place is not None
        if way is Outage.REFUSED:
            return
        self._held = None
        if way is None:
            guests = self._guests = Guests()
            self._server = await loop.create_server(
                lambda: Connection(self._open_session, guests, http1=self._http1),
                sock=place,
                ssl=self._context,
                ssl_shutdown_timeout=0.5,
            )
        else:
            self._server = await loop.create_server(lambda: _Closed(way, self), sock=place)

    def _close(self, *, hold: bool) -> None:
        """Nobody comes in any more, and who is in is thrown out; with `hold` the port stays ours."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._guests.welcome = False
        for guest in list(self._guests.inside):
            guest.abort()
        for stranger in list(self.strangers):
            stranger.abort()
        if self._held is None and hold:
            self._held = _bound(self._port)

    async def stop(self, patience: float = 1.0) -> None:
        """GOAWAY to all, at most `patience` seconds for what is under way, then the end."""
        if self._keeper is None:
            return
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        listening = self._server
        if listening is not None:
            listening.close()
        await self._let_go(patience)
        self._close(hold=False)
        if self._held is not None:
            self._held.close()
        if listening is not None:
            await listening.wait_closed()

    async def _let_go(self, patience: float) -> None:
        inside = self._guests.inside
        for connection in list(inside):
            connection.retire()
        await self._until(lambda: all(each.done for each in inside), patience)
        for connection in list(inside):
            connection.close()
        await self._until(lambda: not inside, patience)

    async def _until(self, reached: Callable[[], bool], patience: float) -> None:
        for _ in range(int(patience / 0.01)):
            if reached():
                return
            await asyncio.sleep(0.01)


def _bound(port: int) -> socket.socket:
    """A socket that has the port and does not listen: whoever comes is refused, and nobody takes it meanwhile."""
    place = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind((HOST, port))
        place.setblocking(False)
    except OSError:
        place.close()
        raise
    return place
