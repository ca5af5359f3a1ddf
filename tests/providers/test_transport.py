"""The HTTP/2 client against a peer that retires, refuses, resets, hangs up, stalls and floods."""

import asyncio
import gc
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from peer import Peer, Reply, Request

from backend.providers.transport import AddressRefused, Answer, NotSent, Transport, Unknown

Serve = Callable[..., Awaitable[Peer]]
Make = Callable[..., Transport]
HEADERS = (("authorization", "bearer secret"), ("apns-topic", "com.example"))


async def post(transport: Transport, origin: str, name: str, body: bytes = b"{}", timeout: float = 10.0) -> str:
    """One word on how the request ended."""
    try:
        answer = await transport.request(origin, f"/{name}", HEADERS, body, timeout=timeout)
    except NotSent as error:
        return f"not sent: {error.reason}"
    except Unknown as error:
        return f"unknown: {error.reason}"
    return str(answer.status)


async def many(transport: Transport, origin: str, count: int, window: int = 100, body: bytes = b"{}") -> Counter[str]:
    gate = asyncio.Semaphore(window)

    async def one(number: int) -> str:
        async with gate:
            return await post(transport, origin, f"{number}", body)

    return Counter(await asyncio.gather(*(one(n) for n in range(count))))


def once_each(peer: Peer, count: int) -> bool:
    return len(peer.accepted) == count and set(peer.accepted.values()) <= {1}


async def test_an_answer_comes_back_whole(serve: Serve, transport: Make) -> None:
    def reply(request: Request) -> Reply:
        return 410, {"apns-id": "abc", "retry-after": "7"}, b'{"reason":"Unregistered"}'

    peer = await serve(reply)
    answer = await transport().request(peer.origin, "/3/device/x", HEADERS, b'{"aps":{}}', timeout=5)
    assert answer == Answer(410, {"apns-id": "abc", "retry-after": "7"}, b'{"reason":"Unregistered"}')
    (seen,) = peer.requests
    assert seen.body == b'{"aps":{}}'
    assert seen.headers == {
        ":method": "POST", ":scheme": "https", ":authority": peer.origin[8:], ":path": "/3/device/x",
        "authorization": "bearer secret", "apns-topic": "com.example", "content-length": "10",
    }  # fmt: skip


async def test_secrets_are_never_indexed(serve: Serve, transport: Make) -> None:
    peer = await serve()
    await post(transport(), peer.origin, "device")
    sealed = {name for header in peer.raw_headers[0] for name in [header[0]] if not header.indexable}  # type: ignore[attr-defined]
    assert sealed == {"authorization", ":path"}


@pytest.mark.parametrize(("every", "warning"), [(20, False), (200, False), (200, True)])
async def test_goaway_loses_and_repeats_nothing(serve: Serve, transport: Make, every: int, warning: bool) -> None:
    peer = await serve(goaway_every=every, goaway_warning=warning, delay=0.002)
    assert await many(transport(), peer.origin, 2_000) == {"200": 2_000}
    assert once_each(peer, 2_000)
    assert len(peer.connected) >= 2_000 // every


async def test_one_stream_until_the_first_answer(serve: Serve, transport: Make) -> None:
    peer = await serve(one_stream_first=True, delay=0.01)
    assert await many(transport(), peer.origin, 2_000, window=500) == {"200": 2_000}
    assert once_each(peer, 2_000)
    assert peer.violations == []
    assert len(peer.connected) == 1


async def test_refused_streams_are_offered_again(serve: Serve, transport: Make) -> None:
    peer = await serve(refuse_every=3)
    assert await many(transport(), peer.origin, 300) == {"200": 300}
    assert once_each(peer, 300)


async def test_a_peer_that_refuses_everything_gives_not_sent(serve: Serve, transport: Make) -> None:
    peer = await serve(refuse_every=1)
    assert await post(transport(resends=3), peer.origin, "x") == "not sent: refused_stream"
    assert peer.accepted == {}


async def test_a_reset_after_accepting_is_unknown(serve: Serve, transport: Make) -> None:
    peer = await serve(reset_after_accept=4)
    ends = await many(transport(), peer.origin, 200)
    assert ends == {"200": 150, "unknown: stream_reset INTERNAL_ERROR": 50}
    assert once_each(peer, 200)


