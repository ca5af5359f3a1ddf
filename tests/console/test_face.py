"""What surrounds the pages: headers, limits, logs, the built frontend, the one place of the look."""

import logging
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from console import asgi
from console.fingerprint import ROOT, fingerprint
from console.logs import Redact
from console.plugins import PortableFrontendPlugin

LITERAL = re.compile(r"\"[0-9.]+px\"|#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b|rgba?\(")


@pytest.fixture
def client():
    async def echo(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])])
    wrapped = asgi.security_headers(asgi.body_limit(app))
    return httpx.AsyncClient(transport=httpx.ASGITransport(wrapped), base_url="http://console.test")


async def test_a_page_is_confined_to_its_origin(client):
    async with client:
        answer = await client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"


async def test_hashed_files_are_kept_and_the_api_decides_for_itself(client):
    async with client:
        kept, api = await client.get("/assets/a-1.js"), await client.get("/api/v1/x")
    assert "immutable" in kept.headers["cache-control"]
    assert "cache-control" not in api.headers


async def test_a_body_over_the_limit_is_refused_announced_or_streamed(client, monkeypatch):
    monkeypatch.setattr(asgi, "MAX_BODY", 10)

    async def stream():
        for _ in range(3):
            yield b"12345"

    async with client:
        assert (await client.post("/x", content=b"1234567890")).text == "10"
        assert (await client.post("/x", content=b"12345678901")).status_code == 413
        assert (await client.post("/x", content=stream())).status_code == 413


def test_secrets_of_a_failing_request_stay_out_of_the_log():
    message = "failed: {'cookie': 'tocsin_session=abc', \"Authorization\": \"Bearer key\", 'host': 'x'}"
    record = logging.LogRecord("reflex", logging.ERROR, "", 0, message, None, None)
    assert Redact().filter(record)
    assert "abc" not in record.getMessage()
    assert "Bearer" not in record.getMessage()
    assert "'host': 'x'" in record.getMessage()


def test_the_bundle_talks_to_the_origin_that_served_it(tmp_path: Path):
    (tmp_path / "assets").mkdir()
    script = tmp_path / "assets" / "a.js"
    script.write_text('const a="ws://localhost:8000/_event",b="http://localhost:8000/ping";')
    PortableFrontendPlugin().post_build(static_dir=tmp_path)
    assert script.read_text() == ('const a=location.origin.replace(/^http/,"ws")+"/_event",b=location.origin+"/ping";')
    with pytest.raises(RuntimeError, match="no baked"):
        PortableFrontendPlugin().post_build(static_dir=tmp_path)


def test_the_fingerprint_is_of_the_sources():
    assert fingerprint() == fingerprint()
    assert len(fingerprint()) == 64


def test_the_lock_names_no_host():
    for path in (ROOT / "reflex.lock").iterdir():
        assert "://" not in path.read_text(encoding="utf-8")


def test_colours_and_sizes_stand_in_the_theme_alone():
    pages = [path for path in (ROOT / "console").rglob("*.py") if path.name != "theme.py"]
    found = {
        f"{path.name}: {hit}"
        for path in pages
        for hit in LITERAL.findall(path.read_text(encoding="utf-8"))
        if hit != "rgba("
    }
    assert not found
