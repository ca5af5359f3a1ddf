"""Each line of the reply tables as the strict servers give it over HTTP/2, through the product's own providers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import time
from typing import Any

import pytest
from samples import Here, message
from simulator_client import TOPIC, Simulator
from test_replies import APNS, FCM, WEBPUSH

from backend.domain.message import Address
from backend.domain.vocabulary import AddressKind, Platform, ProviderName
from backend.providers import build, parse_credential
from backend.providers.base import Credential, Outcome, OutcomeKind, Pause, Provider

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMED = [row for row in APNS if row[1] != "SomethingNew" and not row[1].isdigit()]
NAMELESS = [row for row in APNS if row[1].isdigit()]
OF_FCM = [row for row in FCM if not row[3].isdigit() and row[3] not in {"BadRequest", "ALREADY_EXISTS"}]
OF_WEBPUSH = [row for row in WEBPUSH if row[0] >= 400]


def body_of(simulator: Simulator, name: ProviderName) -> dict[str, Any]:
    make: dict[ProviderName, Callable[[], dict[str, Any]]] = {
        ProviderName.APNS: lambda: simulator.authority.apns_credential_body(TOPIC),
        ProviderName.FCM: simulator.authority.fcm_credential_body,
        ProviderName.WEBPUSH: lambda: simulator.authority.webpush_credential_body("mailto:push@example.com"),
    }
    return make[name]()


@asynccontextmanager
async def lane(simulator: Simulator, name: ProviderName, **changes: Any) -> AsyncIterator[Provider]:
    body = body_of(simulator, name) | changes
    public, secret = parse_credential(name, body, datetime.now(UTC))
    credential = Credential(1, endpoint=body["endpoint"], ca=body["ca"], public=public, secret=secret)
    provider = build(name, credential, Here(allow_private_networks=True))
    yield provider
    await provider.close()


PLATFORM = {
    ProviderName.APNS: Platform.IOS,
    ProviderName.FCM: Platform.ANDROID,
    ProviderName.WEBPUSH: Platform.WEB,
}


def address(simulator: Simulator, name: ProviderName, *, dead: bool = False) -> Address:
    fields = simulator.device(name, dead=dead)
    if name is not ProviderName.WEBPUSH:
        return Address(name, AddressKind.TOKEN, fields["token"])
    keys = fields["subscription"]["keys"]
    endpoint = fields["subscription"]["endpoint"]
    return Address(name, AddressKind.SUBSCRIPTION, endpoint, p256dh=keys["p256dh"], auth=keys["auth"])


async def answered(simulator: Simulator, name: ProviderName, fault: str | None = None, **changes: Any) -> Outcome:
    """The outcome of one push that meets this fault."""
    if fault is not None:
        reply = await simulator.behave(mix={name: {fault: 1.0}})
        assert reply.status_code == 200, reply.text
    made, to = message(PLATFORM[name], **changes), address(simulator, name)
    async with lane(simulator, name) as provider:
        return await provider.send(provider.encode(made, to), made, to)


@pytest.mark.parametrize(("status", "reason", "kind", "pause", "wait"), NAMED)
async def test_apns(
    simulator: Simulator, status: int, reason: str, kind: OutcomeKind, pause: Pause, wait: float | None
) -> None:
    outcome = await answered(simulator, ProviderName.APNS, f"{status}/{reason}")
    assert (outcome.kind, outcome.status, outcome.reason) == (kind, status, reason)
    assert (outcome.pause, outcome.retry_after) == (pause, wait)
    assert outcome.prune is (status == 410)
    assert outcome.gone_at is None if status != 410 else abs(time() - float(outcome.gone_at or 0)) < 60


@pytest.mark.parametrize(("status", "reason", "kind", "pause", "wait"), NAMELESS)
async def test_an_endpoint_that_is_not_apples(
    simulator: Simulator, status: int, reason: str, kind: OutcomeKind, pause: Pause, wait: float | None
) -> None:
    """Web Push answers where APNs should: a wrong endpoint, and no device's fault."""
    endpoint = body_of(simulator, ProviderName.WEBPUSH)["endpoint"]
    made, to = message(), address(simulator, ProviderName.APNS)
    async with lane(simulator, ProviderName.APNS, endpoint=f"{endpoint}/{status}") as provider:
        outcome = await provider.send(provider.encode(made, to), made, to)
    assert (outcome.kind, outcome.pause, outcome.prune) == (OutcomeKind.BLOCKED, Pause.LANE, False)


