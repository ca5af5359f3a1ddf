"""The server dies in the middle of ingest; whatever it had answered 202 to is there."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import apps, keys
from console.up import free_port
from tests.conftest import SECRET

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SENDERS = 16
BEFORE = 150
"""Answers that are waited for before the server is killed."""


@contextlib.contextmanager
def server(core: Core, folder: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """`tocsin up` without senders over the test's own database."""
    port = free_port()
    environment = {"TOCSIN_DATA_DIR": str(folder), "TOCSIN_DATABASE_URL": core.settings.database_url}
    command = [sys.executable, "-m", "console.cli", "up", "--workers", "0", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **environment, "TOCSIN_SECRET_KEYS": SECRET}, stdout=log, stderr=log
        )
        try:
            wait_for(process, f"http://127.0.0.1:{port}", folder / "log")
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def wait_for(process: "subprocess.Popen[bytes]", base: str, log: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{base}/health/ready", timeout=2).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


async def tell(base: str, key: str, lane: int, answered: list[str]) -> None:
    """Tells events, one or some hundred a request, until nobody answers any more."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as http:
        for number in range(100_000):
            names = [f"{lane}-{number}-{n}" for n in range(200 if lane == 0 else 1)]
            events = [{"id": name, "name": "seen", "user_id": f"u{lane}"} for name in names]
            try:
                answer = await http.post("/api/v1/events", content=json.dumps({"events": events}))
            except httpx.HTTPError:
                return
            assert answer.status_code == 202, answer.text
            answered += names


async def until_killed(process: "subprocess.Popen[bytes]", base: str, key: str) -> list[str]:
    answered: list[str] = []

    async def kill() -> None:
        while len(answered) < BEFORE:
            await asyncio.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)

    await asyncio.gather(kill(), *(tell(base, key, lane, answered) for lane in range(SENDERS)))
    return answered


async def test_what_was_answered_survives_a_killed_server(core: Core, app: apps.AppRow, tmp_path: Path):
    with core.work(OPERATOR, app.number) as work:
        key = keys.add_key(work, scope="server")[1]
    with server(core, tmp_path) as (process, base):
        answered = await until_killed(process, base, key)
    with core.engine.connect() as connection:
        kept = set(connection.execute(text("SELECT external_id FROM event")).scalars())
    assert len(answered) >= BEFORE
    assert set(answered) - kept == set()
