"""Topics: a provider's own lists of devices, which it sends to as one. FCM alone has them."""

import re
from collections.abc import Sequence
from typing import Final

LONGEST: Final = 900
MOST: Final = 5
"""Topics that one send may name."""

_NAME: Final = re.compile(rf"[a-zA-Z0-9_.~%-]{{1,{LONGEST}}}")


def problem(name: str) -> str | None:
    """Why this is no topic's name, None when it is one."""
    if name.startswith("/topics/"):
        return f"is written without /topics/ in front: {name.removeprefix('/topics/')[:40]}"
    if not _NAME.fullmatch(name):
        return f"has 1 to {LONGEST} letters, digits and - _ . ~ %"
    return None


def in_words(names: Sequence[str], noun: str = "topic") -> str:
    """`topic news`, `topics news and sport`, `topics a, b and c`."""
    *first, last = names
    return f"{noun}s {', '.join(first)} and {last}" if first else f"{noun} {last}"
