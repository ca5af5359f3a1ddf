"""FCM HTTP v1: the bearer, the project, the message's schema and values, and its topics."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from backend.domain.vocabulary import ProviderName
from backend.simulator import fcm_address, fcm_errors, fcm_rules, fcm_schema, fcm_topics, oauth, topic_condition
from backend.simulator.authority import PROJECT
from backend.simulator.behaviour import TOPICS
from backend.simulator.control import json
from backend.simulator.fcm_errors import BadRequest, Unauthorised, wrong
from backend.simulator.push import Push, Refused, button_ids, collapse_of
from backend.simulator.session import ProviderSession
from backend.simulator.tokens import AccessTokens, BadToken
from backend.simulator.wire import Host, Reply, Request
from backend.simulator.world import World

_PATH = re.compile(r"/v1/projects/([^/]+)/messages:send")


class FcmSession(ProviderSession):
    """One connection to FCM; the OAuth token endpoint answers on it too."""

    provider = ProviderName.FCM

    def __init__(self, world: World, tokens: AccessTokens) -> None:
        super().__init__(world, Host.FCM)
        self._tokens = tokens

    def aside(self, request: Request) -> Reply | None:
        return oauth.answer(self.world, self._tokens, request) if request.path == oauth.PATH else None

    def service(self, request: Request) -> str:
        return TOPICS if fcm_topics.PATH.fullmatch(request.path) else super().service(request)

    def serve(self, request: Request) -> Reply:
        match = fcm_topics.PATH.fullmatch(request.path)
        if match is None:
            return super().serve(request)
        self._check_bearer(request.headers)
        self._check_project(match[1])
        self.here.draw_fault(TOPICS)
        return self.done(json(200, fcm_topics.answer(self.world.topics, match, request, self.here.now())))

    def check(self, request: Request) -> Push:
        project = _PATH.fullmatch(request.path)
        if project is None or request.method != "POST":
            raise Refused(404, "NOT_FOUND", f"{request.method} {request.path}")
        self._check_bearer(request.headers)
        self._check_project(project[1])
        body = _body(request)
        message = body.get("message", {})
        target, heard = self._target(message)
        push = _push(message, target, heard=heard, dry=bool(body.get("validateOnly")))
        return replace(push, body=request.body)

    def _check_project(self, project: str) -> None:
        if project not in {PROJECT, self.world.authority.project_number}:
            raise Refused(404, "NOT_FOUND", f"project {project}")

    def _check_bearer(self, headers: Mapping[str, str]) -> None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise Unauthorised(401, "CREDENTIALS_MISSING")
        try:
            scope, expires = self._tokens.read(token)
        except BadToken as error:
            raise Unauthorised(401, "ACCESS_TOKEN_TYPE_UNSUPPORTED") from error
        if expires <= self.here.now():
            raise Unauthorised(401, "ACCESS_TOKEN_EXPIRED")
        if not oauth.SCOPES & set(scope.split()):
            raise Unauthorised(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")

    def _target(self, message: Mapping[str, Any]) -> tuple[str, bool]:
        """The device's address, `/topics/NAME` or the condition, and whether anybody is there to hear it.

        Raises `Refused` where an address is malformed or dead.
        """
        kind = fcm_rules.target(message)
        value: str = message[kind]
        topics = self.world.topics
        if kind == "topic":
            return f"/topics/{value}", topics.has_members(value)
        if kind == "condition":
            return value, topics.reaches(topic_condition.parse(value))
        fcm_address.check(value, fid_only=kind == "fid")
        return value, True

    def welcome(self, request: Request, push: Push) -> Reply:
        name = "fake_message_id" if push.dry else f"0:{secrets.randbits(60)}%{secrets.token_hex(8)}"
        return json(200, {"name": f"projects/{PROJECT}/messages/{name}"})

    def refusal(self, request: Request, refused: Refused) -> Reply:
        kind, body = fcm_errors.body(refused)
        return Reply(refused.status, body, (("content-type", kind), *self.wait_header(refused)))


def _body(request: Request) -> dict[str, Any]:
    """The request's JSON, its fields in camelCase. Raises `BadRequest`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        raise wrong("", f"Invalid content type {kind!r}; application/json is needed.")
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise wrong("", f"Invalid JSON payload received. {error}") from error
    normal, found = fcm_schema.read(body)
    found = found or fcm_rules.violations(normal.get("message", {}))
    if found:
        raise BadRequest(found)
    good: dict[str, Any] = normal
    return good


def _push(message: Mapping[str, Any], target: str, *, heard: bool, dry: bool) -> Push:
    """What it is, whichever platform the device is of: a message may have a section for each."""
    android, web, ios = _android(message), message.get("webpush", {}), message.get("apns", {})
    payload, headers = ios.get("payload", {}), ios.get("headers", {})
    data = {**message.get("data", {}), **android.get("data", {}), **web.get("data", {})}
    shown, said = android.get("notification", {}), web.get("notification", {})
    aps = payload.get("aps")
    return Push(
        target,
        data.get("m") or _text(payload.get("m")),
        data.get("t") or _text(payload.get("t")),
        collapse_of(
            android.get("collapseKey"),
            shown.get("tag"),
            data.get("tag"),
            _header(headers, "apns-collapse-id"),
            _header(web.get("headers", {}), "topic"),
            said.get("tag"),
        ),
        visible=bool(message.get("notification") or shown or said or (aps and "alert" in aps) or _titled(data)),
        actions=button_ids(_list(data.get("actions", "")) or payload.get("actions") or said.get("actions")),
        dry=dry,
        heard=heard,
    )


def _android(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The Android section, whichever of its two forms was sent."""
    newer = message.get("androidV2")
    if newer is None:
        older: Mapping[str, Any] = message.get("android", {})
        return older
    return {**newer, "notification": newer.get("remoteNotification", {}).get("notification", {})}


def _titled(data: Mapping[str, str]) -> bool:
    """The app draws it itself."""
    return "title" in data or "body" in data


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(text: str) -> Any:
    """`data` holds text only: buttons are JSON inside it."""
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None
