"""The product's own providers against the strict servers: what they encode and send is accepted."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from simulator_client import TOPIC, Simulator

from backend.domain.message import Action, Address, Message
from backend.domain.vocabulary import AddressKind, Platform, Priority, ProviderName
from backend.providers import build, parse_credential
from backend.providers.base import Credential, Outcome, OutcomeKind, Provider

PLATFORM = {
    ProviderName.APNS: Platform.IOS,
    ProviderName.FCM: Platform.ANDROID,
    ProviderName.WEBPUSH: Platform.WEB,
}


@dataclass(frozen=True)
class Network:
    push_hosts: tuple[str, ...] = ()
    allow_private_networks: bool = True
    ca_file: Path | None = None
    proxy_url: str | None = None


pytestmark = pytest.mark.asyncio(loop_scope="module")


def credential_body(simulator: Simulator, name: ProviderName) -> dict[str, Any]:
    if name is ProviderName.APNS:
        return simulator.authority.apns_credential_body(TOPIC)
    if name is ProviderName.FCM:
        return simulator.authority.fcm_credential_body()
    return simulator.authority.webpush_credential_body("mailto:push@example.com")


@asynccontextmanager
async def lane(simulator: Simulator, name: ProviderName, **changes: Any) -> AsyncIterator[Provider]:
    body = credential_body(simulator, name) | changes
    public, secret = parse_credential(name, body, datetime.now(UTC))
    provider = build(
        name, Credential(1, endpoint=body["endpoint"], ca=body["ca"], public=public, secret=secret), Network()
    )
    yield provider
    await provider.close()


def address(fields: Mapping[str, Any], name: ProviderName) -> Address:
    if name is ProviderName.WEBPUSH:
        subscription = fields["subscription"]
        keys = subscription["keys"]
        return Address(
            name, AddressKind.SUBSCRIPTION, subscription["endpoint"], p256dh=keys["p256dh"], auth=keys["auth"]
        )
    return Address(name, AddressKind.TOKEN, fields["token"])


def message(platform: Platform, n: int = 1, **changes: Any) -> Message:
    fields: dict[str, Any] = {
        "title": "Hi",
        "body": "Something happened",
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
        "ttl_seconds": 3600,
    }
    return Message(platform=platform, m=f"dlv_{n}", t="kid.proof", identity=f"identity-{n}", **(fields | changes))


async def send(provider: Provider, made: Message, to: Address) -> Outcome:
    return await provider.send(provider.encode(made, to), made, to)


FULL: dict[str, Any] = {
    "subtitle": "Sub",
    "image": "https://example.com/i.png",
    "link": "https://example.com/sale",
    "actions": (Action("buy", "Buy", "https://example.com/buy"), Action("later", "Later")),
    "data": {"k": "v"},
    "badge": 3,
    "sound": "default",
    "thread": "orders",
    "locale": "pl-PL",
    "collapse_key": "the sale of spring, which has a long name that no header could ever hold",
    "priority": Priority.HIGH,
}
OPTIONS: dict[Platform, dict[str, Any]] = {
    Platform.IOS: {"interruption_level": "time-sensitive", "action_category": "SALE", "relevance_score": 0.5},
    Platform.ANDROID: {"channel_id": "promo", "mode": "notification"},
    Platform.WEB: {"require_interaction": True, "dir": "ltr", "icon": "https://example.com/i.png"},
}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "full": FULL,
    "silent": {"silent": True, "title": "", "body": "", "data": {"k": "v"}},
    "body only": {"title": ""},
    "no time to wait": {"ttl_seconds": 0},
    "unicode": {"title": "Zażółć gęślą jaźń 🎉", "body": "漢字" * 100},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list(ProviderName))
async def test_what_the_providers_send_is_accepted(simulator: Simulator, name: ProviderName, kind: str):
    platform, to = PLATFORM[name], address(simulator.device(name), name)
    made = message(platform, **({"options": OPTIONS[platform]} | KINDS[kind]))
    async with lane(simulator, name) as provider:
        outcome = await send(provider, made, to)
        assert outcome.kind is OutcomeKind.ACCEPTED, outcome
    assert await simulator.pairs() == [[name, to.value, "dlv_1"]]


@pytest.mark.parametrize("platform", list(Platform))
@pytest.mark.parametrize("kind", KINDS)
async def test_fcm_carries_every_platform(simulator: Simulator, platform: Platform, kind: str):
    made = message(platform, **({"options": OPTIONS[platform] | {"mode": "data"}} | KINDS[kind]))
    async with lane(simulator, ProviderName.FCM) as provider:
        outcome = await send(provider, made, address(simulator.device("fcm"), ProviderName.FCM))
        assert outcome.kind is OutcomeKind.ACCEPTED, outcome


@pytest.mark.parametrize("name", list(ProviderName))
async def test_a_dead_address_is_pruned(simulator: Simulator, name: ProviderName):
    async with lane(simulator, name) as provider:
        outcome = await send(provider, message(PLATFORM[name]), address(simulator.device(name, dead=True), name))
    assert (outcome.kind, outcome.prune) == (OutcomeKind.FAILED, True)


@pytest.mark.parametrize("name", list(ProviderName))
async def test_the_credentials_are_believed(simulator: Simulator, name: ProviderName):
    async with lane(simulator, name) as provider:
        assert await provider.verify() is None
    assert (await simulator.stats())["pairs"] == 0


async def test_a_foreign_team_is_not_believed(simulator: Simulator):
    async with lane(simulator, ProviderName.APNS, team_id="OTHERTEAM1") as provider:
        assert "team" in (await provider.verify() or "")
        outcome = await send(provider, message(Platform.IOS), address(simulator.device("apns"), ProviderName.APNS))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.BLOCKED, "InvalidProviderToken")


@pytest.mark.parametrize("name", list(ProviderName))
async def test_many_at_once_through_goaways_and_refusals_arrive_once_each(simulator: Simulator, name: ProviderName):
    await simulator.behave(goaway_every=25, refuse=0.05)
    async with lane(simulator, name) as provider:
        outcomes = await asyncio.gather(
            *(send(provider, message(PLATFORM[name], n), address(simulator.device(name, n), name)) for n in range(100))
        )
    kinds = {outcome.kind for outcome in outcomes}
    accepted = sum(outcome.kind is OutcomeKind.ACCEPTED for outcome in outcomes)
    stats = await simulator.stats()
    assert kinds <= {OutcomeKind.ACCEPTED, OutcomeKind.RETRY}, kinds
    assert (stats["pairs"], stats["repeats"]) == (accepted, 0)
    assert accepted >= 90