async def test_a_connection_that_dies_leaves_unknowns_and_repeats_nothing(serve: Serve, transport: Make) -> None:
    peer = await serve(hang_up_after_accept=50, delay=0.001)
    ends = await many(transport(pace=0.01), peer.origin, 200, window=20)
    assert sum(ends.values()) == 200
    assert set(ends) == {"200", "unknown: connection_lost"}
    assert set(peer.accepted.values()) == {1}


async def test_timeout_resets_the_stream_and_spares_the_others(serve: Serve, transport: Make) -> None:
    peer = await serve(delay=0.3)
    client = transport()
    assert await post(client, peer.origin, "first") == "200"
    short, long = await asyncio.gather(
        post(client, peer.origin, "short", timeout=0.1), post(client, peer.origin, "long")
    )
    assert (short, long) == ("unknown: timeout", "200")
    assert len(peer.resets) == 1
    assert len(peer.connected) == 1


async def test_cancelling_resets_the_stream(serve: Serve, transport: Make) -> None:
    peer = await serve(delay=0.2)
    client = transport()
    task = asyncio.create_task(post(client, peer.origin, "x"))
    while not peer.requests:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await post(client, peer.origin, "y") == "200"
    assert len(peer.resets) == 1


async def test_a_silent_peer_is_found_by_ping(serve: Serve, transport: Make) -> None:
    peer = await serve(deaf_after=1)
    client = transport(silence=0.1, pong=0.1)
    started = time.monotonic()
    assert await post(client, peer.origin, "x") == "unknown: silent"
    assert time.monotonic() - started < 5.0


async def test_a_slow_peer_that_answers_pings_is_waited_for(serve: Serve, transport: Make) -> None:
    peer = await serve(delay=0.8)
    assert await post(transport(silence=0.1, pong=0.4), peer.origin, "x") == "200"


async def test_an_idle_connection_is_closed_and_made_anew(serve: Serve, transport: Make) -> None:
    peer = await serve()
    client = transport(silence=0.2, pong=0.2, idle_close=0.05)
    assert await post(client, peer.origin, "x") == "200"
    while peer.open:
        await asyncio.sleep(0.01)
    assert await post(client, peer.origin, "y") == "200"
    assert len(peer.connected) == 2


@pytest.mark.parametrize("window", [0, 10, 1_000])
async def test_small_stream_windows(serve: Serve, transport: Make, window: int) -> None:
    peer = await serve(window=window, withhold_window=True)
    if window == 0:
        client = transport()
        assert await post(client, peer.origin, "nothing", b"") == "200"
        assert await post(client, peer.origin, "x", b"x" * 100, timeout=0.2) == "unknown: timeout"
        return
    body = bytes(range(256)) * 5
    assert await many(transport(), peer.origin, 10, body=body) == {"200": 10}
    assert {request.body for request in peer.requests} == {body}


async def test_the_connection_window_holds_back_what_does_not_fit(serve: Serve, transport: Make) -> None:
    peer = await serve(withhold_window=True)
    assert await many(transport(), peer.origin, 200, body=b"x" * 4_000) == {"200": 200}
    assert once_each(peer, 200)
    assert {len(request.body) for request in peer.requests} == {4_000}


async def test_what_the_connection_window_kept_back_was_not_sent(serve: Serve, transport: Make) -> None:
    peer = await serve(no_window=True)
    client = transport()
    ends = Counter(
        await asyncio.gather(*(post(client, peer.origin, str(n), b"x" * 4_000, timeout=1.5) for n in range(30)))
    )
    assert ends == {"200": 16, "unknown: timeout": 1, "not sent: timeout": 13}


async def test_an_answer_before_the_end_of_the_body_frees_the_stream(serve: Serve, transport: Make) -> None:
    peer = await serve(lambda _: (413, {}, b""), answer_early=True, window=10, streams=1)
    client = transport()
    ends = [await post(client, peer.origin, str(n), b"x" * 100) for n in range(5)]
    assert ends == ["413"] * 5
    while len(peer.resets) < 5:
        await asyncio.sleep(0.005)
    assert len(peer.connected) == 1


async def test_bodies_are_split_to_the_frame_size(serve: Serve, transport: Make) -> None:
    peer = await serve()
    body = bytes(range(256)) * 200
    assert await post(transport(), peer.origin, "big", body) == "200"
    assert peer.requests[0].body == body


