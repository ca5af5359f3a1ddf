"""Two edits of the same document laid together: what only one side changed is taken, what both changed is a clash.

A document is what JSON can say. Maps are compared name by name; a list whose every entry has a name of its own
(`name`) is compared entry by entry as well, any other list as a whole.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Final

Path = tuple[str, ...]
Whole = Callable[[Path, Any, Any, Any], bool]


class Side(StrEnum):
    """Whose value stands."""

    MINE = "mine"
    THEIRS = "theirs"


class Absent(Enum):
    """There is no such field on this side: something other than null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
_NEITHER: Final = object()
"""A base from which two sides differ wherever they differ from one another."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that both sides have changed, each otherwise. An entry of a list is named in the path by its name."""

    path: Path
    mine: Any
    theirs: Any


@dataclass(frozen=True, slots=True)
class Merged:
    """The document with the changes of both; where they clash and nothing is chosen, mine stands."""

    value: Any
    clashes: tuple[Clash, ...]


def merge(
    base: Any, mine: Any, theirs: Any, *, chosen: Mapping[Path, Side] | None = None, whole: Whole | None = None
) -> Merged:
    """Lays `mine` and `theirs`, both made from `base`, together. `chosen` settles clashes by their path.

    `whole(path, base, mine, theirs)` says where nothing below may be mixed: it is taken from one side or the other.
    """
    laid = _Merge(chosen or {}, whole or _nowhere, ABSENT)
    value = laid.lay((), base, mine, theirs)
    return Merged(value, tuple(laid.clashes))


def differences(one: Any, other: Any, *, whole: Whole | None = None) -> list[Path]:
    """The paths at which two documents say something else, as finely as `merge` would tell them apart."""
    laid = _Merge({}, whole or _nowhere, _NEITHER)
    laid.lay((), _NEITHER, one, other)
    return [clash.path for clash in laid.clashes]


class _Merge:
    """One walk; the clashes are gathered on the way."""

    def __init__(self, chosen: Mapping[Path, Side], whole: Whole, missing: object) -> None:
        self._chosen, self._whole, self._missing = chosen, whole, missing
        self.clashes: list[Clash] = []

    def lay(self, path: Path, base: Any, mine: Any, theirs: Any) -> Any:
        if theirs in (mine, base):
            return mine
        if mine == base:
            return theirs
        if not self._whole(path, base, mine, theirs):
            if _maps(mine, theirs):
                return self._lay_maps(path, base if isinstance(base, Mapping) else {}, mine, theirs)
            if _named(mine) and _named(theirs):
                return self._lay_lists(path, base if _named(base) else [], mine, theirs)
        return self._settle(path, mine, theirs)

    def _lay_maps(
        self, path: Path, base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]
    ) -> dict[str, Any]:
        laid = {
            name: self.lay(
                (*path, name), base.get(name, self._missing), mine.get(name, ABSENT), theirs.get(name, ABSENT)
            )
            for name in dict.fromkeys([*theirs, *mine])
        }
        return {name: value for name, value in laid.items() if value is not ABSENT}

    def _lay_lists(self, path: Path, base: list[Any], mine: list[Any], theirs: list[Any]) -> list[Any]:
        """Entry by entry; in my order where I have changed it, else in theirs, with the other side's new ones last."""
        sides = [{entry["name"]: entry for entry in side} for side in (base, mine, theirs)]
        laid = self._lay_maps(path, *sides)
        before, ours, _ = (list(side) for side in sides)
        order = [*theirs, *mine] if ours == before else [*mine, *theirs]
        return [laid[name] for name in dict.fromkeys(entry["name"] for entry in order) if name in laid]

    def _settle(self, path: Path, mine: Any, theirs: Any) -> Any:
        side = self._chosen.get(path)
        if side is None:
            self.clashes.append(Clash(path, mine, theirs))
        return theirs if side is Side.THEIRS else mine


def _maps(*values: Any) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def _named(value: Any) -> bool:
    """Whether it is a list of entries that each have a name of their own."""
    if not isinstance(value, list) or not value:
        return False
    names = [entry.get("name") if isinstance(entry, Mapping) else None for entry in value]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _nowhere(_path: Path, _base: Any, _mine: Any, _theirs: Any) -> bool:
    return False
