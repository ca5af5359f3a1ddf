"""One push, rendered for one device, before any provider's spelling of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.domain.vocabulary import AddressKind, Environment, Platform, Priority, ProviderName


@dataclass(frozen=True, slots=True)
class Action:
    """A button under the notification."""

    id: str
    title: str
    link: str | None = None
    icon: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What one device is told.

    `options` holds the platform's own fields (`ios`, `android` or `web` of the campaign, already
    resolved for the device's locale) under the names of the campaign JSON. `m` and `t` identify and
    prove the delivery; `identity` (<= 32 URL-safe characters) makes a repeat replace its twin on the
    screen unless `collapse_key` takes its place. `expires_at` is aware UTC. A topic reaches every platform
    by one body: its message is Android's, and `others` are those for iOS and the web.
    """

    platform: Platform
    m: str
    t: str
    identity: str
    expires_at: datetime
    ttl_seconds: int
    title: str = ""
    subtitle: str = ""
    body: str = ""
    image: str | None = None
    link: str | None = None
    actions: tuple[Action, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    badge: int | None = None
    sound: str | None = None
    silent: bool = False
    collapse_key: str | None = None
    thread: str | None = None
    priority: Priority = Priority.NORMAL
    locale: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    others: tuple["Message", ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """Where a push goes. `value` is a token, a Firebase installation id, a Web Push endpoint or a topic's name."""

    provider: ProviderName
    kind: AddressKind
    value: str
    environment: Environment = Environment.PRODUCTION
    p256dh: str = ""
    auth: str = ""
