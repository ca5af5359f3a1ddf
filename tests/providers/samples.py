"""Messages, addresses and credentials that the provider tests start from."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from backend.domain.message import Action, Address, Message
from backend.domain.vocabulary import AddressKind, Platform, ProviderName
from backend.providers.base import Credential
from backend.providers.webpush_crypto import b64url, generate_vapid_keys

EXPIRES = datetime(2026, 12, 1, 9, tzinfo=UTC)
APNS_TOKEN = Address(ProviderName.APNS, AddressKind.TOKEN, "ab" * 32)
FCM_TOKEN = Address(ProviderName.FCM, AddressKind.TOKEN, "dEvIcE:APA91b-token")
FID = Address(ProviderName.FCM, AddressKind.FID, "c_fid-of-an-installation")


def message(platform: Platform = Platform.IOS, **changes: Any) -> Message:
    fields: dict[str, Any] = {
        "m": "dlv_1", "t": "k1.sig", "identity": "identity-1", "expires_at": EXPIRES, "ttl_seconds": 3_600,
        "title": "Hi", "body": "There",
    }  # fmt: skip
    return Message(platform=platform, **(fields | changes))


def full(platform: Platform, **changes: Any) -> Message:
    fields: dict[str, Any] = {
        "subtitle": "Sub", "image": "https://x.example/i.png", "link": "https://x.example/sale",
        "actions": (Action("buy", "Buy", "https://x.example/buy"), Action("later", "Later")),
        "data": {"k": "v"}, "badge": 3, "sound": "ping", "thread": "orders", "locale": "pl-PL",
    }  # fmt: skip
    return message(platform, **(fields | changes))


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    made = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.decode()


@cache
def p8() -> str:
    return pem(ec.generate_private_key(ec.SECP256R1()))


@cache
def rsa_pem() -> str:
    return pem(rsa.generate_private_key(65_537, 2_048))


def apns_body(**changes: Any) -> dict[str, Any]:
    body = {"topic": "com.example.app", "team_id": "TEAM123456", "key_id": "KEY1234567", "private_key": p8()}
    return body | changes


def service_account(**changes: Any) -> dict[str, Any]:
    account = {
        "type": "service_account",
        "project_id": "demo",
        "private_key_id": "abc",
        "private_key": rsa_pem(),
        "client_email": "push@demo.example",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return {k: v for k, v in (account | changes).items() if v is not None}


def apns_credential(endpoint: str | None = None, **changes: Any) -> Credential:
    public = {"topic": "com.example.app", "team_id": "TEAM123456", "key_id": "KEY1234567"}
    return Credential(1, endpoint=endpoint, public=public, secret={"private_key": p8()}, **changes)


def fcm_credential(endpoint: str | None = None, **account: Any) -> Credential:
    text = orjson.dumps(service_account(**account)).decode()
    public = {"project_id": "demo", "client_email": "push@demo.example"}
    return Credential(2, endpoint=endpoint, public=public, secret={"service_account": text})


def webpush_credential(endpoint: str | None = None) -> Credential:
    public_key, private_key = generate_vapid_keys()
    public = {"subject": "mailto:push@example.com", "public_key": public_key}
    return Credential(3, endpoint=endpoint, public=public, secret={"private_key": private_key})


class Browser:
    """The receiving end of a subscription."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def address(self, endpoint: str) -> Address:
        return Address(
            ProviderName.WEBPUSH,
            AddressKind.SUBSCRIPTION,
            endpoint,
            p256dh=b64url(self.point),
            auth=b64url(self.auth),
        )
