"""HTTP/2 servers that nobody here wrote, each in a process of its own: nginx, node's http2 and nghttpd."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

NODE = Path(__file__).with_name("strangers.js")

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream behind {{ server 127.0.0.1:{behind}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {folder}/peer.pem;
    ssl_certificate_key {folder}/peer.pem;
    keepalive_requests {every};
    location / {{
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_next_upstream off;
    }}
  }}
}}
"""


def program(name: str) -> str:
    """Its path. Without it the test says so, and fails where CI does."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def running(port: int, *command: str) -> Iterator[str]:
    """The program while it listens on the port; gives its origin."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, f"{command[0]} ended"
            process_wait(process, 0.025)
        else:
            pytest.fail(f"{command[0]} does not listen")
        yield f"https://localhost:{port}"
    finally:
        process.kill()
        process.wait()


def process_wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


class Behind:
    """The HTTP/1.1 server behind nginx: it counts what arrives, by path."""

    def __init__(self) -> None:
        self.arrived: Counter[str] = Counter()
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
                self.arrived[head.split(" ", 2)[1]] += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.transport.abort()


@asynccontextmanager
async def nginx(folder: Path, every: int) -> AsyncIterator[tuple[str, Behind]]:
    """nginx that retires each connection after `every` requests, and what stands behind it."""
    binary, behind = program("nginx"), Behind()
    server = await asyncio.start_server(behind.serve, "127.0.0.1", 0)
    port = free_port()
    config = NGINX.format(folder=folder, port=port, every=every, behind=server.sockets[0].getsockname()[1])
    (folder / "nginx.conf").write_text(config)
    try:
        with running(port, binary, "-p", str(folder), "-c", str(folder / "nginx.conf")) as origin:
            yield origin, behind
    finally:
        server.close()
        for task in behind.tasks:
            task.cancel()
        await asyncio.gather(*behind.tasks, return_exceptions=True)
        await server.wait_closed()


@contextmanager
def node(folder: Path, **how: object) -> Iterator[str]:
    """node's http2; `how` is in `strangers.js`. It answers `/book` with what it accepted, by path."""
    port = free_port()
    with running(port, program("node"), str(NODE), str(folder / "peer.pem"), str(port), json.dumps(how)) as origin:
        yield origin


@contextmanager
def nghttpd(folder: Path, *options: str) -> Iterator[str]:
    """nghttpd, which gives back what is posted."""
    port, pem = free_port(), str(folder / "peer.pem")
    with running(port, program("nghttpd"), "-a", "127.0.0.1", "--echo-upload", *options, str(port), pem, pem) as origin:
        yield origin
