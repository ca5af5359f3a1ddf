"""The whole product in a process of its own, and a browser in front of it."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backend.simulator.authority import Authority
from tests.conftest import SECRET
from tests.providers.peer import certificate
from tests.services.picture_host import PictureHost

START = 240.0  # the first start builds the frontend
OWNER = {"name": "Ada Lindqvist", "email": "ada@example.test", "password": "correct horse battery"}


@dataclass
class Product:
    """Where it serves, the link by which the owner signs up, and the environment of its processes."""

    base: str
    setup: str
    environment: dict[str, str]
    storage: dict = field(default_factory=dict)

    def command(self, *words: str) -> dict:
        """What `tocsin … --json` answers beside the running product."""
        command = [sys.executable, "-m", "console.cli", *words, "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, check=True)
        return json.loads(done.stdout)

    @property
    def simulator(self) -> Authority:
        return Authority.load_or_create(Path(self.environment["TOCSIN_DATA_DIR"]) / "simulator")


@dataclass(frozen=True)
class Gallery:
    """A web server with pictures, and the file of the certificate by which it is trusted."""

    host: PictureHost
    ca: Path


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """Serves on loopback, from a thread of its own."""
    folder = tmp_path_factory.mktemp("gallery")
    pem, context = certificate(folder)
    context.set_alpn_protocols(["http/1.1"])
    (folder / "ca.pem").write_text(pem)
    host, loop = PictureHost(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(host.serve(context), loop).result()
    yield Gallery(host, folder / "ca.pem")
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory, gallery: Gallery) -> Iterator[Product]:
    """`tocsin up --demo` on a free port: simulator, senders, people who open what they get. It may fetch pictures from
    the gallery."""
    folder = tmp_path_factory.mktemp("product")
    own = {"TOCSIN_ALLOW_PRIVATE_NETWORKS": "1", "TOCSIN_CA_FILE": str(gallery.ca)}
    env = {**os.environ, **own, "TOCSIN_DATA_DIR": str(folder), "TOCSIN_SECRET_KEYS": SECRET}
    command = [sys.executable, "-m", "console.cli", "up", "--demo", "--port", "0"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            base, setup = _ready(process, folder / "log")
            yield Product(base, setup, env)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _ready(process: "subprocess.Popen[bytes]", log: Path) -> tuple[str, str]:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace")
        if link := re.search(r"(http://[\w.:]+)/setup\?token=\S+", text):
            return link.group(1), link.group(0)
        assert process.poll() is None, text
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace"))


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    """Playwright's browser, or the system's. Without one the test says so, and fails where CI does."""
    from playwright.sync_api import Error, sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            )
        except Error as error:
            if os.environ.get("CI"):
                pytest.fail(f"Chromium is needed: {error}")
            pytest.skip("Chromium is not installed")
        yield browser
        browser.close()


@pytest.fixture
def open_page(product: Product, chromium) -> Iterator:
    """Opens a page that may neither complain in the console nor ask another origin for anything."""
    contexts, complaints = [], []

    def make(*, width: int = 1440, height: int = 900, scheme: str = "light", signed_in: bool = True):
        context = chromium.new_context(
            base_url=product.base,
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            storage_state=product.storage if signed_in else None,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: _complaint(m) and complaints.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda request: _own(request.url, product.base) or complaints.append(request.url))
        return page

    yield make
    for context in contexts:
        context.close()
    assert not complaints


def _complaint(message) -> bool:
    """Errors and warnings, but for the browser's remark on a page left while it was still connecting:
    only a robot types and submits that fast, and nothing of ours is wrong then."""
    left_early = message.type == "warning" and "closed before the connection is established" in message.text
    return message.type in {"error", "warning"} and not left_early


def _own(url: str, base: str) -> bool:
    return url.startswith((base + "/", base.replace("http", "ws") + "/", "data:", "blob:"))


@pytest.fixture
def owner(product: Product, open_page):
    """The owner, signed up once by the set-up link."""
    if not product.storage:
        page = open_page(signed_in=False)
        page.goto(product.setup)
        for name, value in OWNER.items():
            page.fill(f"#{name}", value)
        page.get_by_role("button", name="Create account").click()
        page.get_by_text("Recent campaigns").wait_for()
        product.storage = page.context.storage_state()
    return OWNER