@pytest.mark.parametrize(("status", "body", "kind", "reason", "pause", "wait"), OF_FCM)
async def test_fcm(
    simulator: Simulator,
    status: int,
    body: bytes,
    kind: OutcomeKind,
    reason: str,
    pause: Pause,
    wait: float | None,
) -> None:
    outcome = await answered(simulator, ProviderName.FCM, f"{status}/{reason}")
    assert (outcome.kind, outcome.status, outcome.reason) == (kind, status, reason)
    assert (outcome.pause, outcome.retry_after) == (pause, wait)
    assert outcome.prune is (reason == "UNREGISTERED")


async def test_a_body_of_ours_that_fcm_cannot_read_prunes_nobody(simulator: Simulator) -> None:
    to = address(simulator, ProviderName.FCM)
    body = b'{"message":{"token":"%b","android":{"ttl":3600}}}' % to.value.encode()
    async with lane(simulator, ProviderName.FCM) as provider:
        outcome = await provider.send(body, message(Platform.ANDROID), to)
    assert (outcome.kind, outcome.status, outcome.reason) == (OutcomeKind.FAILED, 400, "BadRequest")
    assert outcome.prune is False


async def test_a_project_that_is_none_blocks_the_lane(simulator: Simulator) -> None:
    account = body_of(simulator, ProviderName.FCM)["service_account"] | {"project_id": "no-such-project"}
    async with lane(simulator, ProviderName.FCM, service_account=account) as provider:
        to = address(simulator, ProviderName.FCM)
        outcome = await provider.send(provider.encode(message(Platform.ANDROID), to), message(Platform.ANDROID), to)
        assert await provider.verify() == "There is no such Firebase project."
    assert (outcome.kind, outcome.reason, outcome.prune) == (OutcomeKind.BLOCKED, "NOT_FOUND", False)


@pytest.mark.parametrize(("status", "kind", "pause"), OF_WEBPUSH)
async def test_webpush(simulator: Simulator, status: int, kind: OutcomeKind, pause: Pause) -> None:
    outcome = await answered(simulator, ProviderName.WEBPUSH, f"{status}/")
    assert (outcome.kind, outcome.status, outcome.pause) == (kind, status, pause)
    assert outcome.prune is (status in {404, 410})


@pytest.mark.parametrize(
    ("name", "fault", "waits"),
    [
        (ProviderName.APNS, "429/TooManyRequests@7", 7),
        (ProviderName.APNS, "503/ServiceUnavailable@7", 900),
        (ProviderName.FCM, "429/QUOTA_EXCEEDED@7", 10),
        (ProviderName.FCM, "429/QUOTA_EXCEEDED@90", 90),
        (ProviderName.FCM, "503/UNAVAILABLE@7", 10),
        (ProviderName.WEBPUSH, "429/@7", 7),
        (ProviderName.WEBPUSH, "503/@7", 7),
    ],
)
async def test_a_wait_that_is_asked_for_is_kept(
    simulator: Simulator, name: ProviderName, fault: str, waits: float
) -> None:
    outcome = await answered(simulator, name, fault)
    assert (outcome.kind, outcome.retry_after) == (OutcomeKind.RETRY, waits)


@pytest.mark.parametrize("name", list(ProviderName))
async def test_only_the_dead_are_pruned(simulator: Simulator, name: ProviderName) -> None:
    made = message(PLATFORM[name])
    async with lane(simulator, name) as provider:
        for dead in (True, False):
            to = address(simulator, name, dead=dead)
            outcome = await provider.send(provider.encode(made, to), made, to)
            assert outcome.prune is dead
