"""What is known of a picture, as the browser keeps it by its address."""

from typing import Any, Final

from backend.domain.picture import Level, PictureType
from backend.services.pictures import PictureFacts
from console import words

MOST: Final = 12
"""Pictures that one look asks for."""
CHECKING: Final = {"checking": True}
COPIES: Final = "/pictures/"


def told(facts: PictureFacts) -> dict[str, Any]:
    """`src` is our own copy; `problems` are the platforms that do not show it, `verdicts` one line for each."""
    kind = PictureType(facts.type).word
    size = f"{facts.width} × {facts.height} · {facts.ratio} · {kind} · {words.compact(facts.bytes)}"
    return {
        "src": COPIES + facts.key,
        "width": facts.width,
        "height": facts.height,
        "type": facts.type,
        "bytes": facts.bytes,
        "text": size + (" · moving" if facts.animated else ""),
        "problems": {one.platform.value: one.text for one in facts.verdicts if one.level is Level.ERROR},
        "verdicts": [
            {"platform": one.platform.value, "level": one.level.value, "text": one.text} for one in facts.verdicts
        ],
    }


def refused(reason: str) -> dict[str, Any]:
    """Why there is no picture to show."""
    return {"problem": f"No picture: the address {reason.rstrip('.')}."}


def wanted(urls: Any) -> tuple[str, ...]:
    """Those that are addresses, each once; those with variables differ by person and are left out."""
    found = (url.strip() for url in urls if isinstance(url, str))
    whole = (url for url in found if "://" in url and "{{" not in url and "{%" not in url)
    return tuple(dict.fromkeys(whole))[:MOST]
