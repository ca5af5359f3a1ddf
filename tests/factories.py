"""People and devices for tests: through the product's own services, in the numbers a test asks for."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import campaigns, demo
from backend.services.apps import AppRow
from backend.simulator.authority import Authority, NotServing


@dataclass(frozen=True)
class Simulator:
    """The provider simulator as a process of its own."""

    authority: Authority
    process: "subprocess.Popen[bytes]"

    def _call(self, method: str, path: str, **options: Any) -> Any:
        import ssl

        context = ssl.create_default_context(cadata=self.authority.ca)
        with httpx.Client(http2=True, verify=context, timeout=10) as client:
            answer = client.request(method, self.authority.endpoints.control + path, **options)
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def stats(self) -> dict[str, Any]:
        return self._call("GET", "/simulator/stats")

    def pairs(self) -> list[list[str]]:
        return self._call("GET", "/simulator/pairs")

    def bodies(self) -> list[list[str]]:
        return self._call("GET", "/simulator/bodies")

    def behave(self, **knobs: Any) -> None:
        self._call("POST", "/simulator/behaviour", json=knobs)

    def reset(self) -> None:
        self._call("POST", "/simulator/reset")


@contextlib.contextmanager
def simulator(directory: Path, base_url: str | None = None) -> Iterator[Simulator]:
    """Starts a simulator in that folder and ends it."""
    command = [sys.executable, "-m", "backend.simulator", "--port", "0", "--directory", str(directory)]
    if base_url:
        command += ["--base-url", base_url]
    command += ["--exit-with-parent"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            yield _ready(directory, process)
        finally:
            process.terminate()


def _ready(directory: Path, process: "subprocess.Popen[bytes]") -> Simulator:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(NotServing, httpx.HTTPError, OSError):
            made = Simulator(Authority.load_or_create(directory), process)
            if made.authority.endpoints.pid == process.pid:
                made.stats()
                return made
        time.sleep(0.05)
    raise AssertionError("the simulator did not start")


def shop(core: Core, authority: Authority, devices: int, slug: str = "shop") -> AppRow:
    """An app with lanes to the simulator and so many devices."""
    with core.work(OPERATOR) as work:
        return demo.fill(work, authority, slug, devices, history=False).app


def definition(**changes: Any) -> dict[str, Any]:
    """A campaign to everyone, sent now."""
    base = {
        "name": "Spring sale",
        "category": "marketing",
        "audience": {"everyone": True},
        "variants": [{"name": "A", "weight": 1, "content": {"title": "Hello", "body": "Spring is here."}}],
    }
    return {**base, **changes}


def launched(core: Core, app: AppRow, **changes: Any) -> str:
    """The id of a campaign that has just been launched."""
    with core.work(OPERATOR, app.number) as work:
        made = campaigns.create(work, definition(**changes)).row.id
        campaigns.launch(work, made)
    return made


def typed(**content: Any) -> dict[str, Any]:
    """The composer's draft as a browser sends it, with one wording."""
    return {"edit": 1, "variant": 0, "platform": "", "language": "", "names": ["A"], "contents": [content]}
