"""What a pre-flight has found, each with the place where it is mended."""

import re
from dataclasses import dataclass
from typing import Final

from backend.services.preflight_checks import Problem
from console import routes, theme, words
from console.rows.steps import step_of

FIELDS: Final = {
    "title": "Title", "subtitle": "Subtitle", "body": "Text", "image": "Image", "link": "Link", "data": "Custom data",
    "locales": "Languages", "actions": "Buttons", "content": "Message", "collapse_key": "Collapse key",
    "audience": "Audience", "category": "Category", "schedule": "Schedule", "not_after": "Last moment",
    "throttle_per_minute": "Speed", "quiet_hours": "Quiet hours", "ignore_caps": "Caps", "conversion": "Conversion",
    "credentials": "Credential", "template_id": "Template", "name": "Name", "variants": "Variants",
}  # fmt: skip
"""What the fields of a campaign are called; of a path the last known one counts."""
_BY_API_ALONE: Final = frozenset({"conversion"})
"""No step has a field for it."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to look at: where (`step` opens it, or `href` leads there), what, and of how many devices.

    `outcome` opens these devices.
    """

    place: str
    message: str
    tone: str
    count: str = ""
    step: str = ""
    href: str = ""
    outcome: str = ""


def remark(found: Problem) -> Remark:
    """A red one stands in the way of the launch, an amber one wants a look."""
    lane = found.field.removeprefix("credentials.") if found.field.startswith("credentials.") else ""
    return Remark(
        place=_place(found.field),
        message=found.message,
        tone=theme.BAD if found.blocking else theme.CARE,
        count=words.plural(found.devices, "device") if found.devices else "",
        step="" if lane or found.field in _BY_API_ALONE else step_of(found.field),
        href=routes.health(open=lane) if lane else "",
        outcome=found.reason or "",
    )


def _place(path: str) -> str:
    known = [FIELDS[part] for part in re.split(r"[.\[\]]+", path) if part in FIELDS]
    return known[-1] if known else "Campaign"
