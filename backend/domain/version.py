"""Version numbers as text whose order is the order of the numbers."""

import re

_NUMBERS = re.compile(r"\d+(?:\.\d+)*", re.ASCII)
PARTS = 10
WIDTH = 10
_ZERO = "0" * WIDTH


def version_key(version: str | None) -> str | None:
    """A sort key of at most 109 characters; None for a text without a number.

    The first run of dotted numbers counts, number by number, missing parts being 0: `17`, `17.0` and
    `v17.0-beta` have one key, below that of `17.0.1`. Ten parts of ten digits are told apart.
    """
    found = _NUMBERS.search(version or "")
    if found is None:
        return None
    parts = [_padded(part) for part in found[0].split(".")[:PARTS]]
    while len(parts) > 1 and parts[-1] == _ZERO:
        parts.pop()
    return ".".join(parts)


def _padded(part: str) -> str:
    digits = part.lstrip("0")
    return digits.zfill(WIDTH) if len(digits) <= WIDTH else "9" * WIDTH
