"""A web server on loopback that serves pictures, or whatever a test wants of it, over real TLS."""

import asyncio
import io
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image

Answer = bytes
"""The whole answer, head and body."""


def answer(body: bytes, kind: str = "image/jpeg", status: str = "200 OK", **headers: str) -> Answer:
    """`location="…"` becomes a header of its own."""
    told = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in told.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def image(width: int = 1200, height: int = 600, kind: str = "JPEG", frames: int = 1, **options: object) -> bytes:
    """A picture of that size."""
    pages = [Image.linear_gradient("L").resize((width, height)).convert("RGB").rotate(90 * n) for n in range(frames)]
    made = io.BytesIO()
    more = {"save_all": True, "append_images": pages[1:], "duration": 100} if frames > 1 else {}
    pages[0].save(made, kind, **more, **options)
    return made.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few megapixels a byte."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width // 8 + 1) * 200), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@dataclass
class PictureHost:
    """`answers` by path; `endless` paths go on until the other side hangs up, `silent` ones never answer, `muddled`
    ones begin to and then leave TLS."""

    answers: dict[str, Answer] = field(default_factory=dict)
    endless: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    muddled: set[str] = field(default_factory=set)
    asked: list[Mapping[str, str]] = field(default_factory=list)
    connections: int = 0
    sent: int = 0
    origin: str = ""

    async def serve(self, context) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.origin = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            path = head[0].split(" ")[1]
            self.asked.append({":path": path, **dict(line.split(": ", 1) for line in head[1:] if line)})
            await self._answer(path, writer)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path in self.silent:
            await asyncio.sleep(30)
        if path in self.endless:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n")
            while True:
                writer.write(bytes(65_536))
                self.sent += 65_536
                await asyncio.wait_for(writer.drain(), 5)
        if path in self.muddled:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            await writer.drain()
            os.write(writer.get_extra_info("socket").fileno(), b"no record of TLS" * 30)
            await asyncio.sleep(0.2)
        writer.write(self.answers.get(path, answer(b"", "text/plain", "404 Not Found")))
        await writer.drain()
