"""Apple's push certificates: read from a .p12 or .pem, and what they say about themselves."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from backend.domain.vocabulary import Environment

_KEY = re.compile(rb"-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_DATA_URL = re.compile(r"data:[^,]*;base64,")
_SANDBOX = x509.ObjectIdentifier("1.2.840.113635.100.6.3.1")
_PRODUCTION = x509.ObjectIdentifier("1.2.840.113635.100.6.3.2")
_TOPICS = x509.ObjectIdentifier("1.2.840.113635.100.6.3.6")
_UTF8 = 0x0C


class BadCertificate(Exception):
    """What is wrong with the `certificate` field, or with `password`, in words that follow the field's name."""

    def __init__(self, problem: str, field: str = "certificate") -> None:
        super().__init__(problem)
        self.problem, self.field = problem, field


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its private key, as `pem`; the leaf comes first.

    `topics` are the bundle ids (with their suffixes) that it may send to, and `environments` those it
    is made for; either is empty where the certificate does not say.
    """

    pem: str
    subject: str
    starts_at: datetime
    expires_at: datetime
    topics: frozenset[str]
    environments: frozenset[Environment]


def read(text: str, password: str) -> Identity:
    """What is in the text: a PEM with certificate and key, or a .p12 in base64. Raises `BadCertificate`."""
    pem = text.encode() if "-----BEGIN" in text else _decoded(text)
    key, certificates = (_from_pem if b"-----BEGIN" in pem else _from_p12)(pem, password.encode())
    own = key.public_key()
    leaf = next((each for each in certificates if each.public_key() == own), None)
    if leaf is None:
        raise BadCertificate("and private key do not belong together")
    return _identity(key, leaf, [each for each in certificates if each is not leaf])


def _decoded(text: str) -> bytes:
    try:
        return b64decode("".join(_DATA_URL.sub("", text, count=1).split()), validate=True)
    except (NotBase64, ValueError) as error:
        raise BadCertificate("must be a .pem, or a .p12 in base64") from error


def _from_pem(pem: bytes, password: bytes) -> tuple[Any, list[x509.Certificate]]:
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise BadCertificate("holds no certificate that can be read") from error
    block = _KEY.search(pem)
    if block is None:
        raise BadCertificate("has no private key: export it from Keychain together with its key")
    locked = b"ENCRYPTED" in block[0]
    if locked and not password:
        raise BadCertificate("is missing: the private key is protected by one", "password")
    try:
        key = serialization.load_pem_private_key(block[0], password if locked else None)
    except ValueError as error:
        if locked:
            raise BadCertificate("does not open the private key", "password") from error
        raise BadCertificate("has a private key that cannot be read") from error
    return key, certificates


def _from_p12(data: bytes, password: bytes) -> tuple[Any, list[x509.Certificate]]:
    try:
        store = pkcs12.load_pkcs12(data, password)
    except ValueError as error:
        if _is_certificate(data):
            raise BadCertificate("has no private key: export it from Keychain as .p12") from error
        if data[:1] != b"\x30":
            raise BadCertificate("is not a .p12") from error
        wrong = "does not open the .p12" if password else "is missing: the .p12 is protected by one"
        raise BadCertificate(wrong, "password") from error
    if store.key is None:
        raise BadCertificate("has no private key: export it from Keychain together with its key")
    if store.cert is None:
        raise BadCertificate("holds no certificate")
    return store.key, [each.certificate for each in (store.cert, *store.additional_certs)]


def _is_certificate(der: bytes) -> bool:
    try:
        x509.load_der_x509_certificate(der)
    except ValueError:
        return False
    return True


def _identity(key: Any, leaf: x509.Certificate, chain: list[x509.Certificate]) -> Identity:
    blocks = [each.public_bytes(serialization.Encoding.PEM) for each in (leaf, *chain)]
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Identity(
        pem=b"".join([*blocks, private]).decode(),
        subject=_subject(leaf),
        starts_at=leaf.not_valid_before_utc,
        expires_at=leaf.not_valid_after_utc,
        topics=frozenset(_topics(leaf)),
        environments=frozenset(
            world
            for oid, world in ((_SANDBOX, Environment.SANDBOX), (_PRODUCTION, Environment.PRODUCTION))
            if _extension(leaf, oid) is not None
        ),
    )


def _subject(certificate: x509.Certificate) -> str:
    """`Apple Push Services: com.example.app`."""
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def _topics(certificate: x509.Certificate) -> Iterator[str]:
    for name in certificate.subject.get_attributes_for_oid(x509.NameOID.USER_ID):
        yield str(name.value)
    listed = _extension(certificate, _TOPICS)
    if listed is not None:
        yield from _texts(listed)


def _extension(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> bytes | None:
    try:
        found = certificate.extensions.get_extension_for_oid(oid)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None
    return found.value.value if isinstance(found.value, x509.UnrecognizedExtension) else b""


def _texts(der: bytes) -> Iterator[str]:
    """The topics of Apple's list, a SEQUENCE of UTF8String topic and SEQUENCE of its kinds, in turn.

    What is no DER ends the list.
    """
    outer = list(_values(der))
    for tag, content in _values(outer[0][1]) if outer else ():
        if tag == _UTF8:
            yield content.decode("utf-8", "replace")


def _values(der: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of the values that stand side by side in DER (X.690 8.1)."""
    while len(der) >= 2:
        tag, length, start = der[0], der[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start], "big")
        if start + length > len(der):
            return
        yield tag, der[start : start + length]
        der = der[start + length :]
