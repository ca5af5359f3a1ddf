"""Two people at one campaign: what of their edits goes together, and what somebody has to decide."""

from collections.abc import Mapping
from typing import Any, Final

from backend.domain import three_way
from backend.domain.three_way import Merged, Path, Side

WHOLE: Final = frozenset({"audience", "schedule", "late", "conversion", "actions", "light", "data_schema"})
"""Fields whose parts hang together: half of one person's audience and half of another's is nobody's."""
DIFFERS: Final = "differs from what has been saved since"


def merge(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any], chosen: Mapping[Path, Side]
) -> Merged:
    """My definition and theirs, both made from `base`, as one; `chosen` says who wins where they clash."""
    return three_way.merge(base, mine, theirs, chosen=chosen, whole=_hangs_together)


def differing(theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> list[Path]:
    """Where my definition says something else than the one that is saved."""
    return three_way.differences(mine, theirs, whole=_hangs_together)


def field_of(path: Path, definition: Mapping[str, Any]) -> str:
    """A path as the API names fields: `variants[1].content.title`."""
    if path[:1] != ("variants",) or len(path) == 1:
        return ".".join(path)
    names = [variant["name"] for variant in definition["variants"]]
    at = names.index(path[1]) if path[1] in names else len(names)
    return ".".join([f"variants[{at}]", *path[2:]])


def _hangs_together(path: Path, _base: Any, mine: Any, theirs: Any) -> bool:
    """A variant says its own words or a template's: one side's template and the other's words do not mix."""
    if path[-1:] and path[-1] in WHOLE:
        return True
    a_variant = len(path) == 2 and path[0] == "variants"
    return a_variant and _template(mine) != _template(theirs)


def _template(variant: Any) -> Any:
    return variant.get("template_id") if isinstance(variant, Mapping) else None
