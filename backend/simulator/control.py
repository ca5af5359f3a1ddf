"""The simulator's own routes, on each of its ports: read the book, set faults, start afresh."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson

from backend.simulator.behaviour import Behaviour
from backend.simulator.wire import Reply, Request
from backend.simulator.world import World

PREFIX = "/simulator/"


def answer(world: World, request: Request) -> Reply:
    """`GET stats|pairs|refusals|behaviour`, `POST behaviour|reset`, all JSON.

    `stats`: `{accepted: {apns, fcm, webpush}, pairs, repeats, refused: {reason: n}, people: {delivered,
    displayed, opened, action, dismissed, pending, posted, duplicates, refused, failed}}`. `pairs`: the last
    100 000 accepted `[provider, target, m]`, repeats among them. `refusals`: the last 50, each `{service,
    status, reason, detail}`. `POST behaviour` takes `Behaviour`'s fields; what is not named is set back.
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


_ROUTES: dict[tuple[str, str], Callable[[World, bytes], Any]] = {
    ("GET", "stats"): lambda world, _: world.stats(),
    ("GET", "pairs"): lambda world, _: list(world.ledger.recent),
    ("GET", "refusals"): lambda world, _: [asdict(refusal) for refusal in world.ledger.refusals],
    ("GET", "behaviour"): lambda world, _: world.behaviour.knobs(),
    ("POST", "behaviour"): _behave,
    ("POST", "reset"): _reset,
}


def json(status: int, body: Any, *headers: tuple[str, str]) -> Reply:
    """A JSON reply."""
    return Reply(status, orjson.dumps(body), (("content-type", "application/json; charset=UTF-8"), *headers))
