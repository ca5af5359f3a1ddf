"""The key ring: encryption at rest, blind index, receipt signature, signed links, opaque ids.

Each purpose has its own key, derived by HKDF-SHA256 from one of the installation's secrets, so that
no two purposes can be confused. A secret is named by its `kid` (the first 4 bytes of an HKDF output,
which reveals nothing of it). Writing uses the newest secret, reading finds the one that wrote.
Public ids use the oldest secret, so that they stay the same when keys are rotated.
"""

import base64
import hashlib
import hmac
import os
import struct
import threading
from functools import cached_property, lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12
KID = 4
MAC = 16


def b64url(data: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text: str) -> bytes:
    """Reads unpadded base64url. Raises `ValueError` on anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _derive(secret: str, purpose: str, length: int = 32) -> bytes:
    return HKDF(SHA256(), length, salt=b"tocsin", info=purpose.encode()).derive(secret.encode())


class _Key:
    """One secret of the ring with the keys derived from it."""

    def __init__(self, secret: str) -> None:
        self.kid = _derive(secret, "kid", KID)
        self._secret = secret
        self._own = threading.local()

    @cached_property
    def seal(self) -> AESGCM:
        return AESGCM(_derive(self._secret, "encryption at rest"))

    @cached_property
    def index(self) -> bytes:
        return _derive(self._secret, "blind index")

    @cached_property
    def receipt(self) -> bytes:
        return _derive(self._secret, "receipt signature")

    @cached_property
    def link(self) -> bytes:
        return _derive(self._secret, "signed link")

    def id_block(self, block: bytes) -> bytes:
        """One block encrypted. Each thread keeps its encryptor: making one costs ten times its use."""
        encryptor: CipherContext | None = getattr(self._own, "encryptor", None)
        if encryptor is None:
            encryptor = self._own.encryptor = self.ids.encryptor()
        return encryptor.update(block)

    @cached_property
    def ids(self) -> Cipher[modes.ECB]:
        return Cipher(algorithms.AES(_derive(self._secret, "public ids")), modes.ECB())  # noqa: S305 - one block, never two


class KeyRing:
    """All of the installation's secrets, newest first."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._keys = [_Key(secret) for secret in secrets]
        self._by_kid = {key.kid: key for key in self._keys}

    @property
    def index_version(self) -> str:
        """The name of the key that new blind indexes are made with."""
        return self._keys[0].kid.hex()

    def encrypt(self, text: str, context: str) -> bytes:
        """AES-256-GCM; `context` is authenticated, so a value moved to another column does not open."""
        key, nonce = self._keys[0], os.urandom(NONCE)
        return key.kid + nonce + key.seal.encrypt(nonce, text.encode(), context.encode())

    def decrypt(self, sealed: bytes, context: str) -> str:
        """Opens what `encrypt` made. Raises `KeyError` for an unknown key, `InvalidTag` for a forgery."""
        key = self._by_kid[sealed[:KID]]
        nonce, box = sealed[KID : KID + NONCE], sealed[KID + NONCE :]
        return key.seal.decrypt(nonce, box, context.encode()).decode()

    def blind_index(self, app_id: int, value: str) -> bytes:
        """16 bytes by which an address is found again without being readable."""
        return _index(self._keys[0], app_id, value)

    def blind_indexes(self, app_id: int, value: str) -> list[bytes]:
        """The index under every key of the ring, newest first: for look-ups while keys rotate."""
        return [_index(key, app_id, value) for key in self._keys]

    def sign_receipt(self, app_id: int, delivery_id: int) -> str:
        """`t`: key id, app, and the first 16 bytes of HMAC-SHA256 over app and delivery, base64url."""
        key = self._keys[0]
        return b64url(key.kid + struct.pack(">I", app_id) + _receipt_mac(key, app_id, delivery_id))

    def receipt_app(self, delivery_id: int, t: str) -> int | None:
        """The app whose delivery this is when `t` proves it, else None; no look-up is needed."""
        try:
            raw = from_b64url(t)
        except ValueError:
            return None
        key = self._by_kid.get(raw[:KID])
        if key is None or len(raw) != KID + 4 + MAC:
            return None
        app_id: int = struct.unpack(">I", raw[KID : KID + 4])[0]
        proven = hmac.compare_digest(raw[KID + 4 :], _receipt_mac(key, app_id, delivery_id))
        return app_id if proven else None

    def sign_link(self, app_id: int, prefix: str, number: int, until: int) -> str:
        """A token for an address that may be followed until then (seconds since 1970) without signing in: key id, app,
        end, the thing's id as one block that says nothing of its number, and 16 bytes of HMAC-SHA256 over these."""
        key = self._keys[0]
        told = struct.pack(">II", app_id, until) + key.id_block(_block(prefix, number))
        return b64url(key.kid + told + _link_mac(key, told))

    def opened_link(self, prefix: str, token: str) -> tuple[int, int, int] | None:
        """(app, number, until) of a token that we signed for such a thing, whether its time is over or not; else
        None."""
        try:
            raw = from_b64url(token)
        except ValueError:
            return None
        key = self._by_kid.get(raw[:KID])
        if key is None or len(raw) != KID + 24 + MAC or b64url(raw) != token:
            return None
        told, mac = raw[KID:-MAC], raw[-MAC:]
        if not hmac.compare_digest(mac, _link_mac(key, told)):
            return None
        number = _open(key, prefix, told[8:])
        app_id, until = struct.unpack(">II", told[:8])
        return None if number is None else (app_id, number, until)

    def public_id(self, prefix: str, number: int) -> str:
        """`dev_…`: one AES block of the number, its type and a check, in 22 characters."""
        return f"{prefix}_{b64url(self._keys[-1].id_block(_block(prefix, number)))}"

    def number(self, prefix: str, public_id: str) -> int | None:
        """The number behind a public id, None for anything that we did not make."""
        head, _, tail = public_id.partition("_")
        if head != prefix or len(tail) != 22:
            return None
        try:
            block = from_b64url(tail)
        except ValueError:
            return None
        if b64url(block) != tail:
            return None
        return next((n for key in reversed(self._keys) if (n := _open(key, prefix, block)) is not None), None)


def _index(key: _Key, app_id: int, value: str) -> bytes:
    return hmac.digest(key.index, f"{app_id}\0{value}".encode(), "sha256")[:16]


def _receipt_mac(key: _Key, app_id: int, delivery_id: int) -> bytes:
    return hmac.digest(key.receipt, struct.pack(">qq", app_id, delivery_id), "sha256")[:MAC]


def _link_mac(key: _Key, told: bytes) -> bytes:
    return hmac.digest(key.link, told, "sha256")[:MAC]


def _block(prefix: str, number: int) -> bytes:
    return _type(prefix) + struct.pack(">q", number)


@lru_cache(maxsize=256)
def _type(prefix: str) -> bytes:
    return hashlib.sha256(prefix.encode()).digest()[:8]


def _open(key: _Key, prefix: str, block: bytes) -> int | None:
    plain = key.ids.decryptor().update(block)
    number: int = struct.unpack(">q", plain[8:])[0]
    return number if hmac.compare_digest(_block(prefix, number), plain) else None


def hash_secret(secret: str) -> str:
    """SHA-256 of a random secret (API keys, sessions, device secrets); never for passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(secret: str, hashed: str) -> bool:
    """Constant-time comparison of a presented secret with its stored hash."""
    return hmac.compare_digest(hash_secret(secret), hashed)
