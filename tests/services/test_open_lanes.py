"""The lanes that a process has open: one a credential, replaced when that changes, closed when nobody needs them."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from backend.domain.vocabulary import ProviderName
from backend.providers.base import Credential
from backend.services import lanes
from backend.services.lanes import Lane, Lanes
from tests.conftest import settings_for
from tests.services.test_outcomes import ready


@pytest.fixture(scope="module")
def credential(tmp_path_factory: pytest.TempPathFactory) -> Credential:
    """Of an app at an endpoint where nobody listens."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = {"key_id": "ABC123DEFG", "team_id": "DEF123GHIJ", "topic": "com.example.shop"}
    return Credential(1, endpoint="https://127.0.0.1:9", public=public, secret={"private_key": key.decode()})


@pytest_asyncio.fixture
async def open_lanes(tmp_path: Path) -> AsyncIterator[Lanes]:
    made = Lanes(settings_for(f"sqlite:///{tmp_path}/x.db", tmp_path))
    yield made
    await made.close()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How many seconds the steady clock is ahead."""
    ahead, real = [0.0], time.monotonic
    monkeypatch.setattr(lanes.time, "monotonic", lambda: real() + ahead[0])
    return ahead


async def test_a_lane_stays_until_its_credential_changes(open_lanes: Lanes, credential: Credential):
    first = open_lanes.get(ProviderName.APNS, credential)
    assert open_lanes.get(ProviderName.APNS, replace(credential)) is first
    other = open_lanes.get(ProviderName.APNS, replace(credential, environment="sandbox"))
    assert other is not first
    assert open_lanes.get(ProviderName.APNS, replace(credential, environment="sandbox")) is other


async def test_what_nobody_uses_is_closed_and_what_somebody_uses_is_not(
    open_lanes: Lanes, credential: Credential, later: list[float]
):
    used = open_lanes.get(ProviderName.APNS, credential)
    used.users += 1
    open_lanes.get(ProviderName.APNS, replace(credential, id=2))
    later[0] = lanes.UNUSED + 1
    await open_lanes.tidy()
    assert set(open_lanes.reports()) == {1}
    assert open_lanes.get(ProviderName.APNS, credential) is used
    used.users -= 1
    later[0] *= 3
    await open_lanes.tidy()
    assert open_lanes.reports() == {}


async def test_a_replaced_lane_is_closed_when_its_last_chunk_is_done(
    open_lanes: Lanes, credential: Credential, later: list[float]
):
    old = open_lanes.get(ProviderName.APNS, credential)
    old.users += 1
    open_lanes.get(ProviderName.APNS, replace(credential, environment="sandbox"))
    later[0] = lanes.UNUSED + 1
    await open_lanes.tidy()
    assert (await said(old)) != "closed"
    old.users -= 1
    await open_lanes.tidy()
    assert (await said(old)) == "closed"


async def said(lane: Lane) -> str:
    """Why a push through the lane was not sent: nobody listens at its endpoint."""
    row = ready()
    return (await lane.provider.send(row.body, row.message, row.address)).raw
