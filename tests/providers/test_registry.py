"""Every provider keeps the contract, however it is built."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from peer import Peer
from samples import (
    APNS_TOKEN,
    FCM_TOKEN,
    Browser,
    Here,
    apns_credential,
    fcm_credential,
    full,
    message,
    webpush_credential,
)

from backend.domain.message import Address
from backend.domain.vocabulary import Platform, ProviderName
from backend.providers import LIMITS, REGISTRY, build, encoder
from backend.providers.base import Credential, OutcomeKind, TooLarge

Serve = Callable[..., Awaitable[Peer]]


def lane_of(name: ProviderName, origin: str) -> tuple[Credential, Address, Platform]:
    if name is ProviderName.APNS:
        return apns_credential(origin), APNS_TOKEN, Platform.IOS
    if name is ProviderName.FCM:
        return fcm_credential(origin, token_uri=f"{origin}/token"), FCM_TOKEN, Platform.ANDROID
    return webpush_credential(origin), Browser().address(f"{origin}/x"), Platform.WEB


def test_every_name_has_a_provider() -> None:
    assert set(REGISTRY) == set(ProviderName)
    assert LIMITS == {ProviderName.APNS: 4_096, ProviderName.FCM: 4_096, ProviderName.WEBPUSH: 3_993}


@pytest.mark.parametrize("name", list(ProviderName))
def test_the_bare_encoder_is_the_lanes_own(name: ProviderName) -> None:
    credential, address, platform = lane_of(name, "https://peer.example")
    made = full(platform)
    assert encoder(name, None)(made, address) == build(name, credential, Here()).encode(made, address)
    with pytest.raises(TooLarge):
        encoder(name, credential)(message(platform, body="x" * 5_000), address)


TOKEN = b'{"access_token":"t","expires_in":3600,"token_type":"Bearer"}'
ENDS: list[tuple[dict[str, Any], OutcomeKind]] = [
    ({}, OutcomeKind.ACCEPTED),
    ({"reset_after_accept": 1}, OutcomeKind.UNKNOWN),
    ({"hang_up_after_accept": 1}, OutcomeKind.UNKNOWN),
]


@pytest.mark.parametrize("name", list(ProviderName))
@pytest.mark.parametrize(("faults", "kind"), ENDS)
async def test_sending_gives_an_outcome_whatever_the_network_does(
    serve: Serve, tls: tuple[str, Any], tmp_path: Path, name: ProviderName, faults: dict[str, Any], kind: OutcomeKind
) -> None:
    google = await serve(lambda _: (200, {}, TOKEN))
    peer = await serve(**faults)
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(tls[0])
    credential, address, platform = lane_of(name, peer.origin)
    if name is ProviderName.FCM:
        credential = fcm_credential(peer.origin, token_uri=f"{google.origin}/token")
    provider = build(name, credential, Here(ca_file=ca_file))
    made = message(platform)
    outcome = await provider.send(provider.encode(made, address), made, address)
    await provider.close()
    assert outcome.kind is kind


@pytest.mark.parametrize("name", list(ProviderName))
async def test_a_credentials_own_ca_is_trusted(serve: Serve, ca: str, name: ProviderName) -> None:
    from dataclasses import replace

    peer = await serve(lambda r: (200, {}, TOKEN if r.path == "/token" else b""))
    credential, address, platform = lane_of(name, peer.origin)
    provider = build(name, replace(credential, ca=ca), Here())
    made = message(platform)
    outcome = await provider.send(provider.encode(made, address), made, address)
    await provider.close()
    assert outcome.kind is OutcomeKind.ACCEPTED
