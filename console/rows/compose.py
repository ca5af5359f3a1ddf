"""What the composer shows of a campaign's definition, and how an edit goes back into it.

An edit changes only the fields that the composer knows: what a program has set beside them stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from console.rows.delivery_errors import (
    NO_RULE_ERRORS,
    NO_SCHEDULE_ERRORS,
    RuleErrors,
    ScheduleErrors,
    rule_error,
    schedule_error,
    sentence_of,
)

MAX_TEXT: Final = 10_000
MAX_BUTTONS: Final = 4
TEXTS: Final = ("title", "subtitle", "body")
LEVELS: Final = ("", "passive", "active", "time-sensitive", "critical")


@dataclass(frozen=True, slots=True)
class Button:
    """A button under the notification."""

    id: str = ""
    title: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """One wording in one language, as the form has it; `language` is empty for the default one."""

    language: str = ""
    title: str = ""
    subtitle: str = ""
    body: str = ""
    image: str = ""
    link: str = ""
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Extras:
    """Platform fields, in the form's own words; empty means the platform's default."""

    interruption_level: str = ""
    thread: str = ""
    badge: str = ""
    channel_id: str = ""
    color: str = ""
    visibility: str = ""
    require_interaction: bool = False
    urgency: str = ""
    ttl_hours: str = "24"
    collapse_key: str = ""
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Errors:
    """What is wrong with a field, in its place; `other` has what no field of the form is about."""

    name: str = ""
    title: str = ""
    subtitle: str = ""
    body: str = ""
    image: str = ""
    link: str = ""
    buttons: str = ""
    extras: str = ""
    schedule: ScheduleErrors = NO_SCHEDULE_ERRORS
    rules: RuleErrors = NO_RULE_ERRORS
    audience: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of a select."""

    value: str
    label: str


EXTRA_FIELDS: Final = {field.name for field in fields(Extras)}
_ERROR_FIELDS: Final = {field.name for field in fields(Errors)} - {"schedule", "rules"}
_ALIASES: Final = {
    "actions": "buttons",
    "include": "audience",
    "exclude": "audience",
    "unseen_days": "audience",
}


def draft_of(content: Mapping[str, Any], language: str = "") -> Draft:
    """The form for one language of a content."""
    layer = content.get("locales", {}).get(language, {}) if language else content
    buttons = (
        () if language else tuple(Button(a["id"], a["title"], a.get("link") or "") for a in content.get("actions", ()))
    )
    return Draft(
        language, *(layer.get(name) or "" for name in TEXTS), layer.get("image") or "", layer.get("link") or "", buttons
    )


