"""Subscribers: the people who receive pushes, their devices, and what they did.

The rooms behind this door are small: `devices` and `imports` (over `registration`, `enrolment`,
`binding`, `ownership`), `people`, `events`, `privacy` and `identity`. Other services may knock here for any of their verbs.
"""

from backend.services.binding import webpush_key
from backend.services.devices import (
    DeviceRow,
    Registered,
    device_for,
    get_device,
    register_device,
    remove_device,
    update_device,
)
from backend.services.events import EventIn, EventsResult, record_events
from backend.services.identity import Speaker, check_device, check_names, person, shown_secret, speaker
from backend.services.imports import devices_batch, ephemeral_device, ephemeral_devices, forget_ephemeral
from backend.services.people import (
    BatchResult,
    NamedUserIn,
    UserIn,
    UserRow,
    ensure_user,
    ensure_users,
    put_user,
    users_batch,
)
from backend.services.privacy import Export, UserProfile, erase_user, export_user, get_user
from backend.services.registration import DeviceIn, DevicePatch

__all__ = [
    "BatchResult",
    "DeviceIn",
    "DevicePatch",
    "DeviceRow",
    "EventIn",
    "EventsResult",
    "Export",
    "NamedUserIn",
    "Registered",
    "Speaker",
    "UserIn",
    "UserProfile",
    "UserRow",
    "check_device",
    "check_names",
    "device_for",
    "devices_batch",
    "ensure_user",
    "ensure_users",
    "ephemeral_device",
    "ephemeral_devices",
    "erase_user",
    "export_user",
    "forget_ephemeral",
    "get_device",
    "get_user",
    "person",
    "put_user",
    "record_events",
    "register_device",
    "remove_device",
    "shown_secret",
    "speaker",
    "update_device",
    "users_batch",
    "webpush_key",
]
