import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from peer import Faults, Peer, Reply, Request, certificate
from simulator_client import Simulator, running

from backend.providers.transport import Limits, Transport


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    """A root's PEM and the server context it vouches for."""
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def ca(tls: tuple[str, ssl.SSLContext]) -> str:
    return tls[0]


@pytest_asyncio.fixture
async def serve(tls: tuple[str, ssl.SSLContext]) -> AsyncIterator[Callable[..., Awaitable[Peer]]]:
    """Starts a peer: `await serve(reply=..., port=..., goaway_every=...)`."""
    peers: list[Peer] = []

    async def start(reply: Callable[[Request], Reply] | None = None, port: int = 0, **faults: Any) -> Peer:
        peer = Peer(Faults(**faults))
        if reply is not None:
            peer.reply = reply
        peers.append(peer)
        return await peer.start(tls[1], port)

    yield start
    for peer in peers:
        await peer.stop()


@pytest_asyncio.fixture
async def transport(ca: str) -> AsyncIterator[Callable[..., Transport]]:
    """Makes transports that trust the peers: `transport(pong=0.1)`."""
    made: list[Transport] = []

    def make(guard: Any = None, **limits: Any) -> Transport:
        made.append(Transport([ca], guard=guard, limits=Limits(**limits)))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulator")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one(directory: Path) -> AsyncIterator[Simulator]:
    async with running(directory) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="module")
async def simulator(one: Simulator) -> Simulator:
    """The same for all of this file's tests, as if it had just started."""
    await one.refresh()
    return one
