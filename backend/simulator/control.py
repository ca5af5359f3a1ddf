"""The simulator's own routes, on each of its ports: read the book, set faults, start afresh."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson

from backend.simulator import behaviour
from backend.simulator.behaviour import KNOBS, Behaviour
from backend.simulator.faults import CATALOGUE
from backend.simulator.presets import PRESETS
from backend.simulator.wire import Reply, Request
from backend.simulator.world import World

PREFIX = "/simulator/"
ROUTES = """\
GET /simulator/stats: {accepted: {apns, fcm, webpush}, accepted_at: {host: n}, pairs, repeats, repeats_other_key, refused: {reason: n},
endings: {ending: n}, connections: {host: n}, turned_away: {host: n}, tokens: {service: n}, down: {host: seconds},
topics: {name: subscribers}, people: {delivered, displayed, opened, action, dismissed, pending, posted,
duplicates, refused, failed}}.

GET /simulator/pairs: the last 100 000 accepted [provider, target, m], repeats among them.

GET /simulator/bodies: the last 2 000 accepted [provider, m, body]; of Web Push what the browser has decrypted.

GET /simulator/refusals: the last 50, each {service, status, reason, detail}.

GET /simulator/behaviour: the knobs as they are.
POST /simulator/behaviour: a JSON object of knobs; what is not named is set back.

GET /simulator/knobs: {knobs: {name: {says, default, least, most, words, local}}, presets: {name: {title, says,
knobs}}, faults: {service: [STATUS/REASON]}}.

POST /simulator/reset: forgets what has happened; knobs and topic subscriptions stay. Answers the stats."""


def answer(world: World, request: Request) -> Reply:
    """All that `ROUTES` lists, as JSON; `repeats_other_key` are those that came under another collapse key than
    the first one, so that both would stand on the screen.
    """
    handler = _ROUTES.get((request.method, request.path.removeprefix(PREFIX)))
    if handler is None:
        return json(404, {"error": "no such control route"})
    try:
        return json(200, handler(world, request.body))
    except ValueError as error:
        return json(400, {"error": str(error)})


def _behave(world: World, body: bytes) -> Any:
    world.behave(Behaviour.parse(orjson.loads(body)))
    return world.behaviour.knobs()


def _reset(world: World, body: bytes) -> Any:
    world.reset()
    return world.stats()


def _knobs(world: World, body: bytes) -> Any:
    knobs = {name: asdict(knob) | {"default": behaviour.default(name)} for name, knob in KNOBS.items()}
    presets = {name: asdict(preset) for name, preset in PRESETS.items()}
    return {"knobs": knobs, "presets": presets, "faults": CATALOGUE}


_ROUTES: dict[tuple[str, str], Callable[[World, bytes], Any]] = {
    ("GET", "stats"): lambda world, _: world.stats(),
    ("GET", "pairs"): lambda world, _: list(world.ledger.recent),
    ("GET", "bodies"): lambda world, _: [(name, m, body.decode()) for name, m, body in world.ledger.bodies],
    ("GET", "refusals"): lambda world, _: [asdict(refusal) for refusal in world.ledger.refusals],
    ("GET", "behaviour"): lambda world, _: world.behaviour.knobs(),
    ("GET", "knobs"): _knobs,
    ("POST", "behaviour"): _behave,
    ("POST", "reset"): _reset,
}


def json(status: int, body: Any, *headers: tuple[str, str]) -> Reply:
    """A JSON reply."""
    return Reply(status, orjson.dumps(body), (("content-type", "application/json; charset=UTF-8"), *headers))
