"""How the simulator's connections behave: streams, GOAWAY, flow control, faults, a clean end."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.settings import SettingCodes
from simulator_client import Simulator, running

PAYLOAD = orjson.dumps({"aps": {"alert": "Hi"}, "m": "x", "t": "y"})


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulator")


@pytest_asyncio.fixture
async def simulator(directory: Path) -> AsyncIterator[Simulator]:
    async with running(directory) as simulator:
        yield simulator


class Raw:
    """A bare HTTP/2 client that sees every event and obeys nothing."""

    def __init__(self, simulator: Simulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.simulator, self.reader, self.writer = simulator, reader, writer
        self.h2 = H2Connection(
            H2Configuration(header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False)
        )
        self.events: list[Event] = []
        self.stream = -1
        self.closed = False

    def post(self, n: int = 1, *extra: tuple[str, str], body: bytes = PAYLOAD) -> int:
        self.stream += 2
        path = f"/3/device/{self.simulator.device('apns', n)['token']}"
        pseudo = [(":method", "POST"), (":scheme", "https"), (":authority", "127.0.0.1"), (":path", path)]
        self.h2.send_headers(self.stream, [*pseudo, *self.simulator.apns_headers().items(), *extra])
        self.h2.send_data(self.stream, body, end_stream=True)
        return self.stream

    def disobey(self) -> None:
        """h2 itself would not send more streams than it may."""
        self.h2.remote_settings[SettingCodes.MAX_CONCURRENT_STREAMS] = 10_000
        self.h2.remote_settings.acknowledge()

    async def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    async def until(self, kind: type[Event], count: int = 1) -> list[Any]:
        async with asyncio.timeout(5):
            while len(found := self.seen(kind)) < count and not self.closed:
                await self.read()
        return found

    async def read(self) -> None:
        data = await self.reader.read(65_536)
        self.closed = not data
        self.events += self.h2.receive_data(data) if data else []
        await self.flush()

    def seen(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@contextlib.asynccontextmanager
async def raw(
    simulator: Simulator, endpoint: str | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Raw]:
    tls = tls or ssl.create_default_context(cafile=simulator.endpoints.ca)
    tls.set_alpn_protocols(["h2"])
    url = httpx.URL(endpoint or simulator.endpoints.apns)
    reader, writer = await asyncio.open_connection(url.host, url.port, ssl=tls)
    client = Raw(simulator, reader, writer)
    client.h2.initiate_connection()
    await client.flush()
    await client.until(RemoteSettingsChanged)
    yield client
    writer.close()
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        await writer.wait_closed()


async def test_apns_allows_one_stream_until_a_token_was_valid(simulator: Simulator):
    async with raw(simulator) as client:
        assert client.h2.remote_settings.max_concurrent_streams == 1
        client.disobey()
        # Held back by its missing end: the second stream is one too many.
        client.h2.send_headers(1, [(":method", "POST"), (":scheme", "https"), (":path", "/")])
        client.stream = 1
        refused = client.post()
        await client.flush()
        (reset,) = await client.until(StreamReset)
        assert (reset.stream_id, reset.error_code) == (refused, ErrorCodes.REFUSED_STREAM)
        client.h2.reset_stream(1)
        client.post()
        await client.flush()
        await client.until(StreamEnded)
        _, raised = await client.until(RemoteSettingsChanged, 2)
        assert raised.changed_settings[SettingCodes.MAX_CONCURRENT_STREAMS].new_value == 1000
        for n in range(300):
            client.post(n)
            if n % 50 == 0:
                await client.flush()
                await asyncio.sleep(0.02)
                await client.read()
        await client.flush()
        assert len(await client.until(StreamEnded, 301)) == 301
        assert {dict(event.headers)[":status"] for event in client.seen(ResponseReceived)} == {"200"}


async def test_a_refused_token_raises_nothing(simulator: Simulator):
    async with raw(simulator) as client:
        client.simulator.one_token = "rubbish"
        client.post()
        await client.flush()
        await client.until(StreamEnded)
        await asyncio.sleep(0.02)
        assert client.h2.remote_settings.max_concurrent_streams == 1


async def test_fcm_and_web_push_allow_a_hundred(simulator: Simulator):
    for endpoint in (simulator.endpoints.fcm, simulator.endpoints.webpush):
        async with raw(simulator, endpoint) as client:
            assert client.h2.remote_settings.max_concurrent_streams == 100


async def test_goaway_finishes_what_it_names_and_ignores_the_rest(simulator: Simulator):
    await simulator.apns()
    await simulator.behave(goaway_every=3, latency_ms=50)
    async with raw(simulator) as client:
        client.post(1)
        await client.flush()
        await client.until(StreamEnded)
        streams = [client.post(n) for n in (2, 3, 4, 5)]
        await client.flush()
        data = await _everything(client)
        frames = _frames(data)
        goaways = [int.from_bytes(body[:4]) for kind, _, body in frames if kind == 7]
        answered = {stream for kind, stream, _ in frames if kind == 1}
        assert (goaways, answered) == ([streams[1]], {streams[0], streams[1]})
        assert b'{"reason":"Shutdown"}' in data
    assert len(await simulator.pairs()) == 4


async def test_a_graceful_goaway_names_no_request_first(simulator: Simulator):
    await simulator.apns()
    await simulator.behave(goaway_every=2, goaway_graceful=True)
    async with raw(simulator) as client:
        client.post(1)
        await client.flush()
        await client.until(StreamEnded)
        streams = [client.post(2)]
        await client.flush()
        await asyncio.sleep(0.03)
        # The first GOAWAY refuses nothing that is on its way.
        streams.append(client.post(3))
        await client.flush()
        frames = _frames(await _everything(client))
        goaways = [int.from_bytes(body[:4]) for kind, _, body in frames if kind == 7]
        answered = {stream for kind, stream, _ in frames if kind == 1}
        assert (goaways, answered) == ([2**31 - 1, streams[-1]], set(streams))
    assert len(await simulator.pairs()) == 4


async def test_the_streams_of_a_connection_may_be_limited(simulator: Simulator):
    await simulator.behave(only={"fcm": {"streams": 3}})
    for endpoint, streams in ((simulator.endpoints.fcm, 3), (simulator.endpoints.webpush, 100)):
        async with raw(simulator, endpoint) as client:
            assert client.h2.remote_settings.max_concurrent_streams == streams


def _frames(data: bytes) -> list[tuple[int, int, bytes]]:
    frames = []
    while data:
        length = int.from_bytes(data[:3])
        frames.append((data[3], int.from_bytes(data[5:9]), data[9 : 9 + length]))
        data = data[9 + length :]
    return frames


ENDINGS = [("refuse", ErrorCodes.REFUSED_STREAM, 0), ("reset_after_accept", ErrorCodes.INTERNAL_ERROR, 1)]


@pytest.mark.parametrize(("knob", "code", "accepted"), ENDINGS)
async def test_resets_on_demand(simulator: Simulator, knob, code, accepted):
    await simulator.behave(**{knob: 1.0})
    async with raw(simulator) as client:
        client.post()
        await client.flush()
        (reset,) = await client.until(StreamReset)
        assert reset.error_code == code
    assert (await simulator.stats())["pairs"] == accepted


async def test_hangs_up_and_keeps_silent_on_demand(simulator: Simulator):
    await simulator.behave(hang_up_after_accept=1.0)
    with pytest.raises(httpx.TransportError):
        await simulator.apns()
    await simulator.behave(silence_after_accept=1.0)
    with pytest.raises(httpx.ReadTimeout):
        await simulator.http.post(
            f"{simulator.endpoints.apns}/3/device/{simulator.device('apns', 2)['token']}",
            content=PAYLOAD,
            headers=simulator.apns_headers(),
            timeout=0.1,
        )
    assert (await simulator.stats())["pairs"] == 2


async def test_a_share_of_faults_is_a_share(simulator: Simulator):
    await simulator.apns()
    await simulator.behave(mix={"apns": {"429/TooManyRequests@9": 0.2, "503/ServiceUnavailable": 0.1}})
    answers = await asyncio.gather(*(simulator.apns(device=simulator.device("apns", n)["token"]) for n in range(100)))
    statuses = [answer.status_code for answer in answers]
    assert 10 <= statuses.count(429) <= 32
    assert 4 <= statuses.count(503) <= 20
    assert statuses.count(200) + statuses.count(429) + statuses.count(503) == 100
    assert {answer.headers.get("retry-after") for answer in answers if answer.status_code == 429} == {"9"}


async def test_latency(simulator: Simulator):
    await simulator.behave(latency_ms=80)
    before = asyncio.get_running_loop().time()
    await simulator.apns()
    assert asyncio.get_running_loop().time() - before >= 0.08


async def test_a_device_may_be_limited(simulator: Simulator):
    await simulator.behave(device_per_minute=1)
    first, second = await simulator.apns(), await simulator.apns()
    other = await simulator.apns(device=simulator.device("apns", 2)["token"])
    assert (first.status_code, other.status_code) == (200, 200)
    assert (second.status_code, second.json()) == (429, {"reason": "TooManyRequests"})


async def test_answers_larger_than_the_windows_are_sent_as_the_client_reads(simulator: Simulator):
    for n in range(20):
        await simulator.apns(device=simulator.device("apns", n)["token"])
    async with raw(simulator) as client:
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 100})
        pseudo = [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/simulator/pairs")]
        client.h2.send_headers(1, pseudo, end_stream=True)
        await client.flush()
        await client.until(DataReceived)
        await asyncio.sleep(0.02)
        assert sum(len(event.data) for event in client.seen(DataReceived)) == 100
        while not client.seen(StreamEnded):
            client.h2.increment_flow_control_window(300, 1)
            await client.flush()
            await client.read()
        body = b"".join(event.data for event in client.seen(DataReceived))
        assert len(orjson.loads(body)) == 20


MALFORMED = [
    ("Upper-Case", "x"),
    ("connection", "close"),
    ("x-name", "a\nb"),
    ("x-name", " a"),
    ("x-name", "a\x7f"),
    (":path", "/twice"),
    ("", "x"),
    ("content-length", "7"),
]


@pytest.mark.parametrize("header", MALFORMED)
async def test_malformed_headers_reset_the_stream(simulator: Simulator, header):
    async with raw(simulator) as client:
        client.post(1, header)
        await client.flush()
        (reset,) = await client.until(StreamReset)
        assert reset.error_code == ErrorCodes.PROTOCOL_ERROR


async def test_rubbish_closes_the_connection_and_nothing_else(simulator: Simulator):
    async with raw(simulator) as client:
        client.writer.write(b"\x00\x00\x01\x05\x00\x00\x00\x00\x00rubbish!")
        async with asyncio.timeout(5):
            await client.reader.read()
    assert (await simulator.apns()).status_code == 200


async def test_a_client_without_http2_is_hung_up_on(simulator: Simulator):
    tls = ssl.create_default_context(cafile=simulator.endpoints.ca)
    async with httpx.AsyncClient(verify=tls, trust_env=False) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"{simulator.endpoints.apns}/simulator/stats")


async def test_a_client_that_leaves_still_gets_its_answer(simulator: Simulator):
    await simulator.behave(latency_ms=30)
    async with raw(simulator) as client:
        client.post()
        client.h2.close_connection()
        client.writer.write(client.h2.data_to_send())
        data = b""
        async with asyncio.timeout(5):
            while not any(kind == 1 for kind, _, _ in _frames(data)):
                chunk = await client.reader.read(65_536)
                assert chunk
                data += chunk


async def test_stopping_says_goaway_and_answers_what_is_under_way(directory: Path):
    async with contextlib.AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running(directory))
        await simulator.behave(latency_ms=150)
        client = await stack.enter_async_context(raw(simulator))
        client.post()
        await client.flush()
        await asyncio.sleep(0.05)
        reading = asyncio.create_task(_everything(client))
        simulator.task.cancel()
        frames = _frames(await reading)
        assert [kind for kind, _, _ in frames if kind in {1, 7}] == [7, 1]


async def _everything(client: Raw) -> bytes:
    data = b""
    async with asyncio.timeout(5):
        while chunk := await client.reader.read(65_536):
            data += chunk
    return data


async def test_control_routes(simulator: Simulator):
    assert (await simulator.behave(latency_ms=5)).json()["latency_ms"] == 5
    bad = [{"speed": 1}, {"refuse": 2}, {"latency_ms": "x"}, {"mix": {"apns": {"200/": 1}}}, {"mix": {"sms": {}}}, 1]
    for knobs in bad:
        response = await simulator.http.post(f"{simulator.endpoints.apns}/simulator/behaviour", json=knobs)
        assert (response.status_code, "error" in response.json()) == (400, True), knobs
    behaviour = (await simulator.http.get(f"{simulator.endpoints.apns}/simulator/behaviour")).json()
    assert behaviour["latency_ms"] == 5
    await simulator.apns()
    await simulator.apns(b"")
    refusals = (await simulator.http.get(f"{simulator.endpoints.apns}/simulator/refusals")).json()
    assert refusals == [{"service": "apns", "status": 400, "reason": "PayloadEmpty", "detail": ""}]
    stats = (await simulator.http.post(f"{simulator.endpoints.apns}/simulator/reset")).json()
    assert (stats["accepted"], stats["pairs"], stats["refused"]) == ({"apns": 0, "fcm": 0, "webpush": 0}, 0, {})
    assert (await simulator.pairs()) == []
    assert (await simulator.http.get(f"{simulator.endpoints.apns}/simulator/nothing")).status_code == 404
