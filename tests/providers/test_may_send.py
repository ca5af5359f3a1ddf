"""A process that stood still for so long that its work may be another's puts nothing more on the wire."""

import asyncio

from test_transport import Make, Serve, many, post


class Permission:
    """May be taken away and given again."""

    given = True

    def __call__(self) -> bool:
        return self.given


async def test_what_comes_while_it_is_forbidden_ends_as_not_sent(serve: Serve, transport: Make) -> None:
    peer, may = await serve(), Permission()
    client = transport(may_send=may)
    assert await many(client, peer.origin, 5) == {"200": 5}
    may.given = False
    assert await many(client, peer.origin, 5) == {"not sent: stalled": 5}
    may.given = True
    assert await many(client, peer.origin, 5) == {"200": 5}
    assert len(peer.requests) == 10


async def test_what_waits_for_a_free_stream_does_not_go_and_what_is_out_is_answered(
    serve: Serve, transport: Make
) -> None:
    peer, may = await serve(streams=1, delay=0.3), Permission()
    client = transport(may_send=may, connections=1)
    ends = asyncio.create_task(many(client, peer.origin, 4))
    while not peer.requests:
        await asyncio.sleep(0.01)
    may.given = False
    assert await ends == {"200": 1, "not sent: stalled": 3}
    assert len(peer.requests) == 1


async def test_what_is_opened_but_not_written_yet_stays_here(serve: Serve, transport: Make) -> None:
    peer, may = await serve(), Permission()
    client = transport(may_send=may)
    assert await many(client, peer.origin, 1) == {"200": 1}
    asked = asyncio.create_task(post(client, peer.origin, "late"))
    await asyncio.sleep(0)  # on a stream now; its bytes leave with the next turn of the loop
    may.given = False
    assert await asked == "not sent: stalled"
    assert len(peer.requests) == 1
