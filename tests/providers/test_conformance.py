"""The transport against HTTP/2 servers that nobody here wrote, with each of its two header decoders."""

import asyncio
import gc
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
import strangers
from peer import certificate
from test_transport import HEADERS, many, post

from backend.providers.header_block import DECODERS
from backend.providers.transport import Limits, Transport

Client = Callable[..., Transport]
ALL = 2_000


@pytest.fixture(params=["jh2", "hpack"])
def decoder(request: pytest.FixtureRequest) -> str:
    if request.param not in DECODERS:
        pytest.skip("this machine's jh2 has no Rust module")
    return request.param


@pytest.fixture
def ca(tmp_path: Path) -> str:
    return certificate(tmp_path)[0]


@pytest_asyncio.fixture
async def client(ca: str, decoder: str) -> AsyncIterator[Client]:
    made: list[Transport] = []

    def make(**limits: float) -> Transport:
        made.append(Transport([ca], limits=Limits(**limits), decoder=DECODERS[decoder]))
        return made[-1]

    yield make
    for each in made:
        await each.close()


def resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def book(client: Transport, origin: str) -> dict:
    answer = await client.request(origin, "/book", HEADERS, b"", timeout=10, method="GET")
    return json.loads(answer.body)


@pytest.mark.slow
@pytest.mark.parametrize("every", [200, 20])
async def test_nginx_retires_connections(tmp_path: Path, client: Client, every: int) -> None:
    async with strangers.nginx(tmp_path, every) as (origin, behind):
        assert await many(client(), origin, ALL) == {"200": ALL}
        assert len(behind.arrived) == ALL
        assert set(behind.arrived.values()) == {1}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
async def test_a_thousand_goaways_leave_memory_flat(tmp_path: Path, client: Client) -> None:
    async with strangers.nginx(tmp_path, 2) as (origin, behind):
        sender = client()
        assert await many(sender, origin, 400, window=20) == {"200": 400}
        gc.collect()
        before = resident()
        assert await many(sender, origin, ALL, window=20) == {"200": ALL}
        gc.collect()
        grown = resident() - before
        assert sum(behind.arrived.values()) == ALL + 400
    assert abs(grown) < 5_000_000


@pytest.mark.slow
async def test_node_opens_with_one_stream(tmp_path: Path, client: Client) -> None:
    with strangers.node(tmp_path, oneStreamFirst=True) as origin:
        sender = client()
        assert await many(sender, origin, ALL, window=500) == {"200": ALL}
        seen = await book(sender, origin)
        assert seen["together"] == 1
        assert len(seen["accepted"]) == ALL
        assert set(seen["accepted"].values()) == {1}


async def test_node_resets_what_it_accepted(tmp_path: Path, client: Client) -> None:
    with strangers.node(tmp_path, resetEvery=4) as origin:
        sender = client()
        assert await many(sender, origin, 400) == {"200": 300, "unknown: stream_reset INTERNAL_ERROR": 100}
        seen = await book(sender, origin)
        assert len(seen["accepted"]) == 400
        assert set(seen["accepted"].values()) == {1}


async def test_node_cuts_the_connection_after_it_accepted(tmp_path: Path, client: Client) -> None:
    """Exactly the requests that were open when it was cut are unknown, and none of them goes again."""
    with strangers.node(tmp_path, holdUntil=1_000, cutEvery=60) as origin:
        sender = client(pace=0.05)
        ends = Counter(await asyncio.gather(*(post(sender, origin, str(n)) for n in range(60))))
        assert ends == {"unknown: connection_lost": 60}
        seen = await book(sender, origin)
        assert len(seen["accepted"]) == 60
        assert set(seen["accepted"].values()) == {1}


@pytest.mark.parametrize("windows", [("-w", "8", "-W", "16"), ("-w", "16", "-W", "10"), ()])
async def test_nghttpd_holds_the_windows_tight(tmp_path: Path, client: Client, windows: tuple[str, ...]) -> None:
    """nginx takes more than its windows allow; nghttpd does not, and sends back what it got."""
    body = bytes(range(256)) * 16
    with strangers.nghttpd(tmp_path, "-m", "50", *windows) as origin:
        sender = client()

        async def echoed(number: int) -> bool:
            own = body + b"%d" % number
            return (await sender.request(origin, f"/{number}", HEADERS, own, timeout=20)).body == own

        gate = asyncio.Semaphore(100)

        async def one(number: int) -> bool:
            async with gate:
                return await echoed(number)

        assert all(await asyncio.gather(*(one(n) for n in range(300))))
        assert len(sender.hosts()) == 1


async def test_nghttpd_gives_large_answers(tmp_path: Path, client: Client) -> None:
    body = os.urandom(65_000)
    with strangers.nghttpd(tmp_path) as origin:
        sender = client()
        for number in range(40):
            assert (await sender.request(origin, f"/{number}", HEADERS, body, timeout=20)).body == body


async def test_nghttpd_without_a_header_table(tmp_path: Path, client: Client) -> None:
    with strangers.nghttpd(tmp_path, "-c", "0", "--encoder-header-table-size", "0") as origin:
        assert await many(client(), origin, 200) == {"200": 200}
