"""The API behind a socket, as the product serves it: for tests that need real HTTP. In a thread of the tests' own
process, or in one of its own where its speed is measured:

    python -m tests.api.served DATABASE_URL DATA_DIR

Prints the port once it answers, and ends when its standard input does.
"""

import asyncio
import contextlib
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from fastapi import FastAPI
from granian.constants import Interfaces
from granian.server.embed import Server

from backend.api import create_api
from backend.bootstrap import Core, build
from tests.conftest import settings_for


@contextlib.contextmanager
def within(api: FastAPI) -> Iterator[str]:
    """The base address of an API that a thread serves."""
    ports = queue.SimpleQueue()
    threading.Thread(target=lambda: asyncio.run(serve(api, ports.put)), daemon=True).start()
    yield f"http://127.0.0.1:{ports.get(timeout=20)}"


@contextlib.contextmanager
def served(core: Core) -> Iterator[str]:
    """The base address of an API over the same database."""
    folder = str(core.settings.data_dir)
    command = [sys.executable, "-m", "tests.api.served", core.settings.database_url, folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


async def serve(api: FastAPI, ready: Callable[[int], None]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(api, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        await asyncio.sleep(0.02)
    ready(port)
    await serving


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    api = create_api(build(settings_for(sys.argv[1], Path(sys.argv[2]))))
    asyncio.run(serve(api, lambda port: print(port, flush=True)))
