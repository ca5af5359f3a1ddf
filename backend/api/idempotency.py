"""`Idempotency-Key`: the same key and body get the same answer, and the act happens once."""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header
from pydantic import BaseModel
from starlette.responses import JSONResponse

from backend.api.deps import Caller
from backend.db import Work
from backend.services import idempotency
from backend.services.idempotency import Answered, Claim

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=idempotency.MAX_KEY,
        description="Any text of yours that names this request: sent again with the same body within 24 hours, "
        "it gets the same answer and nothing happens twice.",
    ),
]


def once(
    caller: Caller, route: str, key: str | None, body: Any, act: Callable[[Work], BaseModel], *, status: int = 200
) -> JSONResponse:
    """Answers with what `act` gives, in a unit of work that this opens, or with what it gave before.

    `route` tells requests apart that share a key (method and path); `body` is JSON data. Raises what
    `act` raises (the key is then free again), `StillRunning`, and `Invalid` for another body.
    """
    if key is None:
        with caller.core.work(caller.actor, caller.app_id) as work:
            return JSONResponse(act(work).model_dump(mode="json"), status)
    with caller.core.work(caller.actor, caller.app_id) as work:
        begun = idempotency.begin(work, route, key, _hash(body))
    if isinstance(begun, Answered):
        return JSONResponse(begun.body, begun.status, {"Idempotency-Replayed": "true"})
    return _first(caller, begun, act, status)


def _first(caller: Caller, claim: Claim, act: Callable[[Work], BaseModel], status: int) -> JSONResponse:
    done = False
    try:
        with caller.core.work(caller.actor, caller.app_id) as work:
            answer = act(work).model_dump(mode="json")
            idempotency.finish(work, claim, status, answer)
        done = True
    finally:
        if not done:
            with caller.core.work(caller.actor, caller.app_id) as work:
                idempotency.release(work, claim)
    return JSONResponse(answer, status)


def _hash(body: Any) -> str:
    """The order of fields and the spaces between them do not matter."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
