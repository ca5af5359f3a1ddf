"""Every error that Tocsin expects, in one tree; the docstring is the sentence a person reads.

TocsinError
├── NotFound             404
├── NotAuthenticated     401
├── NotAllowed           403
├── Conflict             409
│   ├── WrongState
│   ├── StillRunning
│   ├── Overtaken
│   └── Stale             names what differs, and holds what is saved
├── Gone                 410
├── Invalid              422  names each wrong field
│   └── TemplateError         a template that cannot be filled in for this person
├── TooManyRequests      429  says when to come back
├── TooMuch              413
├── TooSlow              422  a question that somebody waits for
└── FencedOut            (inside dispatch only: another worker took the chunk over)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: its path in the body (`variants[0].content.title`) and what to do about it.

    `at` and `length` say where in the field's text the trouble is, in characters, where that is known.
    """

    field: str
    message: str
    at: int | None = None
    length: int | None = None


class TocsinError(Exception):
    """Something went wrong."""

    status = 500
    code = "error"

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        super().__init__(self.detail)


class NotFound(TocsinError):
    """There is nothing here by that name."""

    status, code = 404, "not_found"


class NotAuthenticated(TocsinError):
    """Sign in, or send a valid API key."""

    status, code = 401, "not_authenticated"


class NotAllowed(TocsinError):
    """Your role or key does not allow this."""

    status, code = 403, "not_allowed"


class Conflict(TocsinError):
    """This collides with what is already there."""

    status, code = 409, "conflict"


class WrongState(Conflict):
    """This cannot be done in the present state."""

    code = "wrong_state"

    def __init__(self, verb: str, state: str, allowed: Iterable[str]) -> None:
        names = ", ".join(allowed)
        super().__init__(f"Cannot {verb} while it is {state}; that works when it is {names}.")


class StillRunning(Conflict):
    """The first request with this Idempotency-Key is still running."""

    code = "still_running"


class Overtaken(Conflict):
    """Somebody else has changed the same at this moment; try again."""

    code = "overtaken"


class Stale(Conflict):
    """Somebody else has saved this since you opened it."""

    code = "stale"

    def __init__(
        self, errors: Sequence[FieldError] = (), version: int = 0, current: Mapping[str, Any] | None = None
    ) -> None:
        self.errors, self.version, self.current = list(errors), version, dict(current or {})
        super().__init__(f"{type(self).__doc__} Lay your changes over version {version}, then save again.")


class Gone(TocsinError):
    """This was here, and is no longer."""

    status, code = 410, "gone"


class Invalid(TocsinError):
    """Some fields need another value."""

    status, code = 422, "invalid"

    def __init__(self, errors: Sequence[FieldError] | str, message: str | None = None) -> None:
        self.errors = [FieldError(errors, message or "")] if isinstance(errors, str) else list(errors)
        super().__init__("; ".join(f"{e.field}: {e.message}" for e in self.errors[:5]))


class TemplateError(Invalid):
    """A template cannot be filled in."""

    code = "template_error"

    def __init__(self, field: str, message: str, at: int | None = None, length: int | None = None) -> None:
        super().__init__([FieldError(field, message, at, length)])
        self.field, self.message, self.at, self.length = field, message, at, length


class TooManyRequests(TocsinError):
    """Too many requests; wait a moment."""

    status, code = 429, "too_many_requests"

    def __init__(self, retry_after: int, detail: str | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooMuch(TocsinError):
    """The body is larger than is taken here."""

    status, code = 413, "too_much"


class TooSlow(TocsinError):
    """These rules take too long to count. Ask for fewer people or fewer days, or save them as they are."""

    status, code = 422, "too_slow"


class FencedOut(TocsinError):
    """Another worker has taken this chunk over; these results are not written."""

    status, code = 409, "fenced_out"
