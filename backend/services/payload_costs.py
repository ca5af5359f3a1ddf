"""What each field costs of a body, measured by encoding it without; and which to shorten where there is no room."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.domain.message import Address, Message
from backend.providers import counted
from backend.providers.base import TooLarge

Encode = Callable[[Message, Address], bytes]
NEAR = 0.9
"""Of the limit: above it there is hardly room for a longer name."""
FRAME = "frame"
_EMPTY: dict[str, Any] = {
    "title": "", "subtitle": "", "body": "", "image": None, "link": None, "badge": None, "sound": None, "thread": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes that a field of the message takes; `frame` is what every message of its kind carries."""

    field: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Trim:
    """The field to shorten, and by how many bytes: to fit, or to be clear of the limit by a tenth."""

    field: str
    bytes: int


def measured(encode: Encode, message: Message, address: Address) -> int:
    """Bytes that count against the limit, also of what is over it."""
    try:
        return counted(encode(message, address), address)
    except TooLarge as error:
        return error.size


def costs(encode: Encode, message: Message, address: Address) -> tuple[Cost, ...]:
    """The dearest first, the frame last; together they are the whole."""
    whole = measured(encode, message, address)
    found = [Cost(name, whole - measured(encode, other, address)) for name, other in _without(message)]
    dear = sorted((cost for cost in found if cost.bytes > 0), key=lambda cost: -cost.bytes)
    return (*dear, Cost(FRAME, whole - sum(cost.bytes for cost in dear)))


def trim(dear: tuple[Cost, ...], limit: int) -> Trim | None:
    """None where there is room enough."""
    whole = sum(cost.bytes for cost in dear)
    if whole <= limit * NEAR:
        return None
    over = whole - limit
    return Trim(dear[0].field, over if over > 0 else whole - int(limit * NEAR))


def _without(message: Message) -> Iterator[tuple[str, Message]]:
    """The message without each of its fields in turn, under the names that the content has for them.

    A field of a topic's message goes from every platform's at once: what one body says for all is in it but once.
    """
    every = (message, *message.others)
    for name, nothing in _EMPTY.items():
        if any(getattr(one, name) != nothing for one in every):
            yield name, _together([replace(one, **{name: nothing}) for one in every])
    for at in range(max(len(one.actions) for one in every)):
        fewer = [replace(one, actions=one.actions[:at] + one.actions[at + 1 :]) for one in every]
        yield f"actions[{at}]", _together(fewer)
    for name in dict.fromkeys(name for one in every for name in one.data):
        yield f"data.{name}", _together([replace(one, data=_less(one.data, name)) for one in every])
    for place, one in enumerate(every):
        for name in one.options:
            rest = replace(one, options=_less(one.options, name))
            yield f"{one.platform}.{name}", _together([*every[:place], rest, *every[place + 1 :]])


def _together(every: Sequence[Message]) -> Message:
    first, *others = every
    return replace(first, others=tuple(others))


def _less(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {known: value for known, value in values.items() if known != name}
