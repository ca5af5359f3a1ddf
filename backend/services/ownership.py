"""Whose a device is: signing in moves it to a known user, signing out to a fresh anonymous one."""

from typing import Any

from backend.db import Work
from backend.queries import audience, merging
from backend.queries.audience import UserValues
from backend.services import people


def sign_in(work: Work, device: Any, external_id: str) -> None:
    """Moves a device row to this user; an anonymous user left without any device is merged into them."""
    if device.external_id == external_id:
        return
    known = people.ensure_users(work, [external_id])[external_id]
    merges = audience.is_alone(work.session, device.user_id, besides=device.id)
    audience.change_device(work.session, device.id, user_id=known)
    if merges:
        _merge(work, device.user_id, known)


def sign_out(work: Work, device: Any) -> None:
    """Moves a device of a known user to a fresh anonymous one; an anonymous user's device stays."""
    if device.external_id is not None:
        audience.change_device(work.session, device.id, user_id=people.add_anonymous(work)[0])


def _merge(work: Work, anonymous: int, known: int) -> None:
    rows = {row.id: row for row in audience.users(work.session, work.app_id, [anonymous, known], lock=True)}
    older, newer = rows[anonymous], rows[known]
    merging.hand_over(work.session, anonymous, known)
    audience.write_users(work.session, [_joined(newer, older)])
    last = [at for at in (older.last_active, newer.last_active) if at is not None]
    audience.change_user(
        work.session, known,
        sessions=older.sessions + newer.sessions,
        first_seen=min(older.first_seen, newer.first_seen),
        last_active=max(last) if last else None,
        quiet_hours=newer.quiet_hours if newer.quiet_hours is not None else older.quiet_hours,
        paused_until=newer.paused_until if newer.paused_until is not None else older.paused_until,
    )  # fmt: skip
    audience.delete_user(work.session, anonymous)


def _joined(known: Any, anonymous: Any) -> UserValues:
    """The known user's profile, with the anonymous one's word where the known one has none."""
    place = known if known.latitude is not None else anonymous
    return UserValues(
        id=known.id,
        attributes={**anonymous.attributes, **known.attributes},
        language=known.language or anonymous.language,
        timezone=known.timezone or anonymous.timezone,
        country=known.country or anonymous.country,
        latitude=place.latitude,
        longitude=place.longitude,
    )
