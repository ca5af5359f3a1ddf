"""The simulator as a process, and what it keeps in its folder."""

import asyncio
import json
import signal
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from simulator_client import running

from backend.simulator.authority import DEAD, Authority, Endpoints, NotServing
from backend.simulator.behaviour import KNOBS
from backend.simulator.command import command
from backend.simulator.faults import CATALOGUE
from backend.simulator.presets import PRESETS

ENDPOINTS = Endpoints("https://127.0.0.1:1", "https://127.0.0.1:2", "https://127.0.0.1:3", 0, "ca.pem")


@contextmanager
def process(directory: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "backend.simulator", "--port", "0", "--directory", str(directory), *options]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with child:
        try:
            yield child
        finally:
            child.kill()


def ready(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line.startswith("APNs https://127.0.0.1:"), child.stderr and child.stderr.read()
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals):
    with process(tmp_path) as child:
        ready(child)
        child.send_signal(number)
        _, errors = child.communicate(timeout=10)
        assert (child.returncode, errors) == (0, "")


def test_it_ends_with_its_parent(tmp_path: Path):
    with process(tmp_path, "--exit-with-parent") as child:
        ready(child)
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=10) == 0


def test_it_announces_itself_and_takes_knobs(tmp_path: Path):
    knobs = [
        "--preset",
        "errors",
        "--behaviour",
        '{"goaway_every": 7, "seed": 3}',
        "--latency-ms",
        "2",
        "--refuse",
        "0",
    ]
    knobs += ["--mix", "apns:429/TooManyRequests@9=0.25", "--mix", "oauth:503/=1", "--no-token-updates"]
    knobs += ["--only", "webpush2:latency_ms=500", "--only", "fcm:down_as=reset"]
    with process(tmp_path, *knobs) as child:
        ready(child)
        endpoints = json.loads((tmp_path / "endpoints.json").read_text())
        assert set(endpoints) == {"apns", "fcm", "webpush", "webpush2", "sandbox", "control", "pid", "ca"}
        assert endpoints["pid"] == child.pid
        with httpx.Client(http2=True, http1=False, verify=_trust(endpoints["ca"]), trust_env=False) as client:
            for name in ("apns", "fcm", "webpush", "webpush2", "sandbox", "control"):
                behaviour = client.get(f"{endpoints[name]}/simulator/behaviour").json()
                assert (behaviour["latency_ms"], behaviour["goaway_every"], behaviour["seed"]) == (2, 7, 3)
        assert behaviour["mix"] == PRESETS["errors"].knobs["mix"] | {
            "apns": {"429/TooManyRequests": 0.05, "429/TooManyRequests@9": 0.25},
            "oauth": {"503/": 1},
        }
        assert behaviour["only"] == {"webpush2": {"latency_ms": 500}, "fcm": {"down_as": "reset"}}
        assert behaviour["token_updates"] is False


