"""The simulator's book in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.simulator.behaviour import HOSTS, Behaviour
from backend.simulator.presets import PRESETS
from backend.simulator.wire import Ending, Host
from console import words
from console.rows.overview import Figure
from console.simulation import Seen

CUSTOM = "custom"
NO_FIGURE = Figure()
LAST = 12
HOST = {
    Host.APNS: "APNs",
    Host.SANDBOX: "APNs sandbox",
    Host.FCM: "FCM",
    Host.WEBPUSH: "Web Push",
    Host.WEBPUSH2: "Second push service",
}
SERVICE = {**HOST, "topics": "FCM topics", "oauth": "Google's tokens"}
ENDING = {
    Ending.REFUSE: "refused unseen",
    Ending.RESET: "reset",
    Ending.HANG_UP: "cut",
    Ending.SILENCE: "never answered",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What leads the page."""

    accepted: Figure = NO_FIGURE
    refused: Figure = NO_FIGURE
    unanswered: Figure = NO_FIGURE
    repeated: Figure = NO_FIGURE
    receipts: Figure = NO_FIGURE


@dataclass(frozen=True, slots=True)
class HostLine:
    """One host of the simulator."""

    host: str
    name: str
    state: str
    note: str
    accepted: str
    connections: str
    turned_away: str


@dataclass(frozen=True, slots=True)
class RefusalLine:
    """One answer that was a no."""

    service: str
    status: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class PeopleLine:
    """What so many people did."""

    did: str
    count: str
    share: str


@dataclass(frozen=True, slots=True)
class Weather:
    """How the simulator behaves: the name of its preset, and that in words."""

    name: str = "well"
    title: str = PRESETS["well"].title
    down: bool = False


def figures(seen: Seen) -> Figures:
    """Accepted, refused, unanswered, repeated, receipts; since the last reset."""
    stats, people = seen.stats, seen.stats["people"]
    accepted, refused = sum(stats["accepted"].values()), sum(stats["refused"].values())
    endings = {ENDING[name]: count for name, count in stats["endings"].items()}
    other = stats["repeats_other_key"]
    return Figures(
        accepted=_figure(accepted, f"{words.number(stats['pairs'])} different", "a pair of device and message each"),
        refused=_figure(refused, _listed(stats["refused"], 1) or "no refusal", _listed(stats["refused"], 20)),
        unanswered=_figure(sum(endings.values()), _listed(endings, 1) or "every request answered", _listed(endings, 9)),
        repeated=_figure(
            stats["repeats"],
            f"{words.number(other)} under another key",
            "Accepted again; under the same collapse key it replaces its twin on the screen",
        ),
        receipts=_figure(
            people["posted"],
            f"{words.number(people['pending'])} still to come",
            f"{words.number(people['duplicates'])} known already, {words.number(people['refused'])} disbelieved,"
            f" {words.number(people['failed'])} failed",
        ),
    )


def _figure(count: int, note: str, hint: str) -> Figure:
    return Figure(words.number(count), note, hint, "")


def _listed(counts: Mapping[str, int], most: int) -> str:
    """`429: 12, BadTopic: 3`, the most frequent first."""
    ranked = sorted(counts.items(), key=lambda each: -each[1])
    rest = len(ranked) - most
    return ", ".join(f"{name}: {words.number(count)}" for name, count in ranked[:most]) + (" …" if rest > 0 else "")


def hosts(seen: Seen) -> tuple[HostLine, ...]:
    """A line for each host in the order of their ports."""
    return tuple(_host(host, seen.stats) for host in HOSTS)


def _host(host: Host, stats: Mapping[str, Any]) -> HostLine:
    left = stats["down"].get(host, 0)
    counts = (stats[name].get(host, 0) for name in ("accepted_at", "connections", "turned_away"))
    state, note = ("down", f"back in {words.duration(left)}") if left else ("up", "")
    return HostLine(host, HOST[host], state, note, *map(words.number, counts))


def refusals(seen: Seen) -> tuple[RefusalLine, ...]:
    """The last ones, the newest first."""
    return tuple(
        RefusalLine(SERVICE[each["service"]], str(each["status"]), each["reason"], each["detail"])
        for each in seen.refusals[: -LAST - 1 : -1]
    )


def people(seen: Seen) -> tuple[PeopleLine, ...]:
    """What they did with what reached them, each as a share of the step before."""
    did = seen.stats["people"]
    steps = (
        ("Got it", "delivered", seen.stats["pairs"], "accepted"),
        ("Saw it", "displayed", did["delivered"], "delivered"),
        ("Opened it", "opened", did["displayed"], "displayed"),
        ("Tapped a button", "action", did["opened"], "opened"),
        ("Wiped it away", "dismissed", did["displayed"], "displayed"),
    )
    return tuple(
        PeopleLine(label, words.number(did[name]), f"{words.percent(did[name], of)} of {what}")
        for label, name, of, what in steps
    )


def weather(seen: Seen) -> Weather:
    """The preset that the knobs make up, or that they are somebody's own."""
    turned = {name: value for name, value in seen.behaviour.items() if value != _WELL[name]}
    name = next((name for name, preset in PRESETS.items() if dict(preset.knobs) == turned), CUSTOM)
    title = PRESETS[name].title if name in PRESETS else "Own settings"
    return Weather(name, title, bool(seen.stats["down"]))


_WELL = Behaviour().knobs()