async def test_a_big_answer_is_cut_and_keeps_its_status(serve: Serve, transport: Make) -> None:
    peer = await serve(lambda _: (400, {}, b"x" * 60_000))
    client = transport(answer_bytes=1_000)
    answers = [await client.request(peer.origin, "/x", HEADERS, b"", timeout=5) for _ in range(50)]
    assert {(a.status, a.body) for a in answers} == {(400, b"x" * 1_000)}
    assert len(peer.connected) == 1


async def test_many_answers_with_bodies_do_not_exhaust_our_window(serve: Serve, transport: Make) -> None:
    peer = await serve(lambda _: (200, {}, b"y" * 20_000))
    assert await many(transport(), peer.origin, 200) == {"200": 200}


async def test_header_blocks_over_several_frames(serve: Serve, transport: Make) -> None:
    peer = await serve(split_headers=True)
    answer = await transport().request(peer.origin, "/x", HEADERS, b"", timeout=5)
    assert len(answer.headers["x-padding"]) == 40_000


async def test_a_smaller_header_table_is_acknowledged(serve: Serve, transport: Make) -> None:
    peer = await serve(table=0)
    assert await many(transport(), peer.origin, 20) == {"200": 20}


async def test_answers_before_a_broken_frame_count(serve: Serve, transport: Make) -> None:
    peer = await serve(break_protocol_after=5, delay=0.01)
    ends = await many(transport(pace=0.01), peer.origin, 8, window=8)
    assert ends["200"] >= 5
    assert sum(ends.values()) == 8
    assert set(peer.accepted.values()) == {1}


async def test_nothing_is_sent_before_the_peers_settings(serve: Serve, transport: Make) -> None:
    peer = await serve(no_settings=True)
    client = transport(connect_timeout=0.2)
    assert (await post(client, peer.origin, "x")).startswith("not sent: connect_timeout")


async def test_a_closed_port_is_not_sent_and_paced(serve: Serve, transport: Make) -> None:
    peer = await serve()
    await peer.stop()
    client = transport(pace=0.3)
    started = time.monotonic()
    ends = [await post(client, peer.origin, str(n)) for n in range(3)]
    assert all(end.startswith("not sent: connect") for end in ends)
    assert 0.55 < time.monotonic() - started < 8.0


async def test_a_peer_that_comes_back_is_found_again(serve: Serve, transport: Make) -> None:
    peer = await serve()
    client = transport(pace=0.1)
    assert await post(client, peer.origin, "1") == "200"
    await peer.stop()
    while client.hosts()[0].connections:
        await asyncio.sleep(0.005)
    assert (await post(client, peer.origin, "2")).startswith("not sent")
    again = await serve(port=int(peer.origin.rsplit(":", 1)[1]))
    assert await post(client, peer.origin, "3") == "200"
    assert once_each(again, 1)


async def test_a_peer_that_hangs_up_at_once_meets_one_connection_a_pace(serve: Serve, transport: Make) -> None:
    peer = await serve(hang_up_after_accept=1)
    client = transport(pace=0.3)
    for number in range(3):
        assert await post(client, peer.origin, str(number)) == "unknown: connection_lost"
    gaps = [b - a for a, b in zip(peer.connected, peer.connected[1:], strict=False)]
    assert len(gaps) == 2
    assert min(gaps) > 0.1


async def test_an_untrusted_certificate_is_not_sent(serve: Serve) -> None:
    peer = await serve()
    client = Transport()
    assert "CERTIFICATE_VERIFY_FAILED" in await post(client, peer.origin, "x")
    await client.close()


async def test_a_peer_without_http2_is_not_sent(tls: tuple[str, ssl.SSLContext], transport: Make, tmp_path) -> None:
    from peer import certificate

    ca, context = certificate(tmp_path)
    context.set_alpn_protocols(["http/1.1"])
    peer = await Peer().start(context)
    client = Transport([ca])
    end = await post(client, peer.origin, "x")
    await client.close()
    await peer.stop()
    assert end.startswith("not sent:")
    assert peer.accepted == {}