def _trust(ca: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


WRONG = [
    ["--refuse", "7"],
    ["--behaviour", "{"],
    ["--behaviour", '{"x": 1}'],
    ["--behaviour", "[]"],
    ["--preset", "nice"],
    ["--mix", "apns"],
    ["--mix", "apns:429=0.1"],
    ["--mix", "sms:429/=0.1"],
    ["--only", "fcm:seed=1"],
    ["--down-as", "asleep"],
    ["--wat"],
    ["--base-url", "localhost:3000"],
]


@pytest.mark.parametrize("options", WRONG)
def test_wrong_usage_is_said_in_one_line(tmp_path: Path, options: list[str]):
    result = CliRunner().invoke(command, ["--directory", str(tmp_path), *options])
    assert result.exit_code in {1, 2}
    assert "Error:" in result.output


def test_the_help_names_every_knob_preset_fault_and_route():
    text = CliRunner().invoke(command, ["--help"], terminal_width=110).output
    wanted = [f"--{name.replace('_', '-')}" for name in KNOBS] + [f"  {name} " for name in PRESETS]
    wanted += [fault for faults in CATALOGUE.values() for fault in faults]
    wanted += ["GET /simulator/stats", "POST /simulator/behaviour", "webpush2"]
    assert [each for each in wanted if each not in text] == []


def test_a_taken_port_is_an_error(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = ["--directory", str(tmp_path), "--port", str(taken.getsockname()[1])]
        result = CliRunner().invoke(command, options)
        assert (result.exit_code, "in use" in result.output) == (1, True)


async def test_ports_are_kept_and_given_up_when_taken(tmp_path: Path):
    async with running(tmp_path) as first:
        async with running(tmp_path) as second:
            mine = {first.endpoints.apns, first.endpoints.fcm, first.endpoints.webpush}
            theirs = {second.endpoints.apns, second.endpoints.fcm, second.endpoints.webpush}
            assert not mine & theirs
    async with running(tmp_path) as third:
        assert third.endpoints == second.endpoints
        assert (await third.webpush()).status_code == 201


async def test_consecutive_ports(tmp_path: Path):
    for _ in range(5):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        try:
            async with running(tmp_path, port=port) as simulator:
                urls = (simulator.endpoints.apns, simulator.endpoints.fcm, simulator.endpoints.webpush)
                assert urls == tuple(f"https://127.0.0.1:{port + n}" for n in range(3))
                return
        except OSError:
            continue
    pytest.fail("no three free ports in a row in five attempts")


def test_the_folder_is_made_once_and_private(tmp_path: Path):
    directory = tmp_path / "deep" / "simulator"
    one, two = (Authority.load_or_create(directory, ENDPOINTS) for _ in range(2))
    assert one.apns_credential_body("a.b") == two.apns_credential_body("a.b")
    assert one.fcm_credential_body() == two.fcm_credential_body()
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert not [path for path in directory.iterdir() if path.name.startswith(".")]


def test_two_processes_at_once_agree(tmp_path: Path):
    code = "import sys, pathlib; from backend.simulator.authority import Authority\n"
    code += "print(Authority.load_or_create(pathlib.Path(sys.argv[1])).team_id)"
    command = [sys.executable, "-c", code, str(tmp_path / "new")]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    names = {child.communicate(timeout=30)[0] for child in children}
    assert len(names) == 1
    assert len(names.pop().strip()) == 10


def test_credential_bodies_have_the_apis_shape(tmp_path: Path):
    authority = Authority.load_or_create(tmp_path, ENDPOINTS)
    apns = authority.apns_credential_body("com.example.shop", "sandbox")
    assert set(apns) == {"topic", "environment", "team_id", "key_id", "private_key", "endpoint", "ca"}
    assert (len(apns["team_id"]), len(apns["key_id"]), apns["environment"]) == (10, 10, "sandbox")
    assert apns["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    fcm = authority.fcm_credential_body()
    assert fcm["service_account"]["project_id"] == "tocsin-simulator"
    assert fcm["service_account"]["token_uri"] == "https://127.0.0.1:2/token"
    assert authority.webpush_credential_body("mailto:a@example.com") == {
        "subject": "mailto:a@example.com",
        "endpoint": "https://127.0.0.1:3",
        "ca": authority.ca,
    }


def test_addresses_are_many_stable_and_dead_ones_recognisable(tmp_path: Path):
    authority = Authority.load_or_create(tmp_path, ENDPOINTS)
    tokens = {authority.device_address("apns", n)["token"] for n in range(1000)}
    assert len(tokens) == 1000
    assert all(len(token) == 64 and int(token, 16) and not token.startswith(DEAD) for token in tokens)
    assert len({authority.device_address("fcm", n)["token"] for n in range(1000)}) == 1000
    subscription = authority.device_address("webpush", 5)["subscription"]
    assert subscription == authority.device_address("webpush", 5)["subscription"]
    assert subscription["endpoint"].startswith("https://127.0.0.1:3/wpush/v2/")
    assert authority.device_address("apns", 1, dead=True)["token"].startswith(DEAD)
    assert authority.device_address("fcm", 1, dead=True)["token"].startswith(DEAD)
    with pytest.raises(ValueError, match="sms"):
        authority.device_address("sms", 1)


def test_addresses_need_a_simulator(tmp_path: Path):
    authority = Authority.load_or_create(tmp_path)
    with pytest.raises(NotServing):
        authority.device_address("webpush", 1)


def _open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


async def test_cancelling_leaves_nothing_behind(tmp_path: Path):
    before = _open_files()
    for _ in range(3):
        async with running(tmp_path) as simulator:
            assert (await simulator.apns()).status_code == 200
    await asyncio.sleep(0.05)
    assert _open_files() <= before + 2
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
