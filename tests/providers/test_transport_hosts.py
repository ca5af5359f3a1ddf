"""How the transport treats a host as a whole: rest, slowness, one connection a second, reports."""

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from peer import Peer, Reply, Request
from test_transport import HEADERS, Make, Serve, many, once_each, post

from backend.providers.transport import Admission, HostReport, Limits, NotSent, Transport

SLOW = {"slow_streams": 20, "slow": 0.4}


def failing() -> tuple[list[int], Callable[[Request], Reply]]:
    """An answer that may be changed later, and the peer's way to give it."""
    say = [503]
    return say, lambda _: (say[0], {}, b"")


async def break_(client: Transport, origin: str) -> Counter[str]:
    """Asks until the host rests."""
    ends: Counter[str] = Counter()
    while client.admit(origin, 1).count:
        ends += await many(client, origin, 5)
        await asyncio.sleep(0.05)
    return ends


async def rest(client: Transport, origin: str) -> None:
    """Waits until the host has rested."""
    while client.admit(origin, 1).count == 0:
        await asyncio.sleep(0.02)


async def test_a_host_that_mostly_fails_rests(serve: Serve, transport: Make) -> None:
    _, reply = failing()
    peer = await serve(reply)
    client = transport()
    assert client.admit(peer.origin, 500) == Admission(500)
    ends = await break_(client, peer.origin)
    assert 10 <= ends["503"] <= len(peer.requests)
    refused = client.admit(peer.origin, 500)
    assert refused.count == 0
    assert 4.0 < refused.wait <= 5.0
    served = len(peer.requests)
    assert await many(client, peer.origin, 30) == {"not sent: breaker_open": 30}
    assert len(peer.requests) == served
    (report,) = client.hosts()
    assert (report.state, report.in_flight, report.connections) == ("open", 0, 1)
    assert 10 <= report.failures <= ends["503"]
    assert 3.0 < report.open_for <= 5.0


async def test_one_probe_at_a_time_decides(serve: Serve, transport: Make) -> None:
    status, reply = failing()
    peer = await serve(reply, delay=0.05)
    client = transport(rest=0.2)
    await break_(client, peer.origin)
    await rest(client, peer.origin)
    assert client.hosts()[0].state == "half_open"
    assert client.admit(peer.origin, 500).count == 1
    assert await many(client, peer.origin, 30) == {"503": 1, "not sent: breaker_open": 29}
    assert 0.2 < client.admit(peer.origin, 1).wait <= 0.4
    status[0] = 200
    await rest(client, peer.origin)
    assert await post(client, peer.origin, "probe") == "200"
    assert client.admit(peer.origin, 500) == Admission(500)
    assert await many(client, peer.origin, 30) == {"200": 30}


async def test_answers_that_blame_us_or_the_device_open_nothing(serve: Serve, transport: Make) -> None:
    peer = await serve(lambda request: (int(request.path[1:]) % 30 + 400, {}, b""))
    assert sum((await many(transport(), peer.origin, 120)).values()) == 120
    assert len(peer.requests) == 120


async def test_silence_opens_it(serve: Serve, transport: Make) -> None:
    peer = await serve(deaf_after=1)
    client = transport(silence=0.1, pong=0.1, pace=0.05)
    ends = await break_(client, peer.origin)
    assert set(ends) == {"unknown: silent"}
    assert len(peer.connected) == 3


async def test_a_connection_cut_under_many_requests_opens_nothing(serve: Serve, transport: Make) -> None:
    peer = await serve(hang_up_after_accept=150, delay=0.5, streams=200)
    client = transport(pace=0.05)
    assert await post(client, peer.origin, "first") == "200"
    ends = Counter(await asyncio.gather(*(post(client, peer.origin, str(n)) for n in range(149))))
    assert ends == {"unknown: connection_lost": 149}
    assert client.admit(peer.origin, 100) == Admission(100)
    assert await post(client, peer.origin, "next") == "200"


async def test_what_waits_is_given_back_when_the_host_rests(serve: Serve, transport: Make) -> None:
    _, reply = failing()
    peer = await serve(reply, streams=5, delay=0.2)
    ends = await many(transport(connections=1), peer.origin, 100)
    assert 10 <= ends["503"] <= 90
    assert ends["503"] + ends["not sent: breaker_open"] == 100
    assert len(peer.requests) == ends["503"]


async def test_a_cancelled_probe_leaves_room_for_another(serve: Serve, transport: Make) -> None:
    _, reply = failing()
    peer = await serve(reply, delay=0.05)
    client = transport(rest=0.1)
    await break_(client, peer.origin)
    await rest(client, peer.origin)
    probe = asyncio.create_task(post(client, peer.origin, "probe"))
    await asyncio.sleep(0.01)
    assert client.admit(peer.origin, 9).count == 0
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert client.admit(peer.origin, 9).count == 1


