"""FCM's addresses: registration tokens, and the Firebase installation ids that take their place."""

import re

from backend.simulator.authority import DEAD
from backend.simulator.push import Refused

_TOKEN = re.compile(r"(?:[A-Za-z0-9_-]{8,32}:)?APA91b[A-Za-z0-9_-]{100,300}")
_FID = re.compile(r"[c-f][A-Za-z0-9_-]{21}")


def check(value: str, *, fid_only: bool = False) -> None:
    """Raises `Refused` where the address is malformed, or its app is gone.

    While Firebase moves to installation ids, whatever takes a token takes an id as well.
    """
    if not (_FID.fullmatch(value) or (not fid_only and _TOKEN.fullmatch(value))):
        raise Refused(400, "INVALID_ARGUMENT", value[:80])
    if value.startswith(DEAD):
        raise Refused(404, "UNREGISTERED", "the app was removed from the device")


def installation(address: str) -> str:
    """Whose topics are meant: a token begins with its installation's id. Raises `Refused`."""
    check(address)
    return address.partition(":")[0]
