"""What event campaigns should send, in plain Python and by another road than the product: arrivals and ticks replayed."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
FIRST, DAYS = datetime(2026, 10, 20, tzinfo=UTC), 14


@dataclass(frozen=True)
class Told:
    """One telling of an event."""

    id: str
    name: str
    user: str
    at: datetime
    properties: dict[str, Any]
    device_zone: str | None
    user_zone: str | None


@dataclass
class Firing:
    """One campaign, one event."""

    order: int
    told: Told
    due: datetime
    state: str = "waiting"


@dataclass
class Listener:
    """An event campaign from `since` on."""

    schedule: dict[str, Any]
    late: dict[str, Any] | None
    since: datetime
    firings: list[Firing] = field(default_factory=list)


def same(a: Any, b: Any) -> bool:
    """The same value of the same JSON type."""
    kinds = [bool if isinstance(one, bool) else float if isinstance(one, int | float) else type(one) for one in (a, b)]
    return kinds[0] is kinds[1] and a == b


def matches(where: dict[str, Any], properties: dict[str, Any]) -> bool:
    return all(name in properties and same(value, properties[name]) for name, value in where.items())


@cache
def showings(zone: str, wall: str) -> list[datetime]:
    """Every instant at which a clock there begins to show this time of day, by looking at it each minute. A clock
    that goes back shows it twice, which counts once."""
    there, found, seen = ZoneInfo(zone), [], set()
    for minutes in range(DAYS * 24 * 60):
        at = FIRST + minutes * MINUTE
        local = at.astimezone(there)
        if f"{local:%H:%M}" == wall and local.date() not in seen:
            seen.add(local.date())
            found.append(at)
    return found


class Oracle:
    """Knows all events ever told, and decides like a careful clerk: person by person, in order."""

    def __init__(self, listeners: dict[str, Listener], app_zone: str) -> None:
        self.listeners, self.app_zone = listeners, app_zone
        self.known: set[str] = set()
        self.deeds: dict[tuple[str, str], list[Told]] = {}

    def tell(self, batch: list[Told]) -> None:
        for told in sorted(batch, key=lambda one: one.id):
            if told.id in self.known:
                continue
            self.known.add(told.id)
            self.deeds.setdefault((told.user, told.name), []).append(told)
            for listener in self.listeners.values():
                wanted = listener.schedule
                if (
                    told.name == wanted["event"]
                    and told.at >= listener.since
                    and matches(wanted["where"], told.properties)
                ):
                    listener.firings.append(Firing(len(self.known), told, self.due(told, wanted)))

    def due(self, told: Told, schedule: dict[str, Any]) -> datetime:
        ready = told.at + timedelta(seconds=schedule["delay_seconds"])
        if schedule["wall"] is None:
            return ready
        found = showings(told.device_zone or told.user_zone or self.app_zone, schedule["wall"])
        return found[bisect_left(found, ready)]

    def tick(self, now: datetime) -> int:
        """How many firings were decided."""
        return sum(self._tick(listener, now) for listener in self.listeners.values())

    def _tick(self, listener: Listener, now: datetime) -> int:
        waiting = [one for one in listener.firings if one.state == "waiting" and one.due <= now]
        decided, done = 0, set()
        theirs: dict[str, list[Firing]] = {}
        for one in listener.firings:
            if one.state == "fired":
                theirs.setdefault(one.told.user, []).append(one)
        for one in sorted(waiting, key=lambda one: (one.due, one.order)):
            if one.told.user in done:
                continue
            reached = theirs.setdefault(one.told.user, [])
            verdict = self._verdict(listener, one, now, reached)
            if verdict == "fired" and any(other.state == "just now" for other in reached):
                done.add(one.told.user)  # once a run; the rest in its order next time
                continue
            one.state = "just now" if verdict == "fired" else verdict
            if verdict == "fired":
                reached.append(one)
            decided += 1
        for one in waiting:
            one.state = "fired" if one.state == "just now" else one.state
        return decided

    def _verdict(self, listener: Listener, one: Firing, now: datetime, reached: list[Firing]) -> str:
        if self._called_off(listener.schedule, one):
            return "cancelled"
        late = listener.late
        if late and late["then"] == "skip" and one.due < now - timedelta(minutes=late["minutes"]):
            return "missed"
        reentry = listener.schedule["reentry"]
        if reentry == "always":
            return "fired"
        if reentry == "once":
            return "repeated" if reached else "fired"
        near = [other for other in reached if abs(one.told.at - other.told.at) < timedelta(days=reentry["days"])]
        return "repeated" if near else "fired"

    def _called_off(self, schedule: dict[str, Any], one: Firing) -> bool:
        name, own = schedule["cancel_event"], schedule["cancel_event"] == schedule["event"]
        for told in self.deeds.get((one.told.user, name), ()):
            if not one.told.at <= told.at <= one.due or not matches(schedule["cancel_where"], told.properties):
                continue
            if not own or told.at > one.told.at:
                return True
        return False