async def test_a_slow_host_is_given_little_and_others_much(serve: Serve, transport: Make) -> None:
    slow, fast = await serve(delay=0.8), await serve()
    client = transport(**SLOW)
    assert client.admit(slow.origin, 100) == Admission(20, 0.25)
    assert client.admit(slow.origin, 20) == Admission(20)
    under_way = [asyncio.create_task(post(client, slow.origin, str(n))) for n in range(15)]
    await asyncio.sleep(0)
    assert client.admit(slow.origin, 100) == Admission(5, 0.25)
    assert await many(client, fast.origin, 300, window=20) == {"200": 300}
    assert client.admit(fast.origin, 100) == Admission(100)
    assert Counter(await asyncio.gather(*under_way)) == {"200": 15}
    assert client.admit(slow.origin, 100) == Admission(20, 0.25)


async def test_a_fast_host_that_falls_silent_is_slow(serve: Serve, transport: Make) -> None:
    peer = await serve()
    client = transport(**SLOW)
    await many(client, peer.origin, 50, window=20)
    assert client.admit(peer.origin, 100) == Admission(100)
    peer.faults.delay = 0.9
    under_way = [asyncio.create_task(post(client, peer.origin, str(n))) for n in range(60)]
    await asyncio.sleep(0.5)
    assert client.admit(peer.origin, 100) == Admission(0, 0.25)
    await asyncio.gather(*under_way)


async def test_without_that_wish_no_host_is_slow(serve: Serve, transport: Make) -> None:
    peer = await serve(delay=0.3)
    client = transport(slow=0.01)
    await many(client, peer.origin, 10)
    assert client.admit(peer.origin, 1_000) == Admission(1_000)


async def test_reports(serve: Serve, transport: Make) -> None:
    peer = await serve(delay=0.1)
    client = transport()
    assert client.hosts() == []
    under_way = [asyncio.create_task(post(client, peer.origin, str(n))) for n in range(3)]
    while len(peer.requests) < 3:
        await asyncio.sleep(0.005)
    host = peer.origin.removeprefix("https://")
    assert client.hosts() == [HostReport(host, "closed", 0.0, 0, in_flight=3, connections=1)]
    await asyncio.gather(*under_way)
    assert client.hosts() == [HostReport(host, "closed", 0.0, 0, in_flight=0, connections=1)]


async def test_lanes_share_the_pace_to_a_host_that_is_down(serve: Serve, ca: str) -> None:
    peer = await serve(hang_up_at_once=True)
    lanes = [Transport([ca], limits=Limits(pace=0.3)) for _ in range(4)]
    for _ in range(2):
        ends = await asyncio.gather(*(post(lane, peer.origin, "x") for lane in lanes))
        assert set(ends) == {"not sent: connection_lost"}
    # The first of each lane go at once: nobody knew. From then on there is one at a time.
    after = sorted(peer.connected)[4:]
    gaps = [later - earlier for earlier, later in pairwise(after)]
    assert len(after) == 4
    assert min(gaps) > 0.25
    for lane in lanes:
        await lane.close()


async def test_goaway_before_any_answer_is_no_good_order(serve: Serve, transport: Make) -> None:
    peer = await serve(goaway_at_once=True)
    client = transport(pace=0.2)
    with pytest.raises(NotSent):
        await client.request(peer.origin, "/x", HEADERS, b"", timeout=1.1)
    assert 2 <= len(peer.connected) <= 6


async def test_an_answer_that_says_goodbye_ends_its_connection(serve: Serve, ca: str) -> None:
    def reply(request: Request) -> Reply:
        return (503, {}, b"Shutdown") if request.path == "/bye" else (200, {}, b"")

    peer = await serve(reply, delay=0.05)
    client = Transport([ca], limits=Limits(pace=0.05), parting=lambda answer: answer.body == b"Shutdown")
    first = await asyncio.gather(*(post(client, peer.origin, name) for name in ("1", "bye", "2")))
    assert first == ["200", "503", "200"]
    assert await post(client, peer.origin, "3") == "200"
    assert len(peer.connected) == 2
    assert once_each(peer, 4)
    await client.close()


async def test_a_host_at_rest_is_not_forgotten_for_room(serve: Serve, transport: Make) -> None:
    peers: list[Peer] = [await serve(lambda _: (500, {}, b"")), await serve(), await serve()]
    client = transport(origins=1)
    await break_(client, peers[0].origin)
    assert await post(client, peers[1].origin, "x") == "200"
    assert await post(client, peers[2].origin, "x") == "200"
    assert client.admit(peers[0].origin, 1).count == 0
