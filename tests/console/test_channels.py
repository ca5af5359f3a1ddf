"""The code that developers copy: filled in whole, and true to the API."""

import re

import pytest
from fastapi.routing import APIRoute

from backend.api import versioned
from backend.domain.vocabulary import Platform, ReceiptType
from backend.services.channels import Channel
from backend.services.registration import DeviceIn
from console import cookbook
from console.rows import channels as rows

CODE = [name for steps in cookbook.STEPS.values() for step in steps for name in step.files]
CALL = re.compile(r'call\("(GET|POST|PUT|PATCH|DELETE)", [`"]/?([^"`]+)["`]')
ROUTES = {
    (method, re.sub(r"\{\w+\}", "*", route.path).strip("/"))
    for router in versioned()
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
}


def text(name: str) -> str:
    return cookbook.snippet(name, "https://push.example.com/", "tk_client").code


@pytest.mark.parametrize("name", CODE)
def test_nothing_is_left_to_fill_in(name: str):
    assert "{{" not in text(name)
    assert "example.com//" not in text(name)


@pytest.mark.parametrize("name", ["Tocsin.swift", "Tocsin.kt", "../../assets/tocsin.js"])
def test_every_call_is_one_of_the_api(name: str):
    calls = {(method, re.sub(r"\\\(\w+\)|\$\{?[\w.]+\}?", "*", path)) for method, path in CALL.findall(text(name))}
    assert len(calls) >= 4
    assert {(method, path.replace("users/me", "users/*")) for method, path in calls} <= ROUTES


@pytest.mark.parametrize(("name", "start"), [("Tocsin.swift", "func register"), ("Tocsin.kt", "fun register")])
def test_a_registration_says_what_the_api_takes(name: str, start: str):
    body = text(name).split(start)[1].split("call(")[0]
    told = set(re.findall(r'(?:"(\w+)":|put\("(\w+)"|body\["(\w+)"\])', body))
    fields = {name for found in told for name in found if name}
    assert (
        {"platform", "token", "locale", "timezone", "permission", "user_id"} <= fields <= DeviceIn.model_fields.keys()
    )


def test_receipts_are_of_the_types_that_there_are():
    for name in ("AppDelegate.swift", "NotificationService.swift", "PushService.kt", "../../assets/push-worker.js"):
        said = set(re.findall(r'report\([^"]*"(\w+)"', text(name)))
        assert said, name
        assert said <= {*ReceiptType}, name


def test_a_guide_has_the_key_once_it_is_made():
    waiting, filled = (
        rows.guide(Platform.WEB, "https://p.example", ""),
        rows.guide(Platform.WEB, "https://p.example", "K1"),
    )
    assert rows.NO_KEY in waiting.steps[2].files[0].code
    assert 'key: "K1"' in filled.steps[2].files[0].code


def test_the_marks_follow_what_has_been_seen():
    marks = rows.marks(Channel(Platform.IOS, True, True, False, False, None))
    assert [mark.done for mark in marks] == [True, True, False, False]
