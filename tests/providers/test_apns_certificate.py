"""Apple's push certificates: what is read from a .p12 or .pem, what is wrong with one, and one at work."""

import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from peer import Faults, Peer, certificate
from samples import (
    APNS_TOKEN,
    TODAY,
    Here,
    PushCertificate,
    apns_body,
    apple_topics,
    message,
    p8,
    push_certificate,
)

from backend.domain.vocabulary import ProviderName
from backend.providers import CredentialError, apns_certificate, build, parse_credential, sentence
from backend.providers.base import Credential, OutcomeKind, Pause


def parsed(certificate: str, **changes: Any) -> tuple[dict[str, str], dict[str, str]]:
    body = {"topic": "com.example.app", "certificate": certificate} | changes
    return parse_credential(ProviderName.APNS, body, TODAY)


def problem(certificate: str, **changes: Any) -> tuple[str, str]:
    with pytest.raises(CredentialError) as caught:
        parsed(certificate, **changes)
    (found,) = caught.value.problems
    return found


SHAPES: dict[str, Callable[[PushCertificate], dict[str, str]]] = {
    "pem": lambda c: {"certificate": c.pem()},
    "pem, key first": lambda c: {"certificate": c.pem().removeprefix(c.certificate()) + c.certificate()},
    "pem, key as openssl wrote it": lambda c: {"certificate": c.pem(kind="TraditionalOpenSSL")},
    "pem, windows lines": lambda c: {"certificate": c.pem().replace("\n", "\r\n")},
    "pem, bag attributes": lambda c: {"certificate": f"Bag Attributes\n  localKeyID: 01\n{c.pem()}\n"},
    "pem, locked": lambda c: {"certificate": c.pem("s3cret"), "password": "s3cret"},
    "pem, locked as openssl does": lambda c: {
        "certificate": c.pem("s3cret", "TraditionalOpenSSL"), "password": "s3cret",
    },
    "pem, not locked, password given": lambda c: {"certificate": c.pem(), "password": "s3cret"},
    "pem in base64": lambda c: {"certificate": b64encode(c.pem().encode()).decode()},
    "p12": lambda c: {"certificate": c.p12()},
    "p12, locked": lambda c: {"certificate": c.p12("żółć"), "password": "żółć"},
    "p12, in lines": lambda c: {"certificate": "\n".join(map("".join, zip(*[iter(c.p12() + "   ")] * 4, strict=False)))},
    "p12, as a browser reads it": lambda c: {"certificate": f"data:application/x-pkcs12;base64,{c.p12()}"},
    "p12, with its issuer": lambda c: {"certificate": c.p12(others=[push_certificate("issuer", key=other_key()).made])},
}  # fmt: skip


def other_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("shape", SHAPES)
def test_every_form_of_a_certificate_is_read(shape: str) -> None:
    given = push_certificate()
    public, secret = parsed(**SHAPES[shape](given))
    assert public == {
        "topic": "com.example.app",
        "certificate_subject": "Apple Push Services: com.example.app",
        "expires_at": "2027-09-17T12:00:00Z",
    }
    assert list(secret) == ["certificate"]
    leaf = x509.load_pem_x509_certificates(secret["certificate"].encode())[0]
    key = serialization.load_pem_private_key(apns_certificate._KEY.search(secret["certificate"].encode())[0], None)
    assert leaf == given.made
    assert key.private_numbers() == given.key.private_numbers()


def test_an_old_p12_of_keychain_is_read() -> None:
    """Keychain locks with RC2 and 3DES; this one was made by `openssl pkcs12 -export -legacy`."""
    text = (Path(__file__).parent / "keychain.p12.b64").read_text()
    body = {"topic": "com.example.app", "certificate": text, "password": "tocsin"}
    public, _ = parse_credential(ProviderName.APNS, body, TODAY + timedelta(days=2))
    assert public["certificate_subject"] == "Apple Push Services: com.example.app"


def test_a_certificate_of_several_topics_and_both_worlds() -> None:
    many = [f"com.example.app{n}" for n in range(12)]
    given = push_certificate("com.example.main", apple_topics("com.example.main", *many), ("sandbox", "production"))
    for topic, environment in (("com.example.main", "production"), (many[-1], "sandbox")):
        public, _ = parsed(given.pem(), topic=topic, environment=environment)
        assert public["topic"] == topic


def test_a_certificate_that_says_nothing_about_itself_is_believed() -> None:
    public, _ = parsed(push_certificate(None).pem(), topic="com.any.app", environment="sandbox")
    assert public["topic"] == "com.any.app"


