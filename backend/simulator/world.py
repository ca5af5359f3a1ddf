"""What the three servers share."""

import time
from collections.abc import Callable
from typing import Any

from backend.domain.vocabulary import ProviderName
from backend.simulator.authority import PROJECT, Authority
from backend.simulator.behaviour import Behaviour, Dice
from backend.simulator.ledger import Ledger, Refusal
from backend.simulator.people import People
from backend.simulator.push import Push, Refused
from backend.simulator.quota import Quota


class World:
    """The authority, the book, the people and the faults. `clock` gives epoch seconds."""

    def __init__(
        self,
        authority: Authority,
        people: People,
        behaviour: Behaviour | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.authority, self.people, self.clock = authority, people, clock
        self.ledger = Ledger()
        self.behave(behaviour or Behaviour())

    def behave(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.dice = Dice(behaviour)
        self.people.seed, self.people.slowness = behaviour.seed, behaviour.receipt_slowness
        self._project = Quota(behaviour.fcm_per_minute)
        self._devices = Quota(behaviour.device_per_minute)

    def reset(self) -> None:
        """Forgets everything that happened; the behaviour stays."""
        self.ledger = Ledger()
        self.people.reset()

    def hinder(self, provider: ProviderName, push: Push) -> None:
        """Raises `Refused` where a fault is drawn or a limit is reached."""
        fault = self.dice.fault(provider)
        if fault is not None:
            raise Refused(fault.status, fault.reason or str(fault.status), "a fault on demand", fault.retry_after)
        if provider is ProviderName.FCM and not self._project.take(PROJECT, self.clock()):
            raise Refused(429, "QUOTA_EXCEEDED", "the project's messages of this minute are used up", 60)
        if provider is not ProviderName.WEBPUSH and not self._devices.take(push.target, self.clock()):
            reason = "TooManyRequests" if provider is ProviderName.APNS else "QUOTA_EXCEEDED"
            raise Refused(429, reason, "the device's messages of this minute are used up")

    def accept(self, provider: ProviderName, push: Push) -> None:
        """Counts a push; a repeat replaces its twin on the screen, so people react to the first only."""
        if self.ledger.accept(provider, push.target, push.m):
            self.people.react(push)

    def refuse(self, service: str, refused: Refused) -> None:
        self.ledger.refuse(Refusal(service, refused.status, refused.reason, refused.detail))

    def stats(self) -> dict[str, Any]:
        return self.ledger.stats() | {"people": self.people.stats()}
