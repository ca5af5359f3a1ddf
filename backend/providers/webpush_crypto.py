"""Message encryption for Web Push (RFC 8291 over RFC 8188) and the application server's key (RFC 8292)."""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from py_vapid import Vapid02

RECORD = 4_096
"""Push services take bodies of 4 096 bytes; one record holds the whole message."""
PLAINTEXT_LIMIT = RECORD - 86 - 16 - 1
"""What is left for the message beside the header, the tag and the delimiter."""

_CURVE = ec.SECP256R1()
_POINT_BYTES, _AUTH_BYTES, _SALT_BYTES = 65, 16, 16
_LAST_RECORD = b"\x02"


def b64url(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text: str) -> bytes:
    """The bytes of base64url or base64, padded or not. Raises ValueError."""
    text = text.strip().rstrip("=").replace("+", "-").replace("/", "_")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def subscription_problem(p256dh: str, auth: str) -> str | None:
    """What is wrong with the keys of a subscription, in words; None when they are good."""
    try:
        _browser_key(from_b64url(p256dh))
    except ValueError:
        return "p256dh is not a P-256 public key in base64url"
    try:
        size = len(from_b64url(auth))
    except ValueError:
        return "auth is not base64url"
    return None if size == _AUTH_BYTES else f"auth has {size} bytes, not {_AUTH_BYTES}"


def encrypt(
    plaintext: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    salt: bytes | None = None,
    private_key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The `aes128gcm` body for one subscription. A fresh salt and key pair each time, unless a test gives them.

    Raises ValueError when `p256dh` is not an uncompressed point of the curve (65 bytes).
    """
    salt = salt or os.urandom(_SALT_BYTES)
    private_key = private_key or ec.generate_private_key(_CURVE)
    browser = _browser_key(p256dh)
    ours = _point(private_key.public_key())
    shared = private_key.exchange(ec.ECDH(), browser)
    key, nonce = _content_key(shared, auth, salt, b"WebPush: info\x00" + p256dh + ours)
    header = salt + RECORD.to_bytes(4, "big") + bytes([len(ours)]) + ours
    return header + AESGCM(key).encrypt(nonce, plaintext + _LAST_RECORD, None)


def _browser_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """The uncompressed form only: the point's bytes go into the key derivation as they stand."""
    if len(point) != _POINT_BYTES:
        raise ValueError(f"a point of {len(point)} bytes, not {_POINT_BYTES}")
    return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)


def _content_key(shared: bytes, auth: bytes, salt: bytes, info: bytes) -> tuple[bytes, bytes]:
    """HKDF (RFC 5869) twice, as RFC 8291 3.4 has it; each step expands to less than one block."""
    ikm = _hmac(_hmac(auth, shared), info + b"\x01")
    prk = _hmac(salt, ikm)
    key = _hmac(prk, b"Content-Encoding: aes128gcm\x00\x01")[:16]
    return key, _hmac(prk, b"Content-Encoding: nonce\x00\x01")[:12]


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, sha256)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def generate_vapid_keys() -> tuple[str, str]:
    """A new application server key: (public, private), base64url of the point and of the number."""
    vapid = Vapid02()
    vapid.generate_keys()
    number = vapid.private_key.private_numbers().private_value
    return public_of(vapid.private_key), b64url(number.to_bytes(32, "big"))


def vapid_key(private_key: str) -> ec.EllipticCurvePrivateKey:
    """The key behind its base64url number. Raises ValueError."""
    raw = from_b64url(private_key)
    if len(raw) != 32:
        raise ValueError(f"{len(raw)} bytes, not 32")
    return ec.derive_private_key(int.from_bytes(raw, "big"), _CURVE)


def public_of(key: ec.EllipticCurvePrivateKey) -> str:
    """The public half, as browsers want it for `applicationServerKey`."""
    return b64url(_point(key.public_key()))


def vapid_token(key: ec.EllipticCurvePrivateKey, audience: str, subject: str, expires: int) -> str:
    """The signed claim of RFC 8292 for one push service's origin; `expires` is epoch seconds."""
    return jwt.encode({"aud": audience, "exp": expires, "sub": subject}, key, algorithm="ES256")