ANOTHER = push_certificate(key=other_key())
GOOD = push_certificate()
WRONG: list[tuple[dict[str, str], str, str]] = [
    ({"certificate": "hello!"}, "certificate", "base64"),
    ({"certificate": b64encode(b"hello").decode()}, "certificate", "not a .p12"),
    ({"certificate": p8()}, "certificate", "no certificate"),
    ({"certificate": GOOD.certificate()}, "certificate", "no private key"),
    ({"certificate": GOOD.certificate() + ANOTHER.pem().removeprefix(ANOTHER.certificate())}, "certificate", "together"),
    ({"certificate": b64encode(GOOD.made.public_bytes(serialization.Encoding.DER)).decode()}, "certificate", "no private"),
    ({"certificate": GOOD.p12("s3cret")}, "password", "missing"),
    ({"certificate": GOOD.p12("s3cret"), "password": "guess"}, "password", "does not open"),
    ({"certificate": GOOD.pem("s3cret")}, "password", "missing"),
    ({"certificate": GOOD.pem("s3cret"), "password": "guess"}, "password", "does not open"),
    ({"certificate": push_certificate(ends=TODAY - timedelta(seconds=1)).pem()}, "certificate", "expired on 21 November 2026"),
    ({"certificate": push_certificate(ends=TODAY).pem()}, "certificate", "expired on 21 November 2026"),
    ({"certificate": push_certificate(starts=TODAY + timedelta(hours=1)).pem()}, "certificate", "clock"),
    ({"certificate": push_certificate("com.example.other").pem()}, "topic", "com.example.other"),
    ({"certificate": push_certificate("a.b", apple_topics("a.b", "a.b.voip")).pem()}, "topic", "a.b, a.b.voip"),
    ({"certificate": push_certificate(worlds=("sandbox",)).pem()}, "environment", "sandbox"),
    ({"certificate": push_certificate(worlds=("production",)).pem(), "environment": "sandbox"}, "environment", "production"),
    ({"certificate": push_certificate(key=rsa.generate_private_key(65_537, 1_024)).pem()}, "certificate", "TOO_SMALL"),
    ({"certificate": GOOD.pem(), "private_key": p8()}, "private_key", "not both"),
    ({"certificate": GOOD.pem(), "team_id": "TEAM123456"}, "team_id", "not both"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "words"), WRONG)
def test_what_is_wrong_is_said(changes: dict[str, str], field: str, words: str) -> None:
    found = problem(**changes)
    assert found[0] == field
    assert words in found[1]
    assert "s3cret" not in str(found)
    assert "guess" not in str(found)


def test_a_key_needs_no_certificate_and_a_password_alone_changes_nothing() -> None:
    public, secret = parse_credential(ProviderName.APNS, apns_body(certificate="", password=""), TODAY)
    assert (set(public), set(secret)) == ({"topic", "team_id", "key_id"}, {"private_key"})


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_text_breaks_the_reader(data: bytes) -> None:
    for text in (b64encode(data).decode(), data.decode("latin-1"), f"-----BEGIN {data.decode('latin-1')}"):
        with pytest.raises(apns_certificate.BadCertificate):
            apns_certificate.read(text, "")


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_list_of_topics_breaks_the_reader(content: bytes) -> None:
    assert all(isinstance(topic, str) for topic in apns_certificate._texts(content))


def of(given: PushCertificate, origin: str, ends: datetime, ca: str) -> Credential:
    public = {"topic": "com.example.app", "certificate_subject": "x", "expires_at": ends.isoformat()}
    return Credential(1, endpoint=origin, ca=ca, public=public, secret={"certificate": given.pem()})


@pytest_asyncio.fixture
async def apple(tmp_path: Path) -> AsyncIterator[tuple[Peer, str, PushCertificate]]:
    """A peer that talks to nobody but the holder of this certificate, its root's PEM, and the certificate."""
    holder = push_certificate(starts=datetime.now(UTC) - timedelta(days=1), ends=datetime.now(UTC) + timedelta(days=9))
    ca, context = certificate(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=holder.certificate())
    peer = await Peer(Faults()).start(context)
    yield peer, ca, holder
    await peer.stop()


async def test_a_push_by_certificate_shows_it_and_no_token(apple: tuple[Peer, str, PushCertificate]) -> None:
    peer, ca, holder = apple
    lane = build(ProviderName.APNS, of(holder, peer.origin, holder.made.not_valid_after_utc, ca), Here())
    outcome = await lane.send(lane.encode(message(), APNS_TOKEN), message(), APNS_TOKEN)
    assert outcome.kind is OutcomeKind.ACCEPTED, outcome
    (wire,) = peer.open
    shown = wire.transport.get_extra_info("ssl_object").getpeercert(True)
    assert shown == holder.made.public_bytes(serialization.Encoding.DER)
    (request,) = peer.requests
    assert "authorization" not in request.headers
    assert request.headers["apns-topic"] == "com.example.app"
    assert await lane.verify() is None
    await lane.close()


@pytest.mark.parametrize(
    ("reason", "words"),
    [("BadCertificate", "revoked"), ("BadCertificateEnvironment", "other environment"), ("Forbidden", "may not send")],
)
async def test_a_refused_certificate_is_named(
    apple: tuple[Peer, str, PushCertificate], reason: str, words: str
) -> None:
    peer, ca, holder = apple
    peer.reply = lambda _: (403, {}, b'{"reason":"%b"}' % reason.encode())
    lane = build(ProviderName.APNS, of(holder, peer.origin, holder.made.not_valid_after_utc, ca), Here())
    outcome = await lane.send(b"{}", message(), APNS_TOKEN)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.BLOCKED, reason)
    assert words in sentence(ProviderName.APNS, outcome.reason, outcome.status)
    assert words in str(await lane.verify())
    await lane.close()


async def test_a_certificate_that_has_expired_is_not_shown(apple: tuple[Peer, str, PushCertificate]) -> None:
    peer, ca, holder = apple
    lane = build(ProviderName.APNS, of(holder, peer.origin, datetime.now(UTC), ca), Here())
    outcome = await lane.send(b"{}", message(), APNS_TOKEN)
    assert (outcome.kind, outcome.pause, outcome.reason) == (OutcomeKind.BLOCKED, Pause.LANE, "certificate_expired")
    assert "has expired" in str(await lane.verify())
    assert peer.connected == []
    await lane.close()
