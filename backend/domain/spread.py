"""Sends spread over minutes, away from those in which everybody else sends.

FCM asks senders to stay clear of two minutes either side of :00, :15, :30 and :45
(firebase.google.com/docs/cloud-messaging/scale-fcm).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.domain.experiment import SLOTS, Salted, salted, slot

QUARTER, BUSY = 15, 2
AFTER_QUIET = 30
"""Minutes over which those who were held through quiet hours are spread."""
_QUIET_SALT = salted("quiet")


def calm_minutes(start: datetime, minutes: int) -> tuple[int, ...]:
    """The minutes after `start`, of so many, that are not busy ones; all of them when all are busy."""
    first = start.minute
    calm = tuple(m for m in range(minutes) if BUSY < (first + m) % QUARTER < QUARTER - BUSY)
    return calm or tuple(range(max(minutes, 1)))


def place(bucket: int, salt: Salted, minutes: Sequence[int]) -> int:
    """The minute of these that is a person's, by the person's stored bucket."""
    return minutes[slot(bucket, salt) * len(minutes) // SLOTS]


def campaign_salt(campaign_id: int) -> Salted:
    """A campaign finds a person in the same minute of its spread each time."""
    return salted(f"spread:{campaign_id}")


def after_quiet(end: datetime, bucket: int) -> datetime:
    """When a person who was held until `end` is due: always the same minute for the same person."""
    return end + timedelta(minutes=place(bucket, _QUIET_SALT, calm_minutes(end, AFTER_QUIET)))
