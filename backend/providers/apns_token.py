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
        self._token, self._issued, self._until = "", 0, 0

    def current(self) -> str:
        """The token to send now."""
        now = int(self._clock())
        if not self._issued <= now < self._until:
            full = now - now % LIFE
            self._sign(now if 0 <= full - self._issued < LEAST_LIFE else full)
        return self._token

    def renew(self, refused: str) -> bool:
        """Replaces a token that Apple calls expired; False when it is too new for that to be true.

        A fresh token that counts as expired means that our clock is wrong.
        """
        if refused != self._token:
            return True
        now = int(self._clock())
        if now - self._issued < LEAST_LIFE:
            return False
        self._sign(now)
        return True

    def _sign(self, issued: int) -> None:
        claims = orjson.dumps({"iss": self._team_id, "iat": issued})
        headers = {"kid": self._key_id}
        self._token = self._signer.encode(claims, self._key, _ALGORITHM, headers)  # type: ignore[arg-type]
        self._issued, self._until = issued, issued + LIFE
