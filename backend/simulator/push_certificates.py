"""Push certificates as Apple issues them: made for whoever fills an app, read where a client shows one.

The bundle id is the subject's UID; further topics stand in an extension of Apple's, as do the environments.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from backend.domain.vocabulary import Environment
from backend.simulator import certificates

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_ENVIRONMENTS = {
    Environment.SANDBOX: x509.ObjectIdentifier("1.2.840.113635.100.6.3.1"),
    Environment.PRODUCTION: x509.ObjectIdentifier("1.2.840.113635.100.6.3.2"),
}
_TOPICS = x509.ObjectIdentifier("1.2.840.113635.100.6.3.6")
_SEQUENCE, _UTF8, _NULL = 0x30, 0x0C, b"\x05\x00"
_ROOT = "Tocsin simulator push clients"
_ROOT_START, _ROOT_END = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2120, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class PushCertificate:
    """What a shown certificate says. The first of its topics is its bundle id; times are epoch seconds."""

    topics: tuple[str, ...]
    environments: frozenset[Environment]
    starts: float
    ends: float

    @classmethod
    def read(cls, der: bytes) -> Self:
        """The handshake has checked that our root has signed it."""
        shown = x509.load_der_x509_certificate(der)
        own = [str(name.value) for name in shown.subject.get_attributes_for_oid(NameOID.USER_ID)]
        marks = {each.oid: each.value for each in shown.extensions}
        listed = marks.get(_TOPICS)
        more = _texts(listed.value) if isinstance(listed, x509.UnrecognizedExtension) else []
        return cls(
            tuple(dict.fromkeys([*own, *more])),
            frozenset(environment for environment, mark in _ENVIRONMENTS.items() if mark in marks),
            shown.not_valid_before_utc.timestamp(),
            shown.not_valid_after_utc.timestamp(),
        )


def root(key: ec.EllipticCurvePrivateKey) -> str:
    """The certificate of the root that vouches for push clients, as PEM; any made of one key will do."""
    name, public = certificates.named(_ROOT), key.public_key()
    unsigned = (
        certificates.builder(name, name, public, public, _ROOT_START, _ROOT_END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(certificates.usage(signs_certificates=True), critical=True)
    )
    return certificates.pem(certificates.sign(unsigned, key))


def issue(
    root_key: ec.EllipticCurvePrivateKey,
    key: Key,
    topics: Sequence[str],
    environments: Sequence[Environment],
    start: dt.datetime,
    end: dt.datetime,
) -> x509.Certificate:
    """A certificate for these topics, the bundle id first."""
    unsigned = (
        certificates.builder(
            _subject(topics[0], environments),
            certificates.named(_ROOT),
            key.public_key(),
            root_key.public_key(),
            start,
            end,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(certificates.usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
    )
    for environment in environments:
        unsigned = unsigned.add_extension(x509.UnrecognizedExtension(_ENVIRONMENTS[environment], _NULL), critical=False)
    if len(topics) > 1:
        unsigned = unsigned.add_extension(x509.UnrecognizedExtension(_TOPICS, _listed(topics)), critical=False)
    return certificates.sign(unsigned, root_key)


def _subject(bundle: str, environments: Sequence[Environment]) -> x509.Name:
    kind = "Apple" if Environment.PRODUCTION in environments else "Apple Development IOS"
    names = ((NameOID.USER_ID, bundle), (NameOID.COMMON_NAME, f"{kind} Push Services: {bundle}"))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in names])


def as_pem(certificate: x509.Certificate, key: Key, password: str | None) -> str:
    """Certificate and key in one text, the key encrypted where there is a password."""
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        lock = serialization.BestAvailableEncryption(password.encode())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    return certificates.pem(certificate) + private.decode()


def as_p12(certificate: x509.Certificate, key: Key, password: str | None) -> bytes:
    """The `.p12` in the form in which Keychain Access exports it: triple DES and SHA-1."""
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        lock = (
            serialization.PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(2048)
            .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
            .hmac_hash(hashes.SHA1())  # noqa: S303 - what Keychain Access writes
            .build(password.encode())
        )
    return pkcs12.serialize_key_and_certificates(b"push", key, certificate, None, lock)


def _listed(topics: Sequence[str]) -> bytes:
    """A SEQUENCE of topic and SEQUENCE of its kinds, in turn."""
    pairs = (_der(_UTF8, topic.encode()) + _der(_SEQUENCE, _der(_UTF8, b"app")) for topic in topics)
    return _der(_SEQUENCE, b"".join(pairs))


def _der(tag: int, content: bytes) -> bytes:
    """A value in DER (X.690 8.1)."""
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2)
    return bytes([tag]) + length + content


def _texts(der: bytes) -> list[str]:
    outer = _values(der)
    return [content.decode() for tag, content in _values(outer[0][1]) if tag == _UTF8] if outer else []


def _values(der: bytes) -> list[tuple[int, bytes]]:
    """(tag, content) of the values that stand side by side; only what `_der` writes is read."""
    found = []
    while der:
        size, start = der[1], 2
        if size == 0x82:
            size, start = int.from_bytes(der[2:4]), 4
        found.append((der[0], der[start : start + size]))
        der = der[start + size :]
    return found
