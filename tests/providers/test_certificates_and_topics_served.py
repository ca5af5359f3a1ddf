"""Push certificates and topics with the strict servers on the other side."""

from dataclasses import replace
from typing import Any

import pytest
from samples import FID, message
from simulator_client import TOPIC, Simulator
from test_replies_served import address, lane

from backend.domain.message import Address, Message
from backend.domain.vocabulary import AddressKind, Platform, ProviderName
from backend.providers import CredentialError
from backend.providers.base import OutcomeKind
from backend.providers.fcm import Fcm

pytestmark = pytest.mark.asyncio(loop_scope="module")
APNS, FCM = ProviderName.APNS, ProviderName.FCM


def by_certificate(simulator: Simulator, **how: Any) -> dict[str, Any]:
    """What changes the credential body of a key into one of a certificate."""
    nothing = {"team_id": "", "key_id": "", "private_key": ""}
    return nothing | simulator.authority.apns_certificate_body(TOPIC, **how)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"p12": True},
        {"p12": True, "password": "s3cret"},
        {"password": "s3cret"},
        {"universal": True, "p12": True},
        {"environment": "sandbox"},
        {"environment": "sandbox", "universal": True},
    ],
)
async def test_a_push_by_certificate(simulator: Simulator, how: dict[str, Any]) -> None:
    to = address(simulator, APNS)
    if how.get("environment") == "sandbox":
        to = replace(to, value=simulator.device("apns", host="sandbox")["token"])
    async with lane(simulator, APNS, **by_certificate(simulator, **how)) as provider:
        assert await provider.verify() is None
        outcome = await provider.send(provider.encode(message(), to), message(), to)
    assert outcome.kind is OutcomeKind.ACCEPTED, outcome
    assert await simulator.pairs() == [["apns", to.value, "dlv_1"]]


async def test_a_certificate_of_the_other_world_is_named(simulator: Simulator) -> None:
    """One that names its worlds is refused as it is added; here the endpoint is the other world's."""
    production = by_certificate(simulator)
    sandbox = production | {"endpoint": simulator.endpoints.sandbox}
    async with lane(simulator, APNS, **sandbox) as provider:
        assert "other environment" in str(await provider.verify())
    with pytest.raises(CredentialError, match="production"):
        async with lane(simulator, APNS, **production | {"environment": "sandbox"}):
            pass


async def test_an_ended_certificate_is_not_taken(simulator: Simulator) -> None:
    with pytest.raises(CredentialError, match="expired"):
        async with lane(simulator, APNS, **by_certificate(simulator, days=-1)):
            pass


async def of_device(simulator: Simulator, registration: str) -> set[str]:
    reply = await simulator.topic_call("GET", registration)
    return {each["topicName"] for each in reply.json().get("topicSubscriptions", [])}


@pytest.mark.parametrize("kind", [AddressKind.TOKEN, AddressKind.FID])
async def test_topics_are_begun_and_ended_and_repeats_change_nothing(simulator: Simulator, kind: AddressKind) -> None:
    to = address(simulator, FCM)
    if kind is AddressKind.FID:
        to = Address(FCM, kind, to.value.partition(":")[0])
    async with lane(simulator, FCM) as provider:
        assert isinstance(provider, Fcm)
        for wanted, name in ((True, "a~b%20.c"), (True, "news"), (True, "news"), (False, "a~b%20.c"), (False, "never")):
            outcome = await provider.subscribe(to, name, wanted)
            assert outcome.kind is OutcomeKind.ACCEPTED, outcome
        assert await of_device(simulator, to.value) == {"news"}
        await provider.subscribe(to, "news", False)
        assert await of_device(simulator, to.value) == set()


async def test_a_dead_or_malformed_device_joins_no_topic(simulator: Simulator) -> None:
    async with lane(simulator, FCM) as provider:
        assert isinstance(provider, Fcm)
        dead = await provider.subscribe(address(simulator, FCM, dead=True), "news", True)
        assert (dead.kind, dead.prune) == (OutcomeKind.FAILED, True)
        wrong = await provider.subscribe(replace(FID, value="no/such?device"), "news", True)
        assert (wrong.kind, wrong.prune) == (OutcomeKind.FAILED, False)


@pytest.mark.parametrize("silent", [False, True])
async def test_a_push_to_a_topic(simulator: Simulator, silent: bool) -> None:
    to = Address(FCM, AddressKind.TOPIC, "news")
    made: Message = message(Platform.ANDROID, silent=silent)
    async with lane(simulator, FCM) as provider:
        outcome = await provider.send(provider.encode(made, to), made, to)
    assert outcome.kind is OutcomeKind.ACCEPTED, outcome
    ((_, target, delivery),) = await simulator.pairs()
    assert (target, delivery) == ("/topics/news", "dlv_1")
