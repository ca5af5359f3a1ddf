"""Out through an HTTP proxy: the tunnel, its refusals, and what never goes through it."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from peer import Faults, Peer, certificate
from test_transport import HEADERS, many, once_each, post

from backend.providers.proxy import Proxy, is_own_machine, through
from backend.providers.push_hosts import PushHosts
from backend.providers.transport import AddressRefused, Limits, Transport
from backend.settings import SettingError, load

ORIGIN = "https://push.example"


class Tunnels:
    """A proxy that knows one place, whatever it is asked for, and keeps the heads of the requests."""

    def __init__(self, port: int, answer: bytes = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n") -> None:
        self.port, self.answer = port, answer
        self.heads: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    async def start(self) -> "Tunnels":
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            for at in range(0, len(self.answer), 7):
                writer.write(self.answer[at : at + 7])
                await asyncio.sleep(0)
            if self.answer.startswith(b"HTTP/1.1 200"):
                await self.join(reader, writer)
            elif self.answer:
                await writer.drain()
            else:
                await asyncio.sleep(30)
        writer.transport.abort()

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.port:
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            await asyncio.gather(pour(reader, far_writer), pour(far_reader, writer))
        finally:
            far_writer.transport.abort()

    async def stop(self) -> None:
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.server.wait_closed()


async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.transport.abort()


Start = Callable[..., Awaitable[Tunnels]]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple:
    return certificate(tmp_path_factory.mktemp("example"), "push.example")


@pytest_asyncio.fixture
async def peer(example: tuple) -> AsyncIterator[Peer]:
    made = await Peer(Faults()).start(example[1])
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def proxy(peer: Peer) -> AsyncIterator[Start]:
    made: list[Tunnels] = []

    async def start(**how: object) -> Tunnels:
        how.setdefault("port", int(peer.origin.rsplit(":", 1)[1]))
        made.append(await Tunnels(**how).start())
        return made[-1]

    yield start
    for each in made:
        await each.stop()


@pytest_asyncio.fixture
async def client(example: tuple) -> AsyncIterator[Callable[..., Transport]]:
    made: list[Transport] = []

    def make(proxy_url: str, guard: object = None, **limits: float) -> Transport:
        made.append(Transport([example[0]], guard=guard, limits=Limits(**limits), proxy_url=proxy_url))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def test_the_proxy_looks_the_name_up_and_tls_is_with_the_provider(peer: Peer, proxy: Start, client) -> None:
    way = await proxy()
    transport = client(way.url.replace("://", "://us%40er:p%3Ass@"))
    assert await many(transport, ORIGIN, 50) == {"200": 50}
    assert once_each(peer, 50)
    (head,) = way.heads
    secret = base64.b64encode(b"us@er:p:ss").decode()
    assert head.split("\r\n")[:3] == [
        "CONNECT push.example:443 HTTP/1.1", "Host: push.example:443", f"Proxy-Authorization: Basic {secret}",
    ]  # fmt: skip
    assert peer.requests[0].headers[":authority"] == "push.example"


async def test_goaway_through_a_proxy(peer: Peer, proxy: Start, client) -> None:
    peer.faults.goaway_every = 20
    way = await proxy()
    assert await many(client(way.url), ORIGIN, 200) == {"200": 200}
    assert once_each(peer, 200)
    assert len(way.heads) >= 10


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n", "proxy_refused 407"),
        (b"HTTP/1.0 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "proxy_refused 403"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "proxy_answer not HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nbytes before TLS", "proxy_answer not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 20_000, "proxy_answer"),
        (b"HTTP/1.1 5", "proxy_answer connection lost"),
    ],
)
async def test_a_proxy_that_refuses_is_not_sent(peer: Peer, proxy: Start, client, answer: bytes, end: str) -> None:
    way = await proxy(answer=answer)
    assert (await post(client(way.url), ORIGIN, "x")).startswith(f"not sent: {end}")
    assert peer.connected == []


async def test_a_proxy_that_says_nothing_is_not_sent(proxy: Start, client) -> None:
    way = await proxy(answer=b"")
    assert (await post(client(way.url, connect_timeout=0.2), ORIGIN, "x")).startswith("not sent: connect_timeout")


async def test_a_proxy_that_hangs_up_amid_tls_is_not_sent(proxy: Start, client) -> None:
    way = await proxy(port=0)
    assert (await post(client(way.url), ORIGIN, "x")).startswith("not sent: connect")


async def test_a_proxy_that_is_down_is_not_sent(proxy: Start, client) -> None:
    assert (await post(client("http://127.0.0.1:9"), ORIGIN, "x")).startswith("not sent: connect ")


async def test_the_providers_certificate_is_checked_through_the_proxy(peer: Peer, proxy: Start, client) -> None:
    way = await proxy()
    assert "CERTIFICATE_VERIFY_FAILED" in await post(client(way.url), "https://other.example", "x")
    assert peer.accepted == {}


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "[fd00::1]", "169.254.169.254", "0x0a000001", "10.1", "[::ffff:10.0.0.1]"]
)
async def test_the_guard_still_refuses_private_addresses(proxy: Start, client, host: str) -> None:
    way = await proxy()
    transport = client(way.url, guard=PushHosts().guard)
    with pytest.raises(AddressRefused):
        await transport.request(f"https://{host}", "/x", HEADERS, b"", timeout=5)
    assert await post(transport, ORIGIN, "x") == "200"
    assert len(way.heads) == 1


async def test_our_own_machine_is_reached_directly(peer: Peer, client) -> None:
    transport = client("http://127.0.0.1:9")
    assert await post(transport, peer.origin, "x") == "200"
    guarded = client("http://127.0.0.1:9", guard=PushHosts().guard)
    assert (await post(guarded, peer.origin, "x")).startswith("not sent: address_not_allowed")


def test_what_our_own_machine_is_called() -> None:
    own = ["localhost", "localhost.", "shop.localhost", "127.0.0.1", "127.1.2.3", "::1"]
    assert all(map(is_own_machine, own))
    assert not any(map(is_own_machine, ["localhost.example", "10.0.0.1", "push.example", "mylocalhost", ""]))
    assert through("http://proxy:1", "localhost") is None
    assert through("http://proxy:1", "push.example") == "http://proxy:1"
    assert through(None, "push.example") is None


@pytest.mark.parametrize(
    "url", ["https://proxy:1", "http://proxy", "http://proxy:1/x", "proxy:1", "http://:1", "http://[::1", ""]
)
def test_only_plain_http_proxies(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a proxy is|Invalid IPv6"):
        Proxy.parse(url)
    if url:
        with pytest.raises(SettingError, match="TOCSIN_PROXY_URL"):
            load({"TOCSIN_DATA_DIR": str(tmp_path), "TOCSIN_PROXY_URL": url})


def test_the_password_shows_nowhere(tmp_path: Path) -> None:
    url = "http://me:canary@proxy:3128"
    settings = load({"TOCSIN_DATA_DIR": str(tmp_path), "TOCSIN_PROXY_URL": url})
    assert settings.proxy_url == url
    assert "canary" not in repr(settings) + repr(Proxy.parse(url))
    with pytest.raises(SettingError) as refused:
        load({"TOCSIN_DATA_DIR": str(tmp_path), "TOCSIN_PROXY_URL": "http://me:canary@proxy:x"})
    assert "canary" not in str(refused.value)
