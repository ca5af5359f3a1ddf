"""Actions begun anew when another transaction came in their way."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from sqlalchemy.exc import IntegrityError, OperationalError

from backend.errors import Overtaken

Given = ParamSpec("Given")
Result = TypeVar("Result")
TRIES: Final = 6
REST: Final = 0.01
"""Seconds before the second try; each one after it waits twice as long."""
PASSING: Final = frozenset({"40001", "40P01", "23503", "23505"})
"""PostgreSQL's codes: serialization failure, deadlock, a row that another has just removed, or just made."""


def anew(act: Callable[Given, Result]) -> Callable[Given, Result]:
    """For what opens one unit of work and does nothing outside it: two people told of at once may sign in on the same
    device while a third erases one of them. SQLite has one writer, so there it is never needed."""

    @wraps(act)
    def tried(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        for number in range(TRIES - 1):
            try:
                return act(*args, **kwargs)
            except (IntegrityError, OperationalError, Overtaken) as error:
                if not passes(error):
                    raise
            time.sleep(REST * 2**number)
        return act(*args, **kwargs)

    return tried


def passes(error: Exception) -> bool:
    """Whether it was only another transaction that came in the way."""
    return isinstance(error, Overtaken) or getattr(getattr(error, "orig", None), "sqlstate", None) in PASSING
