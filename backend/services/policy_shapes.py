"""Quiet-hour windows and frequency caps as they are given and as they are kept: one text for one meaning."""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from backend.domain import quiet
from backend.domain.caps import CapKind

MAX_WINDOWS: Final = 14
MAX_CAPS: Final = 10
MAX_PUSHES: Final = 1000
MAX_HOURS: Final = 24 * 90
MAX_GAP: Final = 60 * 24 * 90

Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _in_order(days: tuple[Weekday, ...] | None) -> tuple[Weekday, ...] | None:
    """Each day once, from Monday on; every day of the week is the same as none named."""
    named = set(days or ())
    return None if len(named) == 7 else tuple(day for day in quiet.WEEKDAYS if day in named) or None


Days = Annotated[tuple[Weekday, ...] | None, AfterValidator(_in_order)]


class WindowIn(BaseModel):
    """Quiet from `start` to `end` by the wall clock, past midnight if `end` is earlier, on the nights that begin on
    one of `days` (every day when there are none). One that ends when it starts is never quiet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: Clock
    end: Clock
    days: Days = Field(None, description="The days on which it begins, such as `mon`; every day when absent.")


class CapIn(BaseModel):
    """`rolling`: `pushes` in any `hours` · `daily`: `pushes` in a calendar day of the person's · `gap`: `minutes`
    between two pushes at least."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: CapKind
    pushes: int | None = Field(None, ge=1, le=MAX_PUSHES)
    hours: int | None = Field(None, ge=1, le=MAX_HOURS)
    minutes: int | None = Field(None, ge=1, le=MAX_GAP)

    @model_validator(mode="after")
    def _whole(self) -> "CapIn":
        needs = _NEEDS[self.kind]
        given = {name for name in ("pushes", "hours", "minutes") if getattr(self, name) is not None}
        if given != needs:
            raise ValueError(f"a {self.kind} cap has {' and '.join(sorted(needs, reverse=True))}, and nothing else")
        return self


_NEEDS: Final = {
    CapKind.ROLLING: {"pushes", "hours"},
    CapKind.DAILY: {"pushes"},
    CapKind.GAP: {"minutes"},
}

Windows = Annotated[list[WindowIn], Field(max_length=MAX_WINDOWS)]
Caps = Annotated[list[CapIn], Field(max_length=MAX_CAPS)]


def kept_windows(given: Iterable[WindowIn]) -> list[dict[str, Any]]:
    """As `app.quiet_hours` keeps them: in order, each once, `days` only where they are not all."""
    unique = {(one.start, one.end, one.days): one.model_dump(mode="json", exclude_none=True) for one in given}
    return [unique[key] for key in sorted(unique, key=lambda key: (key[0], key[1], key[2] or ()))]


def kept_caps(given: Iterable[CapIn]) -> list[dict[str, Any]]:
    """As `app.caps` and `category.caps` keep them: rolling, daily, gap, each once."""
    unique = {tuple(sorted(row.items())): row for one in given for row in [_row(one)]}
    order = list(CapKind)
    return sorted(unique.values(), key=lambda row: (order.index(CapKind(row["kind"])), *_amounts(row)))


def _row(cap: CapIn) -> dict[str, Any]:
    return cap.model_dump(mode="json", exclude_none=True)


def _amounts(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(row.get(name, 0) for name in ("hours", "pushes", "minutes"))
