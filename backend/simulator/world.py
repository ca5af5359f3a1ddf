"""What the servers share."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from backend.domain.vocabulary import ProviderName
from backend.simulator.authority import PROJECT, Authority
from backend.simulator.behaviour import HOSTS, Behaviour
from backend.simulator.conditions import Conditions
from backend.simulator.ledger import Ledger, Refusal
from backend.simulator.people import People
from backend.simulator.push import Push, Refused
from backend.simulator.quota import Quota
from backend.simulator.subscriptions import Subscriptions
from backend.simulator.wire import Host

_TOO_MANY = {ProviderName.APNS: "TooManyRequests", ProviderName.FCM: "QUOTA_EXCEEDED", ProviderName.WEBPUSH: "429"}


class World:
    """The authority, the book, the people, the topics and the faults. `clock` gives epoch seconds.

    `on_change` are called whenever a knob has been turned.
    """

    def __init__(
        self,
        authority: Authority,
        people: People,
        behaviour: Behaviour | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.authority, self.people, self.clock = authority, people, clock
        self.ledger = Ledger()
        self.topics = Subscriptions(authority.directory)
        self.on_change: list[Callable[[], None]] = []
        self.behave(behaviour or Behaviour())

    def behave(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.at: Mapping[Host, Conditions] = {host: Conditions(host, behaviour, self.clock) for host in Host}
        self.people.seed, self.people.slowness = behaviour.seed, behaviour.receipt_slowness
        self._project = Quota(behaviour.fcm_per_minute)
        for changed in self.on_change:
            changed()

    def reset(self) -> None:
        """Forgets everything that happened; the behaviour and the topics that devices subscribe to stay."""
        self.ledger = Ledger()
        self.people.reset()

    def hinder(self, host: Host, provider: ProviderName, push: Push) -> None:
        """Raises `Refused` where a fault is drawn or a limit is reached."""
        conditions = self.at[host]
        conditions.draw_fault(host)
        if provider is ProviderName.FCM and not self._project.take(PROJECT, self.clock()):
            raise Refused(429, "QUOTA_EXCEEDED", "the project's messages of this minute are used up", 60)
        if not conditions.has_room(push.target):
            raise Refused(429, _TOO_MANY[provider], "the device's messages of this minute are used up")

    def accept(self, host: Host, provider: ProviderName, push: Push) -> None:
        """Counts a push; a repeat replaces its twin on the screen, so people react to the first only."""
        if self.ledger.accept(host, provider, push) and push.heard:
            self.people.react(push)

    def turn_away(self, host: Host) -> None:
        self.ledger.turned_away[host] += 1

    def refuse(self, service: str, refused: Refused) -> None:
        self.ledger.refuse(Refusal(service, refused.status, refused.reason, refused.detail))

    def stats(self) -> dict[str, Any]:
        down = {host.value: left for host in HOSTS if (left := self.at[host].down_for())}
        return self.ledger.stats() | {"down": down, "topics": self.topics.sizes(), "people": self.people.stats()}
