"""A provider that is down for five minutes and comes back, on a clock that runs twenty-five times as fast."""

import asyncio
import selectors
import ssl
import time
from collections import Counter

import pytest
from peer import Peer
from test_transport import post

from backend.providers.transport import Transport

SPEED = 25.0
LANES, RATE, TICK = 3, 2, 1.0
DOWN = 300.0


class FastSelector(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None else timeout / SPEED)


class FastLoop(asyncio.SelectorEventLoop):
    """Everything in it believes that a second has passed when a twenty-fifth of one has."""

    def __init__(self) -> None:
        super().__init__(FastSelector())

    def time(self) -> float:
        return time.monotonic() * SPEED


class Closed:
    """What listens in place of a provider that is down: it hangs up on everybody, and notes when."""

    def __init__(self) -> None:
        self.dialled: list[float] = []

    async def start(self, port: int) -> "Closed":
        self.server = await asyncio.start_server(self.hang_up, "127.0.0.1", port)
        return self

    async def hang_up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.dialled.append(asyncio.get_running_loop().time())
        writer.transport.abort()

    async def stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()


class Sender:
    """Offers a steady rate, and asks before it sends, as the product's sender does."""

    def __init__(self, ca: str, origin: str) -> None:
        self.transport, self.origin = Transport([ca]), origin
        self.ends: list[tuple[float, str]] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.numbers = iter(range(1_000_000))

    async def run(self) -> None:
        while True:
            for _ in range(self.transport.admit(self.origin, int(RATE * TICK)).count):
                task = asyncio.create_task(self.send())
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            await asyncio.sleep(TICK)

    async def send(self) -> None:
        end = await post(self.transport, self.origin, f"{id(self)}-{next(self.numbers)}")
        self.ends.append((asyncio.get_running_loop().time(), end))

    async def close(self) -> None:
        await self.transport.close()
        await asyncio.gather(*self.tasks)


async def story(ca: str, context: ssl.SSLContext) -> tuple[list[float], float, Counter[str], float, float]:
    """(moments of the dials while down, full rate, ends while down, end of the outage, full rate again)."""
    loop = asyncio.get_running_loop()
    peer = await Peer().start(context)
    port = int(peer.origin.rsplit(":", 1)[1])
    senders = [Sender(ca, peer.origin) for _ in range(LANES)]
    running = [asyncio.create_task(sender.run()) for sender in senders]

    def rate(seconds: float) -> float:
        since = loop.time() - seconds
        return sum(at > since and end == "200" for s in senders for at, end in s.ends) / seconds

    await asyncio.sleep(20)
    full = rate(10)
    await peer.stop()
    down = loop.time()
    closed = await Closed().start(port)
    await asyncio.sleep(DOWN)
    await closed.stop()
    again = await Peer().start(context, port)
    back = loop.time()
    while rate(5) < 0.8 * full and loop.time() < back + 120:
        await asyncio.sleep(0.5)
    recovered = loop.time()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for sender in senders:
        await sender.close()
    await again.stop()
    ends = Counter(end.split()[0] for s in senders for at, end in s.ends if down < at < back)
    return closed.dialled, full, ends, back, recovered


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_five_minutes_down_and_back(tls: tuple[str, ssl.SSLContext]) -> None:
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        dialled, full, ends, back, recovered = runner.run(story(*tls))
    assert full > 1
    # Moments are noted a few hundredths of a real second late, which is a second here: so ten at a time.
    assert min(later - earlier for earlier, later in zip(dialled, dialled[10:], strict=False)) > 8.5
    # Three lanes, each at rest for up to half a minute between two tries.
    assert 10 <= len(dialled) <= 60
    assert set(ends) <= {"not", "unknown:"}
    assert recovered - back <= 60
