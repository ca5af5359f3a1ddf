"""What the three providers have in common: check, hinder, count, answer."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar

from backend.domain.vocabulary import ProviderName
from backend.simulator import control
from backend.simulator.push import Push, Refused
from backend.simulator.wire import Ending, Reply, Request
from backend.simulator.world import World


class ProviderSession(ABC):
    """One client's connection to one provider."""

    provider: ClassVar[ProviderName]
    streams = 100

    def __init__(self, world: World) -> None:
        self.world = world
        self._served = 0

    def answer(self, request: Request) -> Reply:
        if request.path.startswith(control.PREFIX):
            return control.answer(self.world, request)
        self._served += 1
        reply = self.aside(request) or self._judge(request)
        behaviour = self.world.behaviour
        goaway = 0 < behaviour.goaway_every <= self._served
        if goaway or behaviour.latency_ms:
            return replace(reply, goaway=goaway, delay=behaviour.latency_ms / 1000)
        return reply

    def aside(self, request: Request) -> Reply | None:
        """An answer to what is not a push, or None."""
        return None

    def _judge(self, request: Request) -> Reply:
        world = self.world
        if world.dice.refuses():
            return Reply(0, ending=Ending.REFUSE)
        try:
            push = self.check(request)
            if not push.dry:
                world.hinder(self.provider, push)
        except Refused as refused:
            world.refuse(self.provider, refused)
            return self.refusal(request, refused)
        welcome = self.welcome(request, push)
        if push.dry:
            return welcome
        world.accept(self.provider, push)
        ending = world.dice.ending()
        return welcome if ending is Ending.ANSWER else replace(welcome, ending=ending)

    @abstractmethod
    def check(self, request: Request) -> Push:
        """Every rule of the provider. Raises `Refused`."""

    @abstractmethod
    def welcome(self, request: Request, push: Push) -> Reply:
        """The provider's answer to an accepted push."""

    @abstractmethod
    def refusal(self, request: Request, refused: Refused) -> Reply:
        """The provider's answer to a refused one, exactly as its documents give it."""
