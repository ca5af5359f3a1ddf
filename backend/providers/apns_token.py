"""Apple's provider token: an ES256 JWT that all connections and processes of a key share.

Apple refuses tokens older than an hour and keys that change their token more than once in 20 minutes.
So `iat` is set to the last full 45 minutes of the clock and the signature is repeatable (RFC 6979):
every process makes the same token without asking the others.
"""

from collections.abc import Callable
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from jwt.utils import der_to_raw_signature

LIFE = 2_700
LEAST_LIFE = 1_200
LONGEST_LIFE = 3_540
"""Apple's hour, less a minute that our clock and Apple's may differ by."""
_ALGORITHM = "ES256"


class _Repeatable(ECAlgorithm):
    def sign(self, msg: bytes, key: Any) -> bytes:
        signature = key.sign(msg, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return der_to_raw_signature(signature, key.curve)


def _signer() -> jwt.PyJWS:
    signer = jwt.PyJWS()
    signer.unregister_algorithm(_ALGORITHM)
    signer.register_algorithm(_ALGORITHM, _Repeatable(hashes.SHA256, ec.SECP256R1))
    return signer


class ProviderTokens:
    """The current token of one key. `clock` gives epoch seconds; `private_key` is the PEM of the .p8."""

    def __init__(self, team_id: str, key_id: str, private_key: str, clock: Callable[[], float]) -> None:
        self._team_id, self._key_id, self._clock = team_id, key_id, clock
        self._key = serialization.load_pem_private_key(private_key.encode(), None)
        self._signer = _signer()
        self._token, self._issued, self._newest, self._until = "", 0, 0, 0
        self._before, self._before_issued, self._rests_until = "", 0, 0

    def current(self) -> str:
        """The token to send now."""
        now = int(self._clock())
        if not self._issued <= now < self._until:
            self._sign(self._next(now))
        return self._token

    def renew(self, refused: str) -> bool:
        """Replaces a token that Apple calls expired; False when it is too new for that, or none may be signed.

        A fresh token that counts as expired means that our clock is wrong.
        """
        if refused != self._token:
            return True
        now = int(self._clock())
        if now - self._issued < LEAST_LIFE or now < self._rests_until:
            return False
        self._sign(now)
        return True

    def go_back(self, refused: str) -> bool:
        """Signs nothing for 20 minutes, as Apple finds that tokens change too often; whether there is another token.

        That is the one before the refused one, as long as it lives.
        """
        if refused != self._token:
            return True
        now = int(self._clock())
        found = 0 <= now - self._before_issued < LONGEST_LIFE
        if found:
            self._token, self._issued = self._before, self._before_issued
        self._before, self._before_issued, self._rests_until = "", 0, now + LEAST_LIFE
        self._until = min(max(self._until, self._rests_until), self._issued + LONGEST_LIFE)
        return found

    def _next(self, now: int) -> int:
        """When the next token is issued: with the newest one again, if that was laid aside while it was young."""
        if 0 <= now - self._newest < LIFE:
            return self._newest
        full = now - now % LIFE
        return now if 0 <= full - self._newest < LEAST_LIFE else full

    def _sign(self, issued: int) -> None:
        self._before, self._before_issued = self._token, self._issued
        claims = orjson.dumps({"iss": self._team_id, "iat": issued})
        headers = {"kid": self._key_id}
        self._token = self._signer.encode(claims, self._key, _ALGORITHM, headers)  # type: ignore[arg-type]
        self._issued = self._newest = issued
        self._until = issued + LIFE
