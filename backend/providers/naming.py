"""Names that make a repeat replace its twin, cut to what each provider's header can hold."""

import hashlib
import re
from base64 import urlsafe_b64encode

_URL_SAFE = re.compile(r"[A-Za-z0-9_-]{1,32}")
_VISIBLE = re.compile(r"[\x21-\x7e]{1,64}")


def _short(name: str) -> str:
    """32 URL-safe characters that stand for the name."""
    return urlsafe_b64encode(hashlib.blake2b(name.encode(), digest_size=24).digest()).decode()


def collapse_id(name: str) -> str:
    """For `apns-collapse-id`: at most 64 visible ASCII characters."""
    return name if _VISIBLE.fullmatch(name) else _short(name)


def topic(name: str) -> str:
    """For Web Push's `Topic` (RFC 8030 5.4): at most 32 characters of the URL-safe base64 alphabet."""
    return name if _URL_SAFE.fullmatch(name) else _short(name)
