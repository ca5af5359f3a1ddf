"""What this process knows of an app's catalogue, so that a hot path asks the database nothing."""

import math
import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from backend.domain.segment import Kind, moment

MOST_NAMES: Final = 500
MOST_PROPERTIES: Final = 50
MOST_EXAMPLES: Final = 5
MOST_APPS: Final = 200
TRIES: Final = 50
"""Values that are looked at for another example; who has repeated five until then has no more."""
LONGEST_NAME: Final = 128
LONGEST_EXAMPLE: Final = 40
_KINDS: Final = {bool: Kind.BOOLEAN, int: Kind.NUMBER, float: Kind.NUMBER, list: Kind.LIST}
_PERSONAL_NAME: Final = re.compile(
    r"e.?mail|phone|mobile|msisdn|token|passw|secret|session|cookie|address|street|post.?code|zip|birth|dob|iban|card"
    r"|passport|ssn|tax|account|licen[cs]e|(^|first|last|middle|full|user|nick|sur|maiden|_)_?name$|auth|\bip\b|_ip$|uuid",
    re.IGNORECASE,
)
_PERSONAL_VALUE: Final = re.compile(
    r"@|://|(\d[\s().+-]*){7}|^(?=.*\d)[\w+/=-]{20,}$|^[\w-]{32,}$|^\d+\.\d+\.\d+\.\d+$"
)


def kind_of(value: Any) -> Kind | None:
    """What rules may compare it as; None for what no rule reads."""
    if type(value) is not str:
        return _KINDS.get(type(value))
    dated = len(value) >= 10 and value[4] == "-" and moment(value) is not None
    return Kind.DATE if dated else Kind.TEXT


def is_personal(name: str) -> bool:
    """Whether a value of that name is likely to be somebody's own: no example is kept of it, none suggested."""
    return _PERSONAL_NAME.search(name) is not None


def shown(value: Any) -> str | None:
    """The value as text for others to see; None where it is long, or looks like somebody's own."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value) if abs(value) < 10**7 and math.isfinite(value) else None
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_EXAMPLE:
        return None
    return value if moment(value) is not None or not _PERSONAL_VALUE.search(value) else None


@dataclass(slots=True)
class Facts:
    """What is known of the values of an attribute or a property. `open` says that more examples are wanted."""

    kinds: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    open: bool = True
    _tried: set[Any] = field(default_factory=set, compare=False)

    def knows(self, value: Any) -> bool:
        """Whether the value tells nothing new."""
        kind = kind_of(value)
        if kind is None:
            return True
        if kind not in self.kinds:
            return False
        return not self.open or kind is Kind.LIST or value in self._tried or not self._is_example(value)

    def _is_example(self, value: Any) -> bool:
        self._tried.add(value)
        self.open = len(self._tried) < TRIES
        text = shown(value)
        return text is not None and text not in self.examples


def after(name: str, kinds: Iterable[str], examples: Iterable[str], values: Iterable[Any]) -> Facts:
    """What is known once these values have been seen too: their kinds first, the commonest of them foremost."""
    held = [value for value in values if kind_of(value) is not None]
    counted = Counter(kind_of(value) for value in held)
    found = [str(kind) for kind, _ in counted.most_common() if kind is not None]
    items = (item for value in held for item in (value[:MOST_EXAMPLES] if isinstance(value, list) else (value,)))
    texts = () if is_personal(name) else (*examples, *(text for item in items if (text := shown(item)) is not None))
    kept = tuple(dict.fromkeys(texts))[:MOST_EXAMPLES]
    return Facts(tuple(dict.fromkeys((*found, *kinds))), kept, not is_personal(name) and len(kept) < MOST_EXAMPLES)


@dataclass(frozen=True, slots=True)
class KnownAttribute:
    """An attribute as the database has it."""

    facts: Facts
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """A kind of event as the database has it."""

    properties: Mapping[str, Facts]
    has_value: bool
    last_seen: datetime

    def knows(self, properties: Mapping[str, Any], value: float | None) -> bool:
        """Whether such an event tells nothing new."""
        if value is not None and not self.has_value:
            return False
        held = self.properties
        for name, given in properties.items():
            facts = held.get(name)
            if facts is None:
                if self.may_learn(name, given):
                    return False
            elif not facts.knows(given):
                return False
        return True

    def may_learn(self, name: str, value: Any) -> bool:
        """Whether there is room for one more property."""
        return len(self.properties) < MOST_PROPERTIES and len(name) <= LONGEST_NAME and kind_of(value) is not None


@dataclass(slots=True)
class Known:
    """One app's catalogue."""

    attributes: dict[str, KnownAttribute]
    events: dict[str, KnownEvent]


_memories: "WeakKeyDictionary[Engine, OrderedDict[int, Known]]" = WeakKeyDictionary()


def of(engine: Engine, app_id: int) -> Known | None:
    """What is remembered of the app, None for nothing."""
    return _memories.get(engine, OrderedDict()).get(app_id)


def remember(engine: Engine, app_id: int, known: Known) -> None:
    """Keeps it; the app remembered longest makes room where there are too many."""
    memory = _memories.setdefault(engine, OrderedDict())
    memory[app_id] = known
    while len(memory) > MOST_APPS:
        memory.popitem(last=False)
