"""Messages, addresses and credentials that the provider tests start from."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from backend.domain.message import Action, Address, Message
from backend.domain.vocabulary import AddressKind, Platform, ProviderName
from backend.providers.base import Credential
from backend.providers.webpush_crypto import b64url, generate_vapid_keys

EXPIRES = datetime(2026, 12, 1, 9, tzinfo=UTC)
APNS_TOKEN = Address(ProviderName.APNS, AddressKind.TOKEN, "ab" * 32)
FCM_TOKEN = Address(ProviderName.FCM, AddressKind.TOKEN, "dEvIcE:APA91b-token")
FCM_TOPIC = Address(ProviderName.FCM, AddressKind.TOPIC, "news-2026.a~b%c")
FID = Address(ProviderName.FCM, AddressKind.FID, "c_fid-of-an-installation")


@dataclass(frozen=True)
class Here:
    """The network of these tests: nothing but what the credential itself names."""

    push_hosts: tuple[str, ...] = ()
    allow_private_networks: bool = False
    ca_file: Path | None = None
    proxy_url: str | None = None


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


TODAY = datetime(2026, 11, 21, 12, tzinfo=UTC)
_SANDBOX, _PRODUCTION, _TOPICS = (x509.ObjectIdentifier(f"1.2.840.113635.100.6.3.{n}") for n in (1, 2, 6))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 0xFF])
    return bytes([tag]) + length + content


def apple_topics(*topics: str) -> bytes:
    """The list of topics as it stands in Apple's certificates."""
    pairs = (_der(0x0C, topic.encode()) + _der(0x30, _der(0x0C, b"app")) for topic in topics)
    return _der(0x30, b"".join(pairs))


@dataclass
class PushCertificate:
    """A client certificate like Apple's, signed by itself."""

    made: x509.Certificate
    key: Any

    def certificate(self) -> str:
        return self.made.public_bytes(serialization.Encoding.PEM).decode()

    def pem(self, password: str = "", kind: str = "PKCS8") -> str:
        lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        form = getattr(serialization.PrivateFormat, kind)
        return self.certificate() + self.key.private_bytes(serialization.Encoding.PEM, form, lock).decode()

    def p12(self, password: str = "", others: Sequence[x509.Certificate] = ()) -> str:
        lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        return b64encode(pkcs12.serialize_key_and_certificates(b"x", self.key, self.made, others, lock)).decode()


@cache
def _client_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


def push_certificate(
    uid: str | None = "com.example.app",
    topics: bytes | None = None,
    worlds: Sequence[str] = (),
    starts: datetime = TODAY - timedelta(days=1),
    ends: datetime = TODAY + timedelta(days=300),
    key: Any = None,
) -> PushCertificate:
    """`topics` is the extension's content; `worlds` are the environments it names."""
    key = key or _client_key()
    names = [x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Apple Push Services: {uid}")]
    if uid is not None:
        names.append(x509.NameAttribute(x509.NameOID.USER_ID, uid))
    name = x509.Name(names)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(starts).not_valid_after(ends)
    oids = {"sandbox": _SANDBOX, "production": _PRODUCTION}
    listed = [(oids[world], b"\x05\x00") for world in worlds] + ([] if topics is None else [(_TOPICS, topics)])
    for oid, content in listed:
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, content), critical=False)
    return PushCertificate(builder.sign(key, hashes.SHA256()), key)


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
