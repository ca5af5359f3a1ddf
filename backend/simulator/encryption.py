"""Message encryption for Web Push, the receiving side (RFC 8291 over RFC 8188's aes128gcm)."""

import hmac
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.simulator.authority import Browser

_HEADER = 86
_TAG = 16


class Undecryptable(Exception):
    """The body is not what this browser can read; the message says why."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An encrypted body taken apart."""

    salt: bytes
    public: bytes
    record: bytes


def open_envelope(body: bytes) -> Envelope:
    """Takes salt, sender's key and the single record apart. Raises `Undecryptable`."""
    if len(body) < _HEADER + _TAG + 1:
        raise Undecryptable(f"{len(body)} bytes are too few")
    salt, size, id_length = struct.unpack("!16sIB", body[:21])
    record = body[_HEADER:]
    if id_length != 65 or body[21] != 4:
        raise Undecryptable("the key id is not an uncompressed point of 65 bytes")
    if size <= _TAG + 1 or len(record) > size:
        raise Undecryptable(f"a record of {len(record)} bytes does not fit record size {size}")
    return Envelope(salt, body[21:_HEADER], record)


def decrypt(envelope: Envelope, browser: Browser) -> bytes:
    """The plaintext without padding. Raises `Undecryptable`."""
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), envelope.public)
    except ValueError as error:
        raise Undecryptable("the sender's key is not a point on P-256") from error
    shared = browser.private_key.exchange(ec.ECDH(), public)
    key, nonce = _keys(shared, envelope, browser)
    try:
        padded = AESGCM(key).decrypt(nonce, envelope.record, None)
    except InvalidTag as error:
        raise Undecryptable("it was not encrypted for this subscription") from error
    text = padded.rstrip(b"\0")
    if not text.endswith(b"\x02"):
        raise Undecryptable("the last record does not end with delimiter 2")
    return text[:-1]


def _keys(shared: bytes, envelope: Envelope, browser: Browser) -> tuple[bytes, bytes]:
    info = b"WebPush: info\0" + browser.public + envelope.public + b"\x01"
    secret = _mac(_mac(browser.auth, shared), info)
    pseudo_random = _mac(envelope.salt, secret)
    key = _mac(pseudo_random, b"Content-Encoding: aes128gcm\0\x01")[:16]
    return key, _mac(pseudo_random, b"Content-Encoding: nonce\0\x01")[:12]


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")
