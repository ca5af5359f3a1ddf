"""A text in which shared blocks have taken the place of their names, and how it was written before."""

from typing import NamedTuple


class Inset(NamedTuple):
    """A block's text: from where to where it stands now, and where its name stood."""

    start: int
    end: int
    written_start: int
    written_end: int


class Composed(str):
    """The text as it is filled in; `insets`, in order, are what was put into it."""

    __slots__ = ("insets",)
    insets: tuple[Inset, ...]

    def __new__(cls, text: str, insets: tuple[Inset, ...]) -> "Composed":
        made = super().__new__(cls, text)
        made.insets = insets
        return made


def written(text: str, at: int | None, length: int | None) -> tuple[int | None, int | None]:
    """Where a part of the text stands in what its author wrote; what is of a block stands where its name does."""
    if at is None or length is None or not isinstance(text, Composed):
        return at, length
    start, end = _written(text, at)[0], _written(text, at + max(length - 1, 0))[1]
    return start, end - start


def _written(text: Composed, at: int) -> tuple[int, int]:
    moved = 0
    for inset in text.insets:
        if at < inset.start:
            break
        if at < inset.end:
            return inset.written_start, inset.written_end
        moved = inset.written_end - inset.end
    return at + moved, at + moved + 1
