"""The processes that `tocsin up` starts, watches, restarts and drains.

Each child reads its standard input and ends when that ends: a parent that is killed leaves no orphan.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Mapping, Sequence

log = logging.getLogger("tocsin.children")

DRAIN = 20.0
LONGEST_REST = 10.0


class Child:
    """One child process, restarted with growing rests when it ends unasked."""

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._name, self._arguments, self._environment = name, arguments, environment
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Begins to run and watch it."""
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Asks it to drain, and kills it when it has not after 20 s."""
        if self._watching:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), DRAIN)
        except TimeoutError:
            log.warning("%s did not drain in %.0f s and is killed", self._name, DRAIN)
            process.kill()
            await process.wait()

    async def _watch(self) -> None:
        rest = 0.2
        while True:
            begun = asyncio.get_running_loop().time()
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *self._arguments, stdin=asyncio.subprocess.PIPE, env=dict(self._environment)
            )
            code = await self._process.wait()
            lived = asyncio.get_running_loop().time() - begun
            rest = 0.2 if lived > LONGEST_REST else min(rest * 2, LONGEST_REST)
            log.warning("%s ended with %s and is started again in %.1f s", self._name, code, rest)
            await asyncio.sleep(rest)


async def until_parent_ends(stop: asyncio.Event) -> None:
    """Sets `stop` when standard input ends, as it does when the parent is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        continue
    stop.set()
