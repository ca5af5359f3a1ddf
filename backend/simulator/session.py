"""What the providers have in common: check, hinder, count, answer."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar

from backend.domain.vocabulary import ProviderName
from backend.simulator import control
from backend.simulator.conditions import Conditions
from backend.simulator.push import Push, Refused
from backend.simulator.wire import Ending, Goaway, Host, Reply, Request
from backend.simulator.world import World


class ControlSession:
    """A connection to the control host."""

    streams = 100

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def date(self) -> str:
        return self._world.at[Host.CONTROL].date

    def answer(self, request: Request) -> Reply:
        return control.answer(self._world, request)


class ProviderSession(ABC):
    """One client's connection to one provider."""

    provider: ClassVar[ProviderName]

    def __init__(self, world: World, host: Host, streams: int = 100) -> None:
        self.world, self.host = world, host
        self._served = 0
        self.streams = self.here.knobs.streams or streams
        world.ledger.connections[host] += 1

    @property
    def here(self) -> Conditions:
        return self.world.at[self.host]

    @property
    def date(self) -> str:
        return self.here.date

    def answer(self, request: Request) -> Reply:
        if request.path.startswith(control.PREFIX):
            return control.answer(self.world, request)
        self._served += 1
        reply = self.aside(request) or self._judge(request)
        here = self.here
        delay, every = here.dice.delay(), here.knobs.goaway_every
        if not 0 < every <= self._served:
            return replace(reply, delay=delay) if delay else reply
        way = Goaway.GRACEFUL if here.knobs.goaway_graceful else Goaway.NOW
        return replace(reply, delay=delay, goaway=way)

    def aside(self, request: Request) -> Reply | None:
        """An answer to what is no business of this provider's own, or None."""
        return None

    def _judge(self, request: Request) -> Reply:
        early = self.here.dice.early()
        if early is not None:
            return self._end(Reply(0), early)
        try:
            return self.serve(request)
        except Refused as refused:
            self.world.refuse(self.service(request), refused)
            return self.refusal(request, refused)

    def service(self, request: Request) -> str:
        """Under which name a refusal is booked."""
        return self.provider.value

    def serve(self, request: Request) -> Reply:
        """The answer to a good request. Raises `Refused`."""
        world = self.world
        push = self.check(request)
        if push.dry:
            return self.welcome(request, push)
        world.hinder(self.host, self.provider, push)
        world.accept(self.host, self.provider, push)
        return self.done(self.welcome(request, push))

    def done(self, reply: Reply) -> Reply:
        """The answer to what has been done, unless it gets lost."""
        ending = self.here.dice.ending()
        return reply if ending is Ending.ANSWER else self._end(reply, ending)

    def _end(self, reply: Reply, ending: Ending) -> Reply:
        self.world.ledger.endings[ending] += 1
        return replace(reply, ending=ending)

    def wait_header(self, refused: Refused) -> tuple[tuple[str, str], ...]:
        """`retry-after`, where the refusal has one."""
        return () if refused.retry_after is None else (self.here.retry_after(refused.retry_after),)

    @abstractmethod
    def check(self, request: Request) -> Push:
        """Every rule of the provider. Raises `Refused`."""

    @abstractmethod
    def welcome(self, request: Request, push: Push) -> Reply:
        """The provider's answer to an accepted push."""

    @abstractmethod
    def refusal(self, request: Request, refused: Refused) -> Reply:
        """The provider's answer to a refused one, exactly as its documents give it."""
