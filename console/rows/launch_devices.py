"""A device behind a number of the pre-flight, in words."""

from dataclasses import dataclass
from datetime import datetime

from backend.services.preflight_devices import PreflightDevice
from console import routes, words
from console.rows.people import ANONYMOUS


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """Whose it is, with the way there; `until` is when a held one would get it."""

    id: str
    name: str
    href: str
    platform: str
    locale: str
    detail: str
    until: words.When


def device_line(one: PreflightDevice, zone: str, now: datetime) -> DeviceLine:
    return DeviceLine(
        id=one.device_id,
        name=one.user_id or ANONYMOUS,
        href=routes.person(one.person_id),
        platform=one.platform,
        locale=one.locale or "",
        detail=one.detail,
        until=words.when(one.until, zone, now),
    )
