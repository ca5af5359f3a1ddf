"""Signed tokens: reading the JWTs that senders sign, and making the access tokens that we hand out."""

import hmac
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from backend.simulator.encoding import b64url, from_b64url

_TOKENS_KNOWN = 64
_SIGNATURE_ONLY = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class BadToken(Exception):
    """The token is not what it should be; the message says why."""


def read_header(token: str, algorithm: str) -> dict[str, Any]:
    """A JWT's header. Raises `BadToken` where it is none or names another algorithm."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise BadToken(str(error)) from error
    if header.get("alg") != algorithm:
        raise BadToken(f"alg is {header.get('alg')!r}, not {algorithm}")
    return header


def read_claims(token: str, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, algorithm: str) -> dict[str, Any]:
    """The claims behind a valid signature, their meaning unchecked. Raises `BadToken`."""
    try:
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=[algorithm], options=_SIGNATURE_ONLY)  # type: ignore[arg-type]
    except jwt.InvalidTokenError as error:
        raise BadToken(str(error)) from error
    return claims


def seconds(claims: dict[str, Any], name: str) -> float:
    """A time claim in epoch seconds. Raises `BadToken` where it is missing or no number."""
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadToken(f"{name} is {value!r}, not a number of seconds")
    return float(value)


def must_be(name: str, values: dict[str, Any], expected: str) -> None:
    """Raises `BadToken` where a header field or claim is something else."""
    if values.get(name) != expected:
        raise BadToken(f"{name} is {values.get(name)!r}, not {expected!r}")


class AccessTokens:
    """OAuth access tokens: opaque to the client, signed so that a restart does not forget them."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._read: dict[str, tuple[str, float]] = {}

    def make(self, scope: str, expires: float) -> str:
        """`expires` in epoch seconds."""
        payload = f"{int(expires)} {scope}".encode()
        return f"ya29.{b64url(payload)}.{b64url(self._sign(payload))}"

    def read(self, token: str) -> tuple[str, float]:
        """Scope and expiry. Raises `BadToken` where it is not ours."""
        known = self._read.get(token)
        if known is None:
            if len(self._read) >= _TOKENS_KNOWN:
                self._read.clear()
            known = self._read[token] = self._check(token)
        return known

    def _check(self, token: str) -> tuple[str, float]:
        try:
            start, payload, signature = token.split(".")
            text = from_b64url(payload)
            if start == "ya29" and hmac.compare_digest(self._sign(text), from_b64url(signature)):
                expires, _, scope = text.decode().partition(" ")
                return scope, float(expires)
        except ValueError as error:
            raise BadToken("not an access token") from error
        raise BadToken("not an access token of ours")

    def _sign(self, payload: bytes) -> bytes:
        return hmac.digest(self._key, payload, "sha256")
