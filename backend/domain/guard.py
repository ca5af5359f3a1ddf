"""When a send is stopped for its own good: too many errors, or suddenly too many dead addresses."""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

ENOUGH_ANSWERS = 100
"""From how many answers on a share says anything."""

RECENT_ANSWERS = 200
MANY_DEAD = 50
HIGH_SHARE = 0.25
JUMP = 5.0
UNKNOWN_SHARE = 0.02
SLOW_ANSWERS = 5_000


def guardrail(answered: int, errors: int, limit_percent: int) -> str | None:
    """The sentence with which a run pauses itself, when more than `limit_percent` of its answers are errors.

    None below 100 answers, and with a limit of 0.
    """
    if not limit_percent or answered < ENOUGH_ANSWERS or errors * 100 <= limit_percent * answered:
        return None
    share = f"{errors / answered:.1%}"
    return (
        f"{_number(errors)} of {_number(answered)} answers were errors ({share}); "
        f"this app pauses a send above {limit_percent}%. "
        "Look at what failed, then resume or cancel."
    )


def _number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


@dataclass(slots=True)
class _Lane:
    """`recent` has a True for each dead address among the latest; `usual` is the slow average of their share."""

    usual: float = UNKNOWN_SHARE
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT_ANSWERS))


class Quarantine:
    """Notices a lane whose provider suddenly calls far more addresses dead than it used to. One a process.

    It may be asked from any thread.
    """

    def __init__(self) -> None:
        self._lanes: dict[int, _Lane] = {}
        self._lock = threading.Lock()

    def sentence(self, credential_id: int, answered: int, gone: int) -> str | None:
        """Why nobody of this group should be pruned, or None. Called once a group, before it prunes.

        `gone` of the group's `answered` addresses are dead, as the provider says. Small groups are added
        up, so that fewer than 50 devices are lost before this speaks.
        """
        with self._lock:
            return _judged(self._lanes.setdefault(credential_id, _Lane()), answered, gone)


def _judged(lane: _Lane, answered: int, gone: int) -> str | None:
    """What is far above the usual is no lesson for what is usual."""
    lane.recent.extend(_spread(answered, gone))
    dead, of = sum(lane.recent), len(lane.recent)
    if dead >= MANY_DEAD and dead >= of * max(HIGH_SHARE, JUMP * lane.usual):
        return (
            f"{dead} of the last {of} addresses were called dead ({dead / of:.1%}; usual is {lane.usual:.1%}). "
            "No device is removed until somebody has looked."
        )
    if answered:
        lane.usual += (gone / answered - lane.usual) * min(1.0, answered / SLOW_ANSWERS)
    return None


def _spread(answered: int, gone: int) -> Iterator[bool]:
    """The dead ones evenly among the others, of a group larger than is remembered only the last part."""
    for n in range(max(0, answered - RECENT_ANSWERS), answered):
        yield (n + 1) * gone // answered > n * gone // answered
