"""Encoders without a network: the exact bytes a device would get, for preview and pre-flight."""

from collections.abc import Callable
from dataclasses import replace

import orjson

from backend.db import Work
from backend.domain.message import Address, Message
from backend.domain.vocabulary import AddressKind, Environment, Platform, ProviderName
from backend.providers import encoder
from backend.services import credentials

Encode = Callable[[Message, Address], bytes]

EXAMPLE: dict[Platform, Address] = {
    Platform.IOS: Address(ProviderName.APNS, AddressKind.TOKEN, "0" * 64, Environment.PRODUCTION),
    Platform.ANDROID: Address(ProviderName.FCM, AddressKind.TOKEN, "0" * 142, Environment.PRODUCTION),
    Platform.WEB: Address(
        ProviderName.WEBPUSH, AddressKind.SUBSCRIPTION, "https://push.example/0", Environment.PRODUCTION
    ),
}


def encode_for(work: Work, credential_id: int) -> Encode:
    """The encoder of a lane, the very one that sends."""
    name, credential = credentials.load(work, credential_id)
    return encoder(name, credential)


def bare_encoder(name: ProviderName) -> Encode:
    """The encoder of a provider for an app that has no credential for it yet."""
    return encoder(name, None)


def masked(address: Address) -> Address:
    """The address as people may see it: a device's is as secret as a password, and as long here as it is."""
    if address.kind is AddressKind.TOPIC:
        return address
    return replace(address, value="*" * (len(orjson.dumps(address.value)) - 2))
