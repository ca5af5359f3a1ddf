"""Which app installation has subscribed to which FCM topics; kept in a journal, so that a restart remembers."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import orjson

MOST = 2_000
"""Topics of one installation."""
_JOURNAL = "topics.jsonl"
_SLACK = 1_000


class TooMany(Exception):
    """The installation has as many topics as it may have."""


class Subscriptions:
    """By installation (a Firebase installation id): its topics, and since when (epoch seconds)."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _JOURNAL
        self._topics: dict[str, dict[str, float]] = {}
        self._members: dict[str, set[str]] = {}
        self._file: IO[bytes] | None = None
        self._load()

    def of(self, installation: str) -> Mapping[str, float]:
        """Its topics in the order of their names."""
        return dict(sorted(self._topics.get(installation, {}).items()))

    def add(self, installation: str, topic: str, at: float) -> float | None:
        """Since when it has been subscribed already; None where it was not. Raises `TooMany`."""
        own = self._topics.get(installation, {})
        if topic in own:
            return own[topic]
        if len(own) >= MOST:
            raise TooMany
        self._put(installation, topic, at)
        self._note(installation, topic, at)
        return None

    def remove(self, installation: str, topic: str) -> bool:
        """False where it was not subscribed."""
        if topic not in self._topics.get(installation, {}):
            return False
        self._drop(installation, topic)
        self._note(installation, topic, None)
        return True

    def reaches(self, condition: Callable[[Mapping[str, float]], bool]) -> bool:
        """Whether the topics of any installation satisfy the condition."""
        return any(condition(topics) for topics in self._topics.values())

    def has_members(self, topic: str) -> bool:
        return bool(self._members.get(topic))

    def sizes(self) -> dict[str, int]:
        """How many installations each topic has."""
        return {topic: len(members) for topic, members in sorted(self._members.items()) if members}

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _put(self, installation: str, topic: str, at: float) -> None:
        self._topics.setdefault(installation, {})[topic] = at
        self._members.setdefault(topic, set()).add(installation)

    def _drop(self, installation: str, topic: str) -> None:
        del self._topics[installation][topic]
        self._members[topic].discard(installation)
        if not self._topics[installation]:
            del self._topics[installation]

    def _note(self, installation: str, topic: str, at: float | None) -> None:
        if self._file is None:
            self._file = self._path.open("ab")
        self._file.write(_line(installation, topic, at))
        self._file.flush()

    def _load(self) -> None:
        """Reads the journal; it is written anew where a kill has cut its last line or it is mostly history."""
        journal = self._path.read_bytes() if self._path.exists() else b"\n"
        lines = journal.split(b"\n")
        for line in lines:
            try:
                installation, topic, at = orjson.loads(line)
            except ValueError:
                continue
            if at is not None:
                self._put(installation, topic, at)
            elif topic in self._topics.get(installation, {}):
                self._drop(installation, topic)
        if not journal.endswith(b"\n") or len(lines) > 2 * sum(map(len, self._topics.values())) + _SLACK:
            self._compact()

    def _compact(self) -> None:
        beside = self._path.with_suffix(".new")
        kept = (_line(one, topic, at) for one, topics in self._topics.items() for topic, at in topics.items())
        beside.write_bytes(b"".join(kept))
        beside.replace(self._path)


def _line(installation: str, topic: str, at: float | None) -> bytes:
    return orjson.dumps([installation, topic, at]) + b"\n"
