"""FCM's topic subscriptions: `projects.registrations.topicSubscriptions` of the discovery document."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson

from backend.simulator import fcm_address, fcm_schema
from backend.simulator.fcm_errors import BadRequest, wrong
from backend.simulator.push import Refused
from backend.simulator.subscriptions import MOST, Subscriptions, TooMany
from backend.simulator.topic_condition import NAME
from backend.simulator.wire import Request

PATH = re.compile(
    r"/v1/projects/([^/?]+)/registrations/([^/?]+)/topicSubscriptions(?:/(?P<topic>[^/?]+))?(?:\?(?P<query>.*))?"
)
_PAGE, _LARGEST_PAGE = 1_000, 2_000


@dataclass(frozen=True, slots=True)
class _Call:
    """One call on an installation's topics. `parent` is the path's part before the topics; `now` epoch seconds."""

    topics: Subscriptions
    parent: str
    installation: str
    topic: str
    query: Mapping[str, str]
    now: float

    def parameter(self, name: str) -> str:
        """A query parameter, in camelCase or snake_case."""
        return self.query.get(name) or self.query.get(fcm_schema.snake(name), "")

    @property
    def allows_missing(self) -> bool:
        return self.parameter("allowMissing").lower() == "true"

    def shown(self, topic: str, since: float) -> dict[str, Any]:
        created = datetime.fromtimestamp(since, UTC).isoformat().replace("+00:00", "Z")
        return {"name": f"{self.parent}/topicSubscriptions/{topic}", "createTime": created, "topicName": topic}


def answer(topics: Subscriptions, match: re.Match[str], request: Request, now: float) -> dict[str, Any]:
    """What a good call on a path that `PATH` matches is answered. Raises `Refused`."""
    topic = unquote(match["topic"] or "")
    act = _ACTS.get((request.method, bool(topic)))
    if act is None:
        raise Refused(404, "NOT_FOUND", f"{request.method} {request.path}")
    if request.method in {"POST", "PATCH"}:
        _check_body(request)
    project, registration = unquote(match[1]), unquote(match[2])
    installation = fcm_address.installation(registration)
    parent = f"projects/{project}/registrations/{registration}"
    query = {name: values[-1] for name, values in parse_qs(match["query"] or "").items()}
    return act(_Call(topics, parent, installation, topic, query, now))


def _check_body(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if request.body and kind != "application/json":
        raise wrong("", f"Invalid content type {kind!r}; application/json is needed.")
    try:
        body = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise wrong("", f"Invalid JSON payload received. {error}") from error
    _, found = fcm_schema.read(body, "@TopicSubscription")
    if found:
        raise BadRequest(found)


def _create(call: _Call) -> dict[str, Any]:
    topic = call.parameter("topicName")
    if _subscribe(call, topic) is not None:
        raise Refused(409, "ALREADY_EXISTS", f"{call.installation} has {topic}")
    return call.shown(topic, call.now)


def _patch(call: _Call) -> dict[str, Any]:
    since = call.topics.of(call.installation).get(call.topic)
    if since is None:
        if not call.allows_missing:
            raise _missing(call)
        _subscribe(call, call.topic)
    return call.shown(call.topic, call.now if since is None else since)


def _subscribe(call: _Call, topic: str) -> float | None:
    """Since when it has been subscribed; None where it has not."""
    if not NAME.fullmatch(topic):
        raise wrong("topic_name", "Malformed topic name")
    try:
        return call.topics.add(call.installation, topic, call.now)
    except TooMany as error:
        raise Refused(429, "RESOURCE_EXHAUSTED", f"{call.installation} has {MOST} topics") from error


def _delete(call: _Call) -> dict[str, Any]:
    if not call.topics.remove(call.installation, call.topic) and not call.allows_missing:
        raise _missing(call)
    return {}


def _get(call: _Call) -> dict[str, Any]:
    since = call.topics.of(call.installation).get(call.topic)
    if since is None:
        raise _missing(call)
    return call.shown(call.topic, since)


def _list(call: _Call) -> dict[str, Any]:
    """In pages; a page's token is the last name of the page before."""
    size = _page_size(call.parameter("pageSize"))
    after = call.parameter("pageToken")
    rest = [(topic, since) for topic, since in call.topics.of(call.installation).items() if topic > after]
    page: dict[str, Any] = {"topicSubscriptions": [call.shown(*each) for each in rest[:size]]} if rest else {}
    return page | {"nextPageToken": rest[size - 1][0]} if len(rest) > size else page


def _page_size(text: str) -> int:
    try:
        size = int(text or _PAGE)
    except ValueError as error:
        raise wrong("page_size", f"Invalid value at 'page_size' (TYPE_INT32), \"{text}\"") from error
    if size < 0:
        raise wrong("page_size", "page_size must not be negative")
    return min(size or _PAGE, _LARGEST_PAGE)


def _missing(call: _Call) -> Refused:
    return Refused(404, "NOT_FOUND", f"{call.installation} does not have {call.topic}")


_ACTS: Mapping[tuple[str, bool], Callable[[_Call], dict[str, Any]]] = {
    ("POST", False): _create,
    ("GET", False): _list,
    ("GET", True): _get,
    ("PATCH", True): _patch,
    ("DELETE", True): _delete,
}
"""By method and whether the path names a topic."""