async def test_the_guard_decides_on_the_resolved_address(serve: Serve, transport: Make) -> None:
    peer = await serve()
    asked: list[tuple[str, int, str]] = []

    def guard(host: str, port: int, address: str) -> bool:
        asked.append((host, port, address))
        return False

    client = transport(guard=guard)
    with pytest.raises(AddressRefused):
        await client.request(peer.origin, "/x", HEADERS, b"", timeout=5)
    assert ("localhost", int(peer.origin.rsplit(":", 1)[1]), "127.0.0.1") in asked
    assert peer.connected == []


async def test_an_unknown_host_is_not_sent(transport: Make) -> None:
    assert (await post(transport(), "https://no-such-host.invalid", "x")).startswith("not sent: dns")


async def test_more_connections_when_one_is_full(serve: Serve, transport: Make) -> None:
    peer = await serve(streams=5, delay=0.02)
    ends = await many(transport(connections=3, pace=0.05), peer.origin, 300, window=100)
    assert ends == {"200": 300}
    assert len(peer.connected) == 3


async def test_a_second_connection_that_fails_costs_nothing(serve: Serve, transport: Make) -> None:
    peer = await serve(streams=1, delay=0.01)
    client = transport(pace=0.02)
    assert await post(client, peer.origin, "first") == "200"
    assert peer.server is not None
    peer.server.close()
    assert await many(client, peer.origin, 30) == {"200": 30}
    assert len(peer.connected) == 1


async def test_what_was_not_yet_written_goes_to_the_next_connection(serve: Serve, transport: Make) -> None:
    peer = await serve(delay=0.3)
    client = transport(pace=0.01)
    under_way = asyncio.create_task(post(client, peer.origin, "under way"))
    while not peer.requests:
        await asyncio.sleep(0.005)
    unwritten = asyncio.create_task(post(client, peer.origin, "unwritten"))
    (connection,) = client._pools[peer.origin]._usable
    connection._transport.abort()
    assert await under_way == "unknown: connection_lost"
    assert await unwritten == "200"
    assert once_each(peer, 2)


async def test_unused_connections_make_room_for_other_origins(serve: Serve, transport: Make) -> None:
    first, second, busy = await serve(), await serve(), await serve(delay=0.3)
    client = transport(origins=2)
    under_way = asyncio.create_task(post(client, busy.origin, "x"))
    assert await post(client, first.origin, "x") == "200"
    assert await post(client, second.origin, "x") == "200"
    while first.open:
        await asyncio.sleep(0.005)
    assert await under_way == "200"
    assert await post(client, first.origin, "y") == "200"
    assert len(first.connected) == 2


async def test_a_closed_transport_sends_nothing(serve: Serve, transport: Make) -> None:
    peer = await serve()
    client = transport()
    await client.close()
    assert await post(client, peer.origin, "x") == "not sent: closed"
    assert peer.connected == []


async def test_close_tells_each_request_its_fate_and_leaves_nothing(serve: Serve, ca: str) -> None:
    peer = await serve(streams=2, delay=5)
    client = Transport([ca])
    tasks = [asyncio.create_task(post(client, peer.origin, str(n))) for n in range(5)]
    while len(peer.requests) < 2:
        await asyncio.sleep(0.005)
    await client.close()
    ends = Counter(await asyncio.gather(*tasks))
    assert ends == {"unknown: closed": 2, "not sent: closed": 3}
    assert asyncio.all_tasks() == {asyncio.current_task()}
    gc.collect()


async def test_cancelling_while_closing(serve: Serve, ca: str) -> None:
    peer = await serve(delay=5)
    client = Transport([ca])
    request = asyncio.create_task(post(client, peer.origin, "x"))
    while not peer.requests:
        await asyncio.sleep(0.005)
    closing = asyncio.create_task(client.close())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    await closing


async def test_close_while_connecting(serve: Serve, ca: str) -> None:
    peer = await serve(no_settings=True)
    client = Transport([ca])
    task = asyncio.create_task(post(client, peer.origin, "x"))
    while not peer.connected:
        await asyncio.sleep(0.005)
    await client.close()
    assert await task == "not sent: closed"
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_many_goaways_leave_nothing_behind(serve: Serve, transport: Make) -> None:
    peer = await serve(goaway_every=1)
    client = transport()
    assert await many(client, peer.origin, 150, window=1) == {"200": 150}
    assert len(peer.connected) == 150
    while client.hosts()[0].connections > 1:
        await asyncio.sleep(0.01)
