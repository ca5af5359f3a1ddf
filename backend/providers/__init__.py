"""Those who carry pushes to devices. A new one is one file and one line of `REGISTRY`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from backend.domain.message import Address, Message
from backend.domain.vocabulary import AddressKind, ProviderName
from backend.providers import apns, credentials, fcm, sentences, webpush
from backend.providers.apns import Apns
from backend.providers.base import Credential, Provider
from backend.providers.credentials import CredentialError
from backend.providers.fcm import Fcm
from backend.providers.oauth import AccessTokens
from backend.providers.proxy import through
from backend.providers.push_hosts import PushHosts, endpoint_problem
from backend.providers.replies import apns_parting
from backend.providers.transport import Limits, Transport
from backend.providers.webpush import WebPush
from backend.providers.webpush_crypto import generate_vapid_keys, subscription_problem

__all__ = [
    "LIMITS",
    "REGISTRY",
    "CredentialError",
    "Network",
    "build",
    "counted",
    "encoder",
    "endpoint_problem",
    "generate_vapid_keys",
    "headers",
    "limit",
    "parse_credential",
    "sentence",
    "subscription_problem",
]

_SLOW_HOST = 20
"""Requests at a time: a slow host of Web Push must not hold what the others need."""

Encode = Callable[[Message, Address], bytes]


class Network(Protocol):
    """What the operator decided about the network around us.

    `push_hosts` are Web Push hosts beside the known ones, as `host[:port]`; `ca_file` is a PEM bundle
    trusted beside the system's; `proxy_url` is `http://[user:password@]host:port`.
    """

    @property
    def push_hosts(self) -> tuple[str, ...]: ...

    @property
    def allow_private_networks(self) -> bool: ...

    @property
    def ca_file(self) -> Path | None: ...

    @property
    def proxy_url(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One provider: its encoder, that one's limit in bytes and its headers, its credential's parser, its maker, its words."""

    encode: Encode
    limit: int
    headers: Callable[[Message], list[tuple[str, str]]]
    parse: Callable[[Mapping[str, Any], datetime], credentials.Parts]
    make: Callable[[Credential, Network, Limits], Provider]
    sentences: sentences.Sentences


def _apns(credential: Credential, network: Network, limits: Limits) -> Provider:
    transport = Transport(
        _trusted(credential, network),
        limits=limits,
        proxy_url=network.proxy_url,
        client_certificate=credential.secret.get("certificate"),
        parting=apns_parting,
    )
    return Apns(credential, transport)


def _fcm(credential: Credential, network: Network, limits: Limits) -> Provider:
    ca = _trusted(credential, network)
    account = orjson.loads(credential.secret["service_account"])
    proxy = through(network.proxy_url, urlsplit(account["token_uri"]).hostname or "")
    transport = Transport(ca, limits=limits, proxy_url=network.proxy_url)
    return Fcm(credential, transport, AccessTokens(account, ca, proxy=proxy))


def _webpush(credential: Credential, network: Network, limits: Limits) -> Provider:
    own = (urlsplit(credential.endpoint).netloc,) if credential.endpoint else ()
    hosts = PushHosts((*network.push_hosts, *own), network.allow_private_networks)
    many = replace(limits, slow_streams=_SLOW_HOST)
    transport = Transport(_trusted(credential, network), limits=many, proxy_url=network.proxy_url, guard=hosts.guard)
    return WebPush(credential, transport, hosts)


def _trusted(credential: Credential, network: Network) -> tuple[str, ...]:
    own = (credential.ca,) if credential.ca else ()
    return (*own, network.ca_file.read_text()) if network.ca_file else own


REGISTRY: dict[ProviderName, Entry] = {
    ProviderName.APNS: Entry(apns.encode, apns.LIMIT, apns.identified, credentials.parse_apns, _apns, sentences.APNS),
    ProviderName.FCM: Entry(fcm.encode, fcm.LIMIT, fcm.headers, credentials.parse_fcm, _fcm, sentences.FCM),
    ProviderName.WEBPUSH: Entry(
        webpush.encode, webpush.LIMIT, webpush.headers, credentials.parse_webpush, _webpush, sentences.WEBPUSH
    ),
}

LIMITS: dict[ProviderName, int] = {name: entry.limit for name, entry in REGISTRY.items()}
"""Bytes that an encoded message may have (for FCM: without the device's address; half of it for a topic)."""


def build(
    name: ProviderName, credential: Credential, network: Network, may_send: Callable[[], bool] | None = None
) -> Provider:
    """The lane of one credential, with connections of its own. Make and close it in one event loop.

    While `may_send` says no, requests end as not sent instead of leaving (`Limits.may_send`).
    """
    return REGISTRY[name].make(credential, network, Limits(may_send=may_send))


def encoder(name: ProviderName, credential: Credential | None = None) -> Encode:
    """The very encoder that the lane sends with; no body depends on the credential so far."""
    return REGISTRY[name].encode


def limit(address: Address) -> int:
    """The most bytes that may count of a message to this address."""
    return fcm.TOPIC_LIMIT if address.kind is AddressKind.TOPIC else LIMITS[address.provider]


def counted(body: bytes, address: Address) -> int:
    """How many bytes of an encoded message count against `limit`."""
    return fcm.counted(body, address) if address.provider is ProviderName.FCM else len(body)


def headers(message: Message, address: Address, credential: Credential | None = None) -> list[tuple[str, str]]:
    """The headers that go beside the body, but for the credential's proof of who is sending."""
    topic = [("apns-topic", credential.public["topic"])] if credential and "topic" in credential.public else []
    return [*topic, *REGISTRY[address.provider].headers(message)]


def parse_credential(name: ProviderName, body: Mapping[str, Any], now: datetime) -> credentials.Parts:
    """(public, secret) of a credential body of the API; also checks its environment, endpoint and CA.

    What expires is judged at `now` (aware UTC). Raises `CredentialError`.
    """
    return REGISTRY[name].parse(body, now)


def sentence(name: ProviderName, reason: str, status: int, clock_ahead: float = 0.0) -> str:
    """What to tell a member about a BLOCKED outcome: what is wrong, and what to do. The last is the outcome's."""
    return sentences.sentence(REGISTRY[name].sentences, reason, status, clock_ahead)
