"""What two people have written differently, in words and side by side."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from backend.domain import schedule_words
from backend.domain.three_way import ABSENT, Clash, Path, Side
from console import words

NOTHING: Final = "Nothing"
PLATFORM: Final = {"ios": "iOS", "android": "Android", "web": "Web"}
NAMES: Final = {
    "name": "Campaign name", "on_unknown": "Without an answer", "holdout_percent": "Hold out",
    "throttle_per_minute": "Send at most", "spread_minutes": "Spread over", "ignore_caps": "Send above the caps",
    "late": "Lateness", "actions": "Buttons", "ttl_seconds": "Keep trying for", "data": "Custom data",
    "template_id": "Template", "data_schema": "Required data", "variants": "Variants", "weight": "Share",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClashLine:
    """A field that both have changed; `key` names it to the server, `chosen` is whose value shall stand."""

    key: str
    label: str
    mine: str
    theirs: str
    chosen: str = ""


def clash_lines(clashes: Sequence[Clash], chosen: Mapping[Path, Side], variants: int) -> tuple[ClashLine, ...]:
    return tuple(
        ClashLine(
            key=json.dumps(one.path),
            label=label_of(one.path, variants),
            mine=value_words(one.path, one.mine),
            theirs=value_words(one.path, one.theirs),
            chosen=chosen.get(one.path, ""),
        )
        for one in clashes
    )


def decided(line: ClashLine, side: str) -> ClashLine:
    return replace(line, chosen=side)


def path_of(key: str) -> Path:
    """The path that a line's key names; no path for anything else."""
    try:
        parts = json.loads(key)
    except ValueError:
        return ()
    return tuple(str(part) for part in parts) if isinstance(parts, list) else ()


def label_of(path: Path, variants: int) -> str:
    """`Title on iOS in pl, variant B`."""
    if path[:1] != ("variants",) or len(path) < 3:
        where = f", variant {path[1]}" if len(path) == 2 else ""
        return (_name(path[0]) if len(path) != 2 else "Words") + where
    inner = [part for part in path[2:] if part != "content"]
    platform = next((PLATFORM[part] for part in inner if part in PLATFORM), "")
    language = inner[inner.index("locales") + 1] if "locales" in inner[:-1] else ""
    plain = [part for part in inner if part not in (*PLATFORM, "locales", language)]
    label = " ".join([_name(plain[0]), *plain[1:]]) if plain else "Words"
    label += f" on {platform}" if platform else ""
    label += f" in {language}" if language else ""
    return label + (f", variant {path[1]}" if variants > 1 else "")


def _name(part: str) -> str:
    return NAMES.get(part, part.replace("_", " ").capitalize())


def value_words(path: Path, value: Any) -> str:
    """A value as a person reads it."""
    if value is ABSENT or value in (None, "", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return " · ".join(str(one.get("title") or one.get("name") or "") for one in value)
    return _map_words(path[-1], value) if isinstance(value, Mapping) else str(value)


def _map_words(name: str, value: Mapping[str, Any]) -> str:
    if name == "schedule":
        return schedule_words.in_words(value)
    if name == "data_schema":
        return ", ".join(value.get("properties") or ()) or "Anything"
    return _audience(value) if name == "audience" else _map(value)


def _audience(audience: Mapping[str, Any]) -> str:
    if topics := audience.get("topics"):
        return f"Topics: {', '.join(topics)}"
    whom = (
        "Everyone"
        if audience["everyone"]
        else words.plural(len(audience["include"]), "segment or list", "segments or lists")
    )
    out = f", {len(audience['exclude'])} left out" if audience["exclude"] else ""
    unseen = f", seen in the last {audience['unseen_days']} days" if audience["unseen_days"] else ""
    return whom + out + unseen


def _map(value: Mapping[str, Any]) -> str:
    """The words of a variant or a language by their names; nothing of what is not said."""
    words_of = value.get("content") if isinstance(value.get("content"), Mapping) else value
    said = [f"{_name(name)}: {part}" for name, part in words_of.items() if isinstance(part, str | int) and part != ""]
    return "\n".join(said[:8]) or NOTHING


def news(paths: Sequence[Path], variants: int) -> tuple[str, ...]:
    """What somebody else has changed, each field once."""
    return tuple(dict.fromkeys(label_of(path, variants) for path in paths))
