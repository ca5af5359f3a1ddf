"""What the providers' checks come to: a push to count and show, or a refusal."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Push:
    """A push that passed every check.

    `m` and `t` are the delivery's id and proof, empty where the payload carries none. `collapse` is all by
    which a repeat replaces its twin: collapse id, topic and tag. `visible` pushes show something to a person.
    `actions` are the ids of the buttons under it. A `dry` one is only validated; one that reaches nobody is
    not `heard`. `body` is the request's, of Web Push what the browser has decrypted.
    """

    target: str
    m: str = ""
    t: str = ""
    collapse: str = ""
    visible: bool = True
    actions: tuple[str, ...] = ()
    dry: bool = False
    heard: bool = True
    body: bytes = b""


class Refused(Exception):
    """A provider's no. `reason` is its own word for it; `detail` says what exactly was wrong."""

    def __init__(self, status: int, reason: str, detail: str = "", retry_after: int | None = None) -> None:
        super().__init__(f"{status} {reason}: {detail}")
        self.status, self.reason, self.detail, self.retry_after = status, reason, detail, retry_after


def collapse_of(*keys: object) -> str:
    """One text for all the keys that a push carries, in their order; empty where it carries none."""
    return "\0".join(str(key or "") for key in keys) if any(keys) else ""


def button_ids(actions: Any) -> tuple[str, ...]:
    """The ids of buttons that a payload lists as objects with `id` or `action`, or as plain ids."""
    if not isinstance(actions, list):
        return ()
    named = (each.get("id") or each.get("action") if isinstance(each, dict) else each for each in actions)
    return tuple(name for name in named if isinstance(name, str))
