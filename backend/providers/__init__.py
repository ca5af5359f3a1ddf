"""Those who carry pushes to devices. A new one is one file and one line of `REGISTRY`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from backend.domain.message import Address, Message
from backend.domain.vocabulary import ProviderName
from backend.providers import apns, credentials, fcm, webpush
from backend.providers.apns import Apns
from backend.providers.base import Credential, Provider
from backend.providers.credentials import CredentialError
from backend.providers.fcm import Fcm
from backend.providers.push_hosts import PushHosts, endpoint_problem
from backend.providers.transport import Transport
from backend.providers.webpush import WebPush
from backend.providers.webpush_crypto import generate_vapid_keys, subscription_problem

__all__ = [
    "LIMITS",
    "REGISTRY",
    "CredentialError",
    "Network",
    "build",
    "encoder",
    "endpoint_problem",
    "generate_vapid_keys",
    "parse_credential",
    "subscription_problem",
]

Encode = Callable[[Message, Address], bytes]


class Network(Protocol):
    """What the operator decided about the network around us.

    `push_hosts` are Web Push hosts beside the known ones, as `host[:port]`; `ca_file` is a PEM bundle
    trusted beside the system's.
    """

    @property
    def push_hosts(self) -> tuple[str, ...]: ...

    @property
    def allow_private_networks(self) -> bool: ...

    @property
    def ca_file(self) -> Path | None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One provider: its encoder and that one's limit in bytes, its credential's parser, its maker."""

    encode: Encode
    limit: int
    parse: Callable[[Mapping[str, Any]], credentials.Parts]
    make: Callable[[Credential, Network], Provider]


def _apns(credential: Credential, network: Network) -> Provider:
    return Apns(credential, Transport(_trusted(credential, network)))


def _fcm(credential: Credential, network: Network) -> Provider:
    ca = _trusted(credential, network)
    return Fcm(credential, Transport(ca), ca)


def _webpush(credential: Credential, network: Network) -> Provider:
    own = (urlsplit(credential.endpoint).netloc,) if credential.endpoint else ()
    hosts = PushHosts((*network.push_hosts, *own), network.allow_private_networks)
    return WebPush(credential, Transport(_trusted(credential, network), guard=hosts.guard), hosts)


def _trusted(credential: Credential, network: Network) -> tuple[str, ...]:
    own = (credential.ca,) if credential.ca else ()
    return (*own, network.ca_file.read_text()) if network.ca_file else own


REGISTRY: dict[ProviderName, Entry] = {
    ProviderName.APNS: Entry(apns.encode, apns.LIMIT, credentials.parse_apns, _apns),
    ProviderName.FCM: Entry(fcm.encode, fcm.LIMIT, credentials.parse_fcm, _fcm),
    ProviderName.WEBPUSH: Entry(webpush.encode, webpush.LIMIT, credentials.parse_webpush, _webpush),
}

LIMITS: dict[ProviderName, int] = {name: entry.limit for name, entry in REGISTRY.items()}
"""Bytes that an encoded message may have (for FCM: without the device's address)."""


def build(name: ProviderName, credential: Credential, network: Network) -> Provider:
    """The lane of one credential, with connections of its own. Make and close it in one event loop."""
    return REGISTRY[name].make(credential, network)


def encoder(name: ProviderName, credential: Credential | None = None) -> Encode:
    """The very encoder that the lane sends with; no body depends on the credential so far."""
    return REGISTRY[name].encode


def parse_credential(name: ProviderName, body: Mapping[str, Any]) -> credentials.Parts:
    """(public, secret) of a credential body of the API; also checks its environment, endpoint and CA.

    Raises `CredentialError`.
    """
    return REGISTRY[name].parse(body)
