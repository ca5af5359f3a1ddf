"""What a screen reader says of a push: the same words in the same order, emoji by their names."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from backend.domain.message import Message

_UNHEARD = {"\u200d", "\ufe0f", "\ufe0e"}
_MANY = 3
READER = {"ios": "VoiceOver", "android": "TalkBack", "web": "A screen reader"}


@dataclass(frozen=True, slots=True)
class Spoken:
    """Who reads it, what is read, and what a listener would stumble over."""

    reader: str = ""
    text: str = ""
    buttons: str = ""
    remarks: tuple[str, ...] = ()


SILENT = Spoken()


def spoken(message: Message, app: str) -> Spoken:
    """As the platform's own reader says a notification that has just come."""
    if message.silent:
        return Spoken(READER[message.platform], "Nothing: a silent push shows nothing.")
    urgent = message.options.get("interruption_level") in ("time-sensitive", "critical")
    first = [app, "time sensitive" if urgent else "", "now" if message.platform == "ios" else ""]
    said = [*first, message.title, message.subtitle if message.platform == "ios" else "", message.body]
    picture = "image attached" if message.image else ""
    heard = ", ".join(_heard(part).strip() for part in [*said, picture] if part)
    buttons = ", ".join(_heard(action.title) for action in message.actions)
    return Spoken(READER[message.platform], heard, buttons, tuple(_remarks(message)))


def _heard(text: str) -> str:
    return "".join(_sound(letter) for letter in text)


def _sound(letter: str) -> str:
    if letter in _UNHEARD:
        return ""
    if unicodedata.category(letter) in ("So", "Sk") and ord(letter) > 0x2000:
        return f" {unicodedata.name(letter, 'symbol').lower()} "
    return letter


def _remarks(message: Message) -> Iterator[str]:
    words = f"{message.title} {message.body}"
    emoji = [letter for letter in words if unicodedata.category(letter) == "So"]
    if len(emoji) > _MANY:
        yield f"{len(emoji)} emoji are read out one by one."
    shouted = [word for word in words.split() if len(word) > _MANY and word.isupper()]
    if len(shouted) > 1:
        yield "Words in capitals may be spelled letter by letter."
    if message.image:
        yield "What the picture shows is not said: let the text say what matters."
