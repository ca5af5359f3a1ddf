"""Every route of the running API says who may call it, and an outsider is refused by each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts

from backend.api import create_api
from backend.api.deps import marks
from backend.bootstrap import Core
from backend.db import OPERATOR, Work
from backend.models import TopicSubscription
from backend.services import (
    blocks,
    campaigns,
    categories,
    credentials,
    import_files,
    import_jobs,
    keys,
    lists,
    messages,
    segmentation,
    subscribers,
    templates,
    testers,
)
from backend.services.apps import AppRow
from backend.services.categories import CategoryIn
from tests.factories import definition

V1 = "/api/v1"
OPEN = {
    "POST /api/v1/receipts": "each receipt is proven by its signature",
    "POST /auth/login": "a password is asked for",
    "POST /auth/setup": "a one-time token is asked for",
    "POST /auth/logout": "ends only the session that the cookie names",
    "POST /files/imports": "asks for a member's session",
    "GET /files/imports/{import_id}/refusals.csv": "the same",
    "GET /files/export/people": "the same",
    "GET /files/export/segments/{segment_id}": "the same",
    "GET /files/export/lists/{list_id}": "the same",
    "GET /pictures/{key}": "the same",
    "GET /preferences/{token}": "the address is signed",
    "POST /preferences/{token}": "the same",
    "GET /health/live": "for load balancers",
    "GET /health/ready": "for load balancers",
    "GET /metrics": "asks for its own token",
    "GET /api/v1/health/live": "for load balancers",
    "GET /api/v1/health/ready": "for load balancers",
    "GET /api/v1/metrics": "asks for its own token",
    "GET /api/docs": "the contract is public",
    "GET /api/openapi.json": "the contract is public",
}
NOT_SCOPED = {
    "/api/v1/apps/{app}": "an admin key is the installation's: it manages every app",
    "/api/v1/apps/{app}/credentials": "the same",
    "/api/v1/members/{member}": "members are the installation's",
    "/preferences/{token}": "a token names its own app: test_preference_page",
    "/files/imports/{import_id}/refusals.csv": "a session opens it, in its own app: test_import_routes",
    "/files/export/segments/{segment_id}": "the same",
    "/files/export/lists/{list_id}": "the same",
    "/pictures/{key}": "the same: test_tester_routes",
}
MAKES = {
    "PUT /api/v1/users/{user_id}": "makes the user in the caller's own app",
    "PUT /api/v1/users/{user_id}/preferences": "the same",
    "POST /api/v1/users/{user_id}/consents": "the same",
    "POST /api/v1/topics/{topic}/subscribe": "puts the caller's own devices into a topic of the caller's own app",
    "POST /api/v1/topics/{topic}/unsubscribe": "the same",
}
BODIES = {
    "PUT /api/v1/segments/{segment_id}": {"name": "s", "rules": {"combinator": "and", "rules": []}},
    "PATCH /api/v1/apps/{app}/credentials/{credential}": {"status": "retiring"},
    "PATCH /api/v1/lanes/{credential}": {"max_per_second": 5},
    "PUT /api/v1/devices/{device_id}/preferences": {"categories": {"marketing": False}},
    "PATCH /api/v1/lists/{list_id}": {"name": "Taken over"},
    "POST /api/v1/lists/{list_id}/fill": {"segment_id": "seg_x"},
    "POST /api/v1/lists/{list_id}/members": {"user_ids": ["ann"]},
    "DELETE /api/v1/lists/{list_id}/members": {"user_ids": ["ann"]},
    "PATCH /api/v1/campaigns/{campaign_id}": {"name": "Taken over"},
    "POST /api/v1/campaigns/{campaign_id}/test": {"user_ids": ["ann"]},
    "PATCH /api/v1/templates/{template_id}": {"name": "Taken over"},
    "POST /api/v1/templates/{template_id}/restore": {"version": 1},
    "PATCH /api/v1/blocks/{block_id}": {"text": "Taken over"},
}

QUERIES = {
    "GET /api/v1/campaigns/{campaign_id}/preflight/devices": {"outcome": "send"},
    "GET /api/v1/campaigns/{campaign_id}/explain": {"user_id": "ann"},
}


@pytest.fixture
def core(sqlite_core: Core) -> Core:
    return sqlite_core


@dataclass(frozen=True)
class Call:
    """One method of one route."""

    method: str
    path: str
    marks: frozenset[str]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)


def routes(api: FastAPI) -> Iterator[RouteContext]:
    """Every route but the one that answers for all the others."""
    return (route for route in iter_route_contexts(api.routes) if route.path != "/api/{path:path}")


def calls(api: FastAPI) -> list[Call]:
    return [
        Call(method, route.path, frozenset(marks(route.dependant)))
        for route in routes(api)
        for method in sorted(route.methods - {"HEAD"})
    ]


def unmarked(api: FastAPI) -> list[str]:
    """Routes without exactly one authorisation mark."""
    return [str(route.path) for route in iter_route_contexts(api.routes) if not is_marked(route)]


def is_marked(route: RouteContext) -> bool:
    dependant = getattr(route, "dependant", None)
    return dependant is not None and len(marks(dependant)) == 1


def test_every_route_carries_exactly_one_authorisation_mark(api: FastAPI):
    assert len(calls(api)) > 70
    assert unmarked(api) == []


@pytest.mark.parametrize("kind", ["route", "starlette route", "mount"])
def test_a_route_without_a_mark_is_found(core: Core, kind: str):
    api = create_api(core)
    if kind == "route":
        api.add_api_route("/api/v1/sneaky", lambda: None)
    elif kind == "starlette route":
        api.add_route("/api/v1/sneaky", lambda _request: None)
    else:
        api.mount("/api/v1/sneaky", FastAPI())
    assert unmarked(api) == ["/api/v1/sneaky"]


def test_only_the_routes_that_we_know_of_are_open(api: FastAPI):
    assert {call.name for call in calls(api) if call.marks == {"open"}} == set(OPEN)


def test_under_the_version_prefix_each_kind_of_route_is_where_it_belongs(api: FastAPI):
    admin = {call.path.removeprefix(V1).split("/")[1] for call in calls(api) if call.marks == {"admin"}}
    assert admin == {
        "apps",
        "members",
        "keys",
        "categories",
        "audit",
        "lanes",
        "alarms",
        "processes",
        "dead-letters",
        "policies",
    }
    client = {call.path.removeprefix(V1).split("/")[1] for call in calls(api) if call.marks == {"client"}}
    assert client == {"devices", "users", "events", "webpush-key"}


async def test_nobody_gets_in_without_a_key(api: FastAPI, visitor: httpx.AsyncClient):
    for call in calls(api):
        if call.marks == {"open"}:
            continue
        answer = await visitor.request(call.method, filled(call, {}), json={})
        assert (call.name, answer.status_code) == (call.name, 401)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_client_key_opens_client_routes_only(api: FastAPI, client: httpx.AsyncClient):
    for call in calls(api):
        if call.marks <= {"open", "client"}:
            continue
        answer = await client.request(call.method, filled(call, {}), json={})
        assert (call.name, answer.status_code) == (call.name, 403)


async def test_a_server_key_opens_no_admin_route(api: FastAPI, server: httpx.AsyncClient):
    for call in calls(api):
        if call.marks == {"admin"}:
            answer = await server.request(call.method, filled(call, {}), json={})
            assert (call.name, answer.status_code) == (call.name, 403)


async def test_another_apps_objects_are_not_there(
    api: FastAPI, core: Core, app: AppRow, other_app: AppRow, shop_keys, connect
):
    """Each route with an object in its path, called with an object of another app: 404, whatever the verb."""
    with core.work(OPERATOR, other_app.number) as work:
        theirs = {**objects(work), "app": app.id}
    before = everything(core, other_app)
    http = connect(shop_keys.admin)
    tried = set()
    for call in calls(api):
        if call.parameters and call.path not in NOT_SCOPED and call.name not in MAKES:
            asked = {"json": BODIES.get(call.name, {}), "params": QUERIES.get(call.name)}
            answer = await http.request(call.method, filled(call, theirs), **asked)
            assert (call.name, answer.status_code) == (call.name, 404), answer.text
            tried |= set(call.parameters)
    assert tried == set(theirs)
    assert everything(core, other_app) == before


async def test_another_apps_objects_are_not_taken_as_filters_or_parts(
    core: Core, other_app: AppRow, server: httpx.AsyncClient
):
    with core.work(OPERATOR, other_app.number) as work:
        theirs = objects(work)
    for name in ("campaign_id", "device_id", "user_id"):
        answer = await server.get(f"{V1}/deliveries", params={name: theirs[name]})
        assert answer.status_code == 404 or answer.json()["items"] == []
    body = {"to": {"device_ids": [theirs["device_id"]]}, "content": {"title": "x"}}
    assert (await server.post(f"{V1}/messages", json=body)).status_code == 422
    for changes in (
        {"audience": {"include": [theirs["segment_id"]]}},
        {"variants": [{"name": "A", "template_id": theirs["template_id"]}]},
    ):
        assert (await server.post(f"{V1}/campaigns", json=definition(**changes))).status_code in (404, 422)


def filled(call: Call, theirs: dict[str, str]) -> str:
    path = call.path
    for name in call.parameters:
        path = path.replace(f"{{{name}}}", theirs.get(name, "x"))
    return path


def objects(work: Work) -> dict[str, str]:
    """One of each object that a path can name, by the name it has there."""
    credential = credentials.add_credential(work, "webpush", {"subject": "mailto:push@shop.example"})
    subscribers.ensure_user(work, "ann")
    sent = messages.send(work, {"tokens": [subscription()]}, content={"title": "Hello"})
    device = work.session.connection().exec_driver_sql("SELECT max(id) FROM device").scalar()
    place = TopicSubscription(
        app_id=work.app_id, device_id=device, topic="theirs", not_before=work.now, changed_at=work.now
    )
    work.session.add(place)
    work.session.flush()
    campaign = campaigns.create(work, definition()).row.id
    tried = messages.send_test(work, campaign, device_ids=[work.core.keyring.public_id("dev", device)])
    return {
        "block_id": blocks.create(work, "theirs", "Hello").id,
        "campaign_id": campaign,
        "category": categories.create(work, CategoryIn(slug="theirs", name="Theirs", kind="marketing")).slug,
        "credential": credential.id,
        "delivery_id": sent.deliveries[0],
        "device_id": work.core.keyring.public_id("dev", device),
        "import_id": file_of_people(work),
        "key": keys.add_key(work, scope="client")[0].id,
        "list_id": lists.create(work, lists.ListIn(name="l")).id,
        "run_id": tried.run_id,
        "segment_id": segmentation.create(work, "s", {"combinator": "and", "rules": []}).id,
        "template_id": templates.create(work, "t", {"title": "Hello"}).id,
        "tester_id": testers.add(work, "ann").id,
        "topic": place.topic,
        "user_id": "ann",
    }


def file_of_people(work: Work) -> str:
    """An import that waits to be started."""
    upload = import_files.Upload(work.core)
    upload.write(b"user_id\nann\n")
    return import_jobs.add(work, upload.close(), kind="users").id


def subscription() -> dict[str, object]:
    point = "BGzaaU5uzG_nJKMRfnP6sZZmbbXW9stVsyXIlswe5vsUVOpRiLk7Prj6MBZb3Tnh19LqJRetQ3ZfMSAkybVJwW8"
    keys_of_it = {"p256dh": point, "auth": "A" * 22}
    return {"platform": "web", "subscription": {"endpoint": "https://fcm.googleapis.com/wp/x", "keys": keys_of_it}}


def everything(core: Core, app: AppRow) -> str:
    """What the tables say of an app, to see that nothing has changed."""
    tables = (
        "campaign",
        "segment",
        "template",
        "content_block",
        "user_list",
        "credential",
        "api_key",
        "device",
        '"user"',
        "category",
        "topic_subscription",
    )
    with core.engine.connect() as connection:
        return str(
            [
                connection.exec_driver_sql(f"SELECT * FROM {name} WHERE app_id = {app.number}").fetchall()
                for name in tables
            ]
        )
