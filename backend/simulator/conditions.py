"""How it is at one host just now: its knobs, its dice, its clock."""

from collections.abc import Callable
from email.utils import formatdate

from backend.simulator.behaviour import Behaviour
from backend.simulator.dice import Dice
from backend.simulator.push import Refused
from backend.simulator.quota import Quota
from backend.simulator.wire import Host


class Conditions:
    """Made anew whenever a knob is turned. `clock` gives true epoch seconds."""

    def __init__(self, host: Host, behaviour: Behaviour, clock: Callable[[], float]) -> None:
        self.knobs = behaviour.at(host)
        self.dice = Dice(self.knobs)
        self._clock = clock
        self._up_at = clock() + self.knobs.down_seconds
        self._devices = Quota(self.knobs.device_per_minute)
        self._second, self._date = 0, ""

    def now(self) -> float:
        """Epoch seconds by the host's own clock."""
        return self._clock() + self.knobs.clock_skew_seconds

    def down_for(self) -> float:
        """Seconds until the host is up again."""
        return round(max(self._up_at - self._clock(), 0.0), 1)

    @property
    def date(self) -> str:
        """The `date` header (RFC 9110 5.6.7)."""
        second = int(self.now())
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date

    def retry_after(self, seconds: int) -> tuple[str, str]:
        """The header, in the form that the knobs ask for."""
        text = formatdate(self.now() + seconds, usegmt=True) if self.knobs.retry_after_dates else str(seconds)
        return "retry-after", text

    def draw_fault(self, service: str) -> None:
        """Raises `Refused` where the dice say so."""
        fault = self.dice.fault(service)
        if fault is not None:
            raise Refused(fault.status, fault.reason or str(fault.status), "a fault on demand", fault.retry_after)

    def has_room(self, device: str) -> bool:
        """Whether the device may get one more message in this minute."""
        return self._devices.take(device, self._clock())