def parse_draft(data: Any) -> Draft:
    """Reads what the browser sent; anything that is not a short text becomes empty."""
    data = data if isinstance(data, Mapping) else {}
    rows = data.get("buttons")
    buttons = [row for row in rows if isinstance(row, Mapping)][:MAX_BUTTONS] if isinstance(rows, list | tuple) else []
    return Draft(
        *(_text(data, name) for name in ("language", *TEXTS, "image", "link")),
        tuple(
            Button(_text(row, "id") or f"button_{n + 1}", _text(row, "title"), _text(row, "link"))
            for n, row in enumerate(buttons)
        ),
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def with_draft(content: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    """The content after an edit. An untitled button is still being written and is left out."""
    if draft.language:
        return _with_language(content, draft)
    actions = [_action(content, button) for button in draft.buttons if button.title.strip()]
    texts = {name: getattr(draft, name) for name in TEXTS}
    return {
        **content,
        **texts,
        "image": draft.image.strip() or None,
        "link": draft.link.strip() or None,
        "actions": actions,
    }


def _action(content: Mapping[str, Any], button: Button) -> dict[str, Any]:
    kept = next((action for action in content.get("actions", ()) if action["id"] == button.id), {})
    return {**kept, "id": button.id, "title": button.title, "link": button.link.strip() or None}


def _with_language(content: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    """In another language only what is said differently is kept; the rest comes from the default."""
    locales = dict(content.get("locales", {}))
    names = (*TEXTS, "image", "link")
    kept = {name: value for name, value in locales.get(draft.language, {}).items() if name not in names}
    locales[draft.language] = kept | {name: value for name in names if (value := getattr(draft, name).strip())}
    return {**content, "locales": locales}


def languages_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(content.get("locales", {})))


def without_language(content: Mapping[str, Any], language: str) -> dict[str, Any]:
    return {**content, "locales": {tag: layer for tag, layer in content.get("locales", {}).items() if tag != language}}


def new_button(draft: Draft) -> Draft:
    """With one more empty row, whose id none of the others has."""
    taken = {button.id for button in draft.buttons}
    number = next(n for n in range(1, MAX_BUTTONS + 2) if f"button_{n}" not in taken)
    return _replaced(draft, (*draft.buttons, Button(f"button_{number}"))[:MAX_BUTTONS])


def without_button(draft: Draft, button_id: str) -> Draft:
    return _replaced(draft, tuple(button for button in draft.buttons if button.id != button_id))


def _replaced(draft: Draft, buttons: tuple[Button, ...]) -> Draft:
    return Draft(draft.language, draft.title, draft.subtitle, draft.body, draft.image, draft.link, buttons)


def draft_json(draft: Draft, base: Draft | None = None) -> dict[str, Any]:
    """The draft as the browser holds it; `base` is what shows through where another language says nothing."""
    return asdict(draft) | {"base": asdict(base or Draft())}


def extras_of(content: Mapping[str, Any]) -> Extras:
    ios, android, web = (content.get(name) or {} for name in ("ios", "android", "web"))
    badge, ttl = content.get("badge"), content.get("ttl_seconds")
    return Extras(
        interruption_level=ios.get("interruption_level") or "",
        thread=content.get("thread") or "",
        badge="" if badge is None else str(badge),
        channel_id=android.get("channel_id") or "",
        color=android.get("color") or "",
        visibility=android.get("visibility") or "",
        require_interaction=bool(web.get("require_interaction")),
        urgency=web.get("urgency") or "",
        ttl_hours="24" if ttl is None else f"{ttl / 3600:g}",
        collapse_key=content.get("collapse_key") or "",
        silent=bool(content.get("silent")),
    )


def with_extra(content: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The content with one platform field changed. Raises `ValueError` for a number that is none."""
    text = str(value).strip() if not isinstance(value, bool) else ""
    if name == "interruption_level":
        return _platform(content, "ios", name, text or None)
    if name in ("channel_id", "color", "visibility"):
        return _platform(content, "android", name, text or None)
    if name in ("require_interaction", "urgency"):
        return _platform(content, "web", name, (value or None) if isinstance(value, bool) else text or None)
    if name == "badge":
        return {**content, "badge": int(text) if text else None}
    if name == "ttl_hours":
        return {**content, "ttl_seconds": round(float(text or "24") * 3600)}
    return {**content, name: value if isinstance(value, bool) else text or None}


def _platform(content: Mapping[str, Any], platform: str, name: str, value: Any) -> dict[str, Any]:
    layer = {key: kept for key, kept in (content.get(platform) or {}).items() if key != name}
    return {**content, platform: layer if value is None else {**layer, name: value}}


def errors_by_field(problems: Sequence[tuple[str, str]]) -> Errors:
    """Sorts the paths of a refused definition to the form's fields; the first of a field is shown."""
    found: dict[str, str] = {}
    schedule: dict[str, str] = {}
    rules: dict[str, str] = {}
    for path, message in problems:
        if place := schedule_error(path, message):
            schedule.setdefault(*place)
        elif place := rule_error(path, message):
            rules.setdefault(*place)
        else:
            name, said = _field(path), sentence_of(message)
            found.setdefault(name, said if name != "other" else f"{path}: {message}")
    return Errors(**found, schedule=ScheduleErrors(**schedule), rules=RuleErrors(**rules))


def _field(path: str) -> str:
    parts = [part.split("[")[0] for part in path.split(".")]
    for part in reversed(parts):
        name = _ALIASES.get(part, part)
        if name in _ERROR_FIELDS and "actions" not in parts:
            return name
        if name in EXTRA_FIELDS or name == "ttl_seconds":
            return "extras"
    return "buttons" if "actions" in parts else "other"
