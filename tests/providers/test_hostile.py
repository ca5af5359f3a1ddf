"""Peers that mean no good: whatever they send, each request ends, and nothing else of ours breaks."""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from hpack import Encoder
from test_transport import post

from backend.providers import frames
from backend.providers.frames import Setting
from backend.providers.header_block import DECODERS
from backend.providers.transport import Limits, Transport

SETTINGS = frames.settings({Setting.MAX_CONCURRENT_STREAMS: 100})
Say = Callable[[random.Random], bytes]


def noise(dice: random.Random) -> bytes:
    return dice.randbytes(dice.randint(1, 400))


def frames_at_random(dice: random.Random) -> bytes:
    def one() -> bytes:
        payload = dice.randbytes(dice.choice([0, 1, 4, 5, 6, 8, 12, 40]))
        stream = dice.choice([0, 1, 1, 1, 2, 3, 5, 99, 2**31 - 1])
        return (
            frames.head(len(payload), dice.randint(0, 11), dice.choice([0, 1, 4, 5, 8, 13, 32, 255]), stream) + payload
        )

    return b"".join(one() for _ in range(dice.randint(1, 12)))


def answers(dice: random.Random) -> bytes:
    """What a good peer might say."""
    encoder, said = Encoder(), b""
    for stream in (1, 3, 5):
        block = encoder.encode([(":status", "200"), ("apns-id", str(stream))])
        said += frames.head(len(block), frames.HEADERS, frames.END_HEADERS, stream) + block
        said += frames.head(2, frames.DATA, frames.END_STREAM, stream) + b"{}"
    return said


def answers_with_a_flaw(dice: random.Random) -> bytes:
    said = bytearray(answers(dice))
    for _ in range(dice.randint(1, 4)):
        said[dice.randrange(len(said))] = dice.randrange(256)
    return bytes(said)


def flood(dice: random.Random) -> bytes:
    """Makes us speak, as often as it can."""
    return (
        dice.choice([SETTINGS, frames.ping(b"12345678"), frames.window_update(0, 1), frames.head(0, 99, 0, 0)]) * 5_000
    )


SAYINGS: list[Say] = [noise, frames_at_random, answers_with_a_flaw, flood]


class Hostile:
    """Says what it likes after a proper TLS handshake, and hangs up."""

    def __init__(self, say: Say, polite: bool) -> None:
        self.say, self.polite = say, polite
        self.dice = random.Random(7)
        self.origin = ""

    async def start(self, context: ssl.SSLContext) -> "Hostile":
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=context, ssl_shutdown_timeout=0.2)
        self.origin = f"https://localhost:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.polite:
            writer.write(SETTINGS)
            # The preface, our SETTINGS and window, and the first requests.
            await reader.read(4_096)
            await reader.read(4_096)
        writer.write(self.say(self.dice))
        await asyncio.sleep(self.dice.choice([0, 0.01]))
        writer.transport.abort()

    async def stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()


@pytest_asyncio.fixture
async def hostile(tls: tuple[str, ssl.SSLContext]) -> AsyncIterator[Callable[..., Awaitable[Hostile]]]:
    made: list[Hostile] = []

    async def start(say: Say, polite: bool) -> Hostile:
        made.append(await Hostile(say, polite).start(tls[1]))
        return made[-1]

    yield start
    for each in made:
        await each.stop()


@pytest.mark.parametrize("decoder", sorted(DECODERS))
@pytest.mark.parametrize("polite", [True, False])
@pytest.mark.parametrize("say", SAYINGS)
async def test_every_request_ends(
    hostile: Callable[..., Awaitable[Hostile]], ca: str, say: Say, polite: bool, decoder: str
) -> None:
    loop, complaints = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    peer = await hostile(say, polite)
    ends: Counter[str] = Counter()
    for _ in range(12):
        limits = Limits(pace=0.001, silence=0.3, pong=0.3, resends=2)
        client = Transport([ca], limits=limits, decoder=DECODERS[decoder])
        got = await asyncio.gather(*(post(client, peer.origin, str(n), b"x" * 100, timeout=2.0) for n in range(3)))
        ends.update(end.partition(":")[0] for end in got)
        await client.close()
    assert sum(ends.values()) == 36
    assert {end for end in ends if not end.isdecimal()} <= {"not sent", "unknown"}
    assert say is answers_with_a_flaw or not any(end.isdecimal() for end in ends)
    assert complaints == []
    assert len(asyncio.all_tasks()) <= 5


async def test_a_good_peer_is_understood(hostile: Callable[..., Awaitable[Hostile]], ca: str) -> None:
    """The frames above are no nonsense by accident."""
    peer = await hostile(answers, True)
    client = Transport([ca], limits=Limits(streams=3))
    assert await asyncio.gather(*(post(client, peer.origin, str(n)) for n in range(3))) == ["200"] * 3
    await client.close()


async def test_a_peer_that_makes_us_speak_and_does_not_listen(tls: tuple[str, ssl.SSLContext]) -> None:
    ca, context = tls
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(SETTINGS)
        with suppress(OSError):
            for _ in range(150):
                writer.write(frames.ping(b"12345678") * 20_000)
                await writer.drain()
        writer.transport.abort()
        over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context, ssl_shutdown_timeout=0.2)
    client = Transport([ca], limits=Limits(pace=30))
    end = await post(client, f"https://localhost:{server.sockets[0].getsockname()[1]}", "x", timeout=60)
    assert end == "unknown: unread"
    await client.close()
    await asyncio.wait_for(over.wait(), 60)
    server.close()
    await server.wait_closed()
