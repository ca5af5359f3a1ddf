"""The API as its clients see it: over ASGI, on each database, with a key of each scope."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI

from backend.api import create_api
from backend.api.groups import close_groups
from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.services import apps, keys

Caller = Callable[..., httpx.AsyncClient]


@dataclass(frozen=True)
class Keys:
    """A key of each scope, of one app."""

    client: str
    server: str
    admin: str


def keys_of(core: Core, number: int) -> Keys:
    with core.work(OPERATOR, number) as work:
        return Keys(*(keys.add_key(work, scope=scope, name=scope)[1] for scope in ("client", "server", "admin")))


_shared: list[FastAPI] = []


@pytest.fixture
def api(core: Core) -> Iterator[FastAPI]:
    """One API for all tests, over each test's own core: laying out its routes takes a third of a second."""
    if not _shared:
        _shared.append(create_api(core))
    _shared[0].state.core = core
    yield _shared[0]
    close_groups(_shared[0])


@pytest.fixture
def shop_keys(core: Core, app: apps.AppRow) -> Keys:
    return keys_of(core, app.number)


@pytest.fixture
def other_app(core: Core) -> apps.AppRow:
    """An app whose objects nobody else may see."""
    with core.work(OPERATOR) as work:
        return apps.create_app(work, slug="other")


@pytest.fixture
async def connect(api: FastAPI) -> AsyncIterator[Caller]:
    """Makes HTTP clients: `connect(key)` sends that key, `connect()` none; `address` is who seems to call."""
    made: list[httpx.AsyncClient] = []

    def client(key: str | None = None, *, address: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
        if key:
            headers["Authorization"] = f"Bearer {key}"
        transport = httpx.ASGITransport(api, client=(address, 50_000))
        made.append(httpx.AsyncClient(transport=transport, base_url="http://tocsin.test", headers=headers))
        return made[-1]

    yield client
    for one in made:
        await one.aclose()


@pytest.fixture
def visitor(connect: Caller) -> httpx.AsyncClient:
    return connect()


@pytest.fixture
def admin(connect: Caller, shop_keys: Keys) -> httpx.AsyncClient:
    return connect(shop_keys.admin)


@pytest.fixture
def server(connect: Caller, shop_keys: Keys) -> httpx.AsyncClient:
    return connect(shop_keys.server)


@pytest.fixture
def client(connect: Caller, shop_keys: Keys) -> httpx.AsyncClient:
    return connect(shop_keys.client)
