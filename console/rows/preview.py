"""A rendered push as the previews draw it."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.services.preflight import Preview
from console import words
from console.rows.deliveries import PLATFORM_WORD


@dataclass(frozen=True, slots=True)
class Shown:
    """What one platform shows. `size` is of the exact body, beside the most that the provider takes."""

    title: str = ""
    subtitle: str = ""
    body: str = ""
    image: str = ""
    buttons: tuple[str, ...] = ()
    urgent: bool = False
    size: str = ""
    full: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """All three platforms, for one person. Without a person the texts are shown as typed."""

    person: str = ""
    ios: Shown = Shown()
    android: Shown = Shown()
    web: Shown = Shown()
    problem: str = ""
    sizes: str = ""


NOBODY = Rendered()


def rendered(person: str, previews: Mapping[str, Preview]) -> Rendered:
    """The previews by platform name, in words."""
    made = {name: _shown(preview) for name, preview in previews.items()}
    problem = next((one.problem for one in made.values() if one.problem), "") if person else ""
    return Rendered(person, made["ios"], made["android"], made["web"], problem, _sizes(previews))


def _shown(preview: Preview) -> Shown:
    problem = "; ".join(f"{one.field}: {one.message}" for one in preview.problems)
    if preview.message is None:
        return Shown(problem=problem)
    message = preview.message
    return Shown(
        title=message.title,
        subtitle=message.subtitle,
        body=message.body,
        image=message.image or "",
        buttons=tuple(action.title for action in message.actions),
        urgent=message.options.get("interruption_level") in ("time-sensitive", "critical"),
        size=words.compact(preview.bytes),
        full=round(100 * preview.bytes / preview.limit, 1),
        problem=problem,
    )


def _sizes(previews: Mapping[str, Preview]) -> str:
    """`iOS 412 B · Android 380 B · Web 301 B`, of what can be rendered."""
    return " · ".join(
        f"{PLATFORM_WORD[name]} {words.compact(one.bytes)} of {words.compact(one.limit)}"
        for name, one in previews.items()
        if one.bytes
    )
