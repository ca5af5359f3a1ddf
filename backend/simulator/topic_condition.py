"""FCM's topic conditions: `'a' in topics && ('b' in topics || !('c' in topics))`."""

import re
from collections.abc import Callable, Container
from functools import lru_cache

NAME = re.compile(r"[a-zA-Z0-9-_.~%]{1,900}")
_WORD = re.compile(r"\s*(?:'([^']*)'\s+in\s+topics\b|(&&|\|\||!|\(|\)))")
_MOST_TOPICS, _MOST_WORDS = 5, 100

Condition = Callable[[Container[str]], bool]


class BadCondition(Exception):
    """It is none, or it names more than five topics."""


@lru_cache(maxsize=256)
def parse(text: str) -> Condition:
    """Tells for the topics of one installation whether it is meant. Raises `BadCondition`."""
    words = _words(text)
    if len(words) > _MOST_WORDS:
        raise BadCondition
    if not 1 <= sum(word.startswith("'") for word in words) <= _MOST_TOPICS:
        raise BadCondition
    reader = _Reader(words)
    condition = reader.either()
    if reader.words:
        raise BadCondition
    return condition


def _words(text: str) -> list[str]:
    """`'a`, `&&`, `(` …"""
    words, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None or (match[1] is not None and not NAME.fullmatch(match[1])):
            raise BadCondition
        words.append(match[2] or f"'{match[1]}")
        at = match.end()
    return words


class _Reader:
    """By recursive descent: `||` binds weakest, then `&&`, then `!`."""

    def __init__(self, words: list[str]) -> None:
        self.words = words[::-1]

    def either(self) -> Condition:
        left = self._both()
        while self._take("||"):
            left = _or(left, self._both())
        return left

    def _both(self) -> Condition:
        left = self._one()
        while self._take("&&"):
            left = _and(left, self._one())
        return left

    def _one(self) -> Condition:
        if self._take("!"):
            return _not(self._one())
        if self._take("("):
            inner = self.either()
            if not self._take(")"):
                raise BadCondition
            return inner
        word = self.words.pop() if self.words else ""
        if not word.startswith("'"):
            raise BadCondition
        return _has(word[1:])

    def _take(self, word: str) -> bool:
        if not self.words or self.words[-1] != word:
            return False
        self.words.pop()
        return True


def _or(left: Condition, right: Condition) -> Condition:
    return lambda topics: left(topics) or right(topics)


def _and(left: Condition, right: Condition) -> Condition:
    return lambda topics: left(topics) and right(topics)


def _not(inner: Condition) -> Condition:
    return lambda topics: not inner(topics)


def _has(topic: str) -> Condition:
    return lambda topics: topic in topics
