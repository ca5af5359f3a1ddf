"""The transport against the product's own strict servers, which keep a book of each device and message."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import orjson
import pytest
import pytest_asyncio
from simulator_client import Simulator

from backend.providers.header_block import DECODERS
from backend.providers.transport import NotSent, Transport, Unknown

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]
ALL = 2_000


@pytest.fixture(params=["jh2", "hpack"])
def decoder(request: pytest.FixtureRequest) -> str:
    if request.param not in DECODERS:
        pytest.skip("this machine's jh2 has no Rust module")
    return request.param


@pytest_asyncio.fixture(loop_scope="module")
async def client(simulator: Simulator, decoder: str) -> AsyncIterator[Transport]:
    made = Transport([simulator.authority.ca], decoder=DECODERS[decoder])
    yield made
    await made.close()


async def push(client: Transport, simulator: Simulator, count: int) -> Counter[str]:
    """One notification to each of `count` devices, and how they ended."""
    gate, headers = asyncio.Semaphore(100), tuple(simulator.apns_headers().items())

    async def one(number: int) -> str:
        path = f"/3/device/{simulator.device('apns', number)['token']}"
        body = orjson.dumps({"aps": {"alert": "Hi"}, "m": f"dlv_{number}", "t": "proof"})
        async with gate:
            try:
                answer = await client.request(simulator.endpoints.apns, path, headers, body, timeout=20)
            except NotSent as error:
                return f"not sent: {error.reason}"
            except Unknown:
                return "unknown"
            return str(answer.status)

    return Counter(await asyncio.gather(*(one(n) for n in range(count))))


@pytest.mark.parametrize("graceful", [False, True])
@pytest.mark.parametrize("every", [200, 20])
async def test_connections_are_retired(simulator: Simulator, client: Transport, every: int, graceful: bool) -> None:
    await simulator.behave(goaway_every=every, goaway_graceful=graceful)
    assert await push(client, simulator, ALL) == {"200": ALL}
    stats = await simulator.stats()
    assert (stats["pairs"], stats["repeats"]) == (ALL, 0)


async def test_refused_streams_go_again(simulator: Simulator, client: Transport) -> None:
    await simulator.behave(refuse=0.2, goaway_every=100)
    assert await push(client, simulator, ALL) == {"200": ALL}
    stats = await simulator.stats()
    assert (stats["pairs"], stats["repeats"]) == (ALL, 0)


async def test_resets_after_accepting_are_unknown_and_nothing_else(simulator: Simulator, client: Transport) -> None:
    await simulator.behave(reset_after_accept=0.05)
    ends = await push(client, simulator, ALL)
    assert set(ends) == {"200", "unknown"}
    assert 50 <= ends["unknown"] <= 150
    stats = await simulator.stats()
    assert (stats["pairs"], stats["repeats"]) == (ALL, 0)
