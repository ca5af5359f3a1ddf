"""Adding a channel to an app: what has been done for each platform, seen in what has arrived."""

from dataclasses import dataclass
from datetime import datetime

from backend.db import Work
from backend.domain.vocabulary import Platform
from backend.queries import channels as queries
from backend.services.registration import PROVIDERS

LATEST = 20


@dataclass(frozen=True, slots=True)
class Channel:
    """A platform's way from credential to receipt. The last two look at the twenty devices that registered last."""

    platform: Platform
    credential: bool
    device: bool
    accepted: bool
    receipt: bool
    last_registered: datetime | None


def progress(work: Work) -> tuple[Channel, ...]:
    """How far each platform has come."""
    providers = queries.providers(work.session, work.app_id)
    return tuple(_channel(work, platform, providers) for platform in Platform)


def _channel(work: Work, platform: Platform, providers: set[str]) -> Channel:
    devices = queries.latest_devices(work.session, work.app_id, platform, LATEST)
    accepted, receipt = queries.reached(work.session, devices) if devices else (False, False)
    last = max((row.registered_at for row in devices), default=None)
    return Channel(platform, bool(providers & {*PROVIDERS[platform]}), bool(devices), accepted, receipt, last)
