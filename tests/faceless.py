"""The server without its console: API and clock in one process, up within a second, for tests that kill it or time it.

`python -m tests.faceless PORT` over the database of the environment.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from backend import bootstrap, scheduler
from backend.api import create_api
from backend.bootstrap import Core
from console.up import free_port
from tests.conftest import SECRET

Process = subprocess.Popen[bytes]


async def serve(core: Core, port: int) -> None:
    from granian.constants import Interfaces
    from granian.server.embed import Server

    async with scheduler.running(core):
        await Server(create_api(core), address="127.0.0.1", port=port, interface=Interfaces.ASGI).serve()


def _started(core: Core, log: Path, *command: str) -> Process:
    environment = {**os.environ, **core.settings.child_environment(), "TOCSIN_SECRET_KEYS": SECRET}
    with log.open("ab") as written:
        return subprocess.Popen([sys.executable, "-m", *command], env=environment, stdout=written, stderr=written)


@contextlib.contextmanager
def server(core: Core, log: Path) -> Iterator[tuple[Process, str]]:
    """The server over the core's database, and its address; killed at the end, without a word."""
    port = free_port()
    process = _started(core, log, "tests.faceless", str(port))
    try:
        _wait_for(f"http://127.0.0.1:{port}/health/ready", process, log)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def sender(core: Core, log: Path) -> Iterator[Process]:
    """A sender process over the core's database."""
    process = _started(core, log, "console.cli", "worker")
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(address: str, process: Process, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(address, timeout=2).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


if __name__ == "__main__":
    asyncio.run(serve(bootstrap.build(), int(sys.argv[1])))
