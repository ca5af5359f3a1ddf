"""Unpadded base64url, as tokens and keys are written on the wire."""

import base64


def b64url(data: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_b64url(text: str) -> bytes:
    """Reads base64url without padding. Raises `ValueError` on anything else."""
    if "=" in text:
        raise ValueError("base64url with padding")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
