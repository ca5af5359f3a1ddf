"""The simulated FCM and its OAuth: a good message passes, each broken rule has its own error body."""

import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from simulator_client import REMOVE, Simulator

from backend.simulator import fcm_schema

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_accepts_a_good_message(simulator: Simulator):
    response = await simulator.fcm({"message": simulator.fcm_message()})
    assert response.status_code == 200, response.text
    assert response.json()["name"].startswith("projects/tocsin-simulator/messages/0:")
    assert await simulator.pairs() == [["fcm", simulator.device("fcm")["token"], "dlv_2"]]


FULL = {
    "data": {"m": "a", "t": "b", "any": "thing"},
    "fcmOptions": {"analyticsLabel": "spring-sale"},
    "notification": {"title": "a", "body": "b", "image": "https://example.com/a.png"},
    "android": {
        "collapseKey": "k",
        "priority": "NORMAL",
        "ttl": "1.000000001s",
        "restrictedPackageName": "com.example",
        "directBootOk": True,
        "data": {"x": "y"},
        "notification": {
            "color": "#aabbcc",
            "bodyLocArgs": ["1"],
            "eventTime": "2026-01-01T00:00:00Z",
            "notificationCount": 3,
            "notificationPriority": "PRIORITY_HIGH",
            "vibrateTimings": ["0.5s"],
            "visibility": "PUBLIC",
            "lightSettings": {"color": {"red": 1, "alpha": 0.5}, "lightOnDuration": "1s"},
        },
    },
    "apns": {
        "headers": {"apns-priority": "10"},
        "payload": {"aps": {"alert": "a"}, "custom": [1]},
        "fcmOptions": {"image": "https://example.com/a.png"},
    },
    "webpush": {
        "headers": {"TTL": "60"},
        "notification": {"title": "a", "requireInteraction": True, "actions": [{"action": "a"}]},
        "fcmOptions": {"link": "https://example.com"},
    },
}


async def test_accepts_a_full_message(simulator: Simulator):
    response = await simulator.fcm({"message": simulator.fcm_message(**FULL)})
    assert response.status_code == 200, response.text


async def test_accepts_snake_case_and_nulls(simulator: Simulator):
    message = simulator.fcm_message(fcm_options={"analytics_label": "a"}, webpush=None, topic=None)
    response = await simulator.fcm({"validate_only": False, "message": message})
    assert response.status_code == 200, response.text


async def test_accepts_installation_ids_as_fid_and_as_token(simulator: Simulator):
    for kind in ("fid", "token"):
        message = simulator.fcm_message(**{"token": REMOVE, kind: "e" * 22})
        assert (await simulator.fcm({"message": message})).status_code == 200


async def test_an_installation_id_is_no_token(simulator: Simulator):
    message = simulator.fcm_message(token=REMOVE, fid=simulator.device("fcm")["token"])
    error = (await simulator.fcm({"message": message})).json()["error"]
    assert error["details"] == [{"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"}]
    for dead in ({"fid": simulator.device("fcm", dead=True, kind="fid")["fid"]}, simulator.device("fcm", dead=True)):
        message = simulator.fcm_message(**({"token": REMOVE} | dead))
        assert (await simulator.fcm({"message": message})).status_code == 404


async def test_the_projects_number_stands_for_its_id(simulator: Simulator):
    number = simulator.authority.project_number
    assert (await simulator.fcm({"message": simulator.fcm_message()}, project=number)).status_code == 200


async def test_accepts_topics_and_conditions(simulator: Simulator):
    for target in ({"topic": "news"}, {"condition": "'a' in topics && ('b' in topics || 'c' in topics)"}):
        response = await simulator.fcm({"message": simulator.fcm_message(token=REMOVE, **target)})
        assert response.status_code == 200, response.text


BAD_VALUES = [
    ({"token": REMOVE}, "message", "Recipient of the message is not set."),
    ({"topic": "news"}, "message", "oneof field 'target' is already set. Cannot set 'topic'"),
    ({"surprise": 1}, "message", "Unknown name \"surprise\" at 'message': Cannot find field."),
    ({"notification": {"subtitle": "a"}}, "message.notification", 'Unknown name "subtitle"'),
    ({"notification": "a"}, "message.notification", "Invalid value at 'message.notification'"),
    ({"notification": {"title": 1}}, "message.notification.title", "(TYPE_STRING), 1"),
    ({"data": {"a": 1}}, "message.data[0].value", "Invalid value at 'message.data[0].value' (TYPE_STRING), 1"),
    ({"data": ["a"]}, "message.data", "(map)"),
    ({"data": {"from": "x"}}, "message.data[0].key", "Invalid data payload key: from"),
    ({"data": {"message_type": "x"}}, "message.data[0].key", "message_type"),
    ({"data": {"google.x": "x"}}, "message.data[0].key", "google.x"),
    ({"data": {"gcm.notification.x": "x"}}, "message.data[0].key", "gcm.notification.x"),
    ({"android": {"data": {"gcm": "x"}}}, "message.android.data[0].key", "gcm"),
    ({"android": {"ttl": 3600}}, "message.android.ttl", "google.protobuf.Duration"),
    ({"android": {"ttl": "1h"}}, "message.android.ttl", "google.protobuf.Duration"),
    ({"android": {"ttl": "2419201s"}}, "message.android.ttl", "TTL must be"),
    ({"android": {"ttl": "-1s"}}, "message.android.ttl", "TTL must be"),
    ({"android": {"priority": "URGENT"}}, "message.android.priority", "(TYPE_ENUM)"),
    ({"android": {"directBootOk": "yes"}}, "message.android.direct_boot_ok", "(TYPE_BOOL)"),
    ({"android": {"notification": {"notificationCount": 1.5}}}, "message.android.notification.notification_count", ""),
    ({"android": {"notification": {"color": "red"}}}, "message.android.notification.color", "#RRGGBB"),
    ({"android": {"notification": {"titleLocArgs": "a"}}}, "message.android.notification.title_loc_args", "(list)"),
    ({"android": {"notification": {"titleLocArgs": [1]}}}, "message.android.notification.title_loc_args[0]", ""),
    ({"android": {"notification": {"eventTime": "now"}}}, "message.android.notification.event_time", "Timestamp"),
    ({"androidV2": {"ttl": "1s"}}, "message.android_v2", "Only one of"),
    ({"apns": {"headers": {"apns-priority": 10}}}, "message.apns.headers[0].value", "TYPE_STRING"),
    ({"apns": {"headers": {"apns-priority": "7"}}}, "message.apns.headers", "BadPriority"),
    ({"apns": {"headers": {"apns-expiration": "soon"}}}, "message.apns.headers", "BadExpirationDate"),
    ({"apns": {"headers": {"Apns-Collapse-Id": "x" * 65}}}, "message.apns.headers", "BadCollapseId"),
    ({"apns": {"payload": {"aps": []}}}, "message.apns.payload", "aps is not an object"),
    (
        {"notification": REMOVE, "apns": {"payload": {"aps": {"content-available": 1}}}},
        "message.apns.headers",
        "must have apns-priority 5",
    ),
    ({"webpush": {"headers": {"TTL": "soon"}}}, "message.webpush.headers", "TTL has a wrong value"),
    ({"webpush": {"headers": {"Urgency": "urgent"}}}, "message.webpush.headers", "Urgency"),
    ({"webpush": {"headers": {"Topic": "a b"}}}, "message.webpush.headers", "Topic"),
    ({"webpush": {"fcmOptions": {"link": "http://a"}}}, "message.webpush.fcm_options.link", "HTTPS"),
    ({"fcmOptions": {"analyticsLabel": "a b"}}, "message.fcm_options.analytics_label", ""),
    ({"token": REMOVE, "topic": "/topics/x"}, "message.topic", "Malformed topic"),
    ({"token": REMOVE, "condition": "a || b"}, "message.condition", "Invalid condition"),
    ({"data": {"a": "x" * 4097}}, "message", "Android message is too big"),
    ({"token": REMOVE, "topic": "x", "data": {"a": "x" * 2049}}, "message", "Android message is too big"),
]


@pytest.mark.parametrize(("changes", "field", "said"), BAD_VALUES)
async def test_refuses_values(simulator: Simulator, changes, field, said):
    response = await simulator.fcm({"message": simulator.fcm_message(**changes)})
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    (detail,) = error["details"]
    assert detail["@type"] == BAD_REQUEST
    assert (detail["fieldViolations"][0]["field"], said in error["message"]) == (field, True), detail


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"massage": {}}', b"{}"])
async def test_refuses_bodies(simulator: Simulator, body):
    error = (await simulator.fcm(body)).json()["error"]
    assert (error["status"], error["details"][0]["@type"]) == ("INVALID_ARGUMENT", BAD_REQUEST)


async def test_a_malformed_token_and_a_dead_one_are_told_apart_from_a_bad_value(simulator: Simulator):
    bad = await simulator.fcm({"message": simulator.fcm_message(token="nobody")})
    assert bad.json() == {
        "error": {
            "code": 400,
            "message": "The registration token is not a valid FCM registration token",
            "status": "INVALID_ARGUMENT",
            "details": [{"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"}],
        }
    }
    gone = await simulator.fcm({"message": simulator.fcm_message(**simulator.device("fcm", dead=True))})
    assert (gone.status_code, gone.json()) == (
        404,
        {
            "error": {
                "code": 404,
                "message": "Requested entity was not found.",
                "status": "NOT_FOUND",
                "details": [{"@type": FCM_ERROR, "errorCode": "UNREGISTERED"}],
            }
        },
    )


async def test_another_project_is_not_found_without_an_fcm_error(simulator: Simulator):
    response = await simulator.fcm({"message": simulator.fcm_message()}, project="other")
    error = response.json()["error"]
    assert (response.status_code, error["status"], "details" in error) == (404, "NOT_FOUND", False)


async def test_validate_only_checks_all_and_counts_nothing(simulator: Simulator):
    good = await simulator.fcm({"validateOnly": True, "message": simulator.fcm_message()})
    assert good.json() == {"name": "projects/tocsin-simulator/messages/fake_message_id"}
    bad = await simulator.fcm({"validateOnly": True, "message": simulator.fcm_message(token="nobody")})
    assert bad.status_code == 400
    assert (await simulator.stats())["pairs"] == 0


async def test_bearers(simulator: Simulator):
    message = {"message": simulator.fcm_message()}
    narrow = await simulator.bearer(scope="https://www.googleapis.com/auth/drive")
    old = await simulator.bearer()
    await simulator.behave(access_token_seconds=0)
    expired = await simulator.bearer()
    forged = {"authorization": old["authorization"][:-2] + "AA"}
    rows = [
        ({}, 401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"),
        ({"authorization": "Bearer x.y"}, 401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        (forged, 401, "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        (expired, 401, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED"),
        (narrow, 403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    ]
    for headers, code, status, reason in rows:
        response = await simulator.fcm(message, headers)
        error = response.json()["error"]
        assert (response.status_code, error["status"], error["details"][0]["reason"]) == (code, status, reason)
    assert (await simulator.fcm(message, old)).status_code == 200


async def test_oauth_gives_a_token_for_an_hour(simulator: Simulator):
    response = await simulator.oauth()
    answer = response.json()
    assert (response.status_code, answer["expires_in"], answer["token_type"]) == (200, 3599, "Bearer")


async def test_oauth_takes_googles_own_audience(simulator: Simulator):
    assertion = simulator.assertion(aud="https://oauth2.googleapis.com/token")
    assert (await simulator.oauth(assertion)).status_code == 200


def foreign_key() -> str:
    return (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


NOW = int(time.time())
BAD_ASSERTIONS = [
    ({"iss": "nobody@example.com"}, "invalid_grant", "account not found"),
    ({"aud": "https://example.com/token"}, "invalid_grant", "audience"),
    ({"iat": NOW - 7200, "exp": NOW - 3600}, "invalid_grant", "short-lived"),
    ({"exp": NOW + 7200}, "invalid_grant", "short-lived"),
    ({"iat": NOW + 3600, "exp": NOW + 7200}, "invalid_grant", "short-lived"),
    ({"iat": REMOVE}, "invalid_grant", "iat"),
    ({"scope": REMOVE}, "invalid_scope", "Invalid OAuth scope"),
    ({"header": {"kid": "other"}}, "invalid_grant", "unknown key id"),
    ({"key": foreign_key()}, "invalid_grant", "Invalid JWT Signature."),
]


@pytest.mark.parametrize(("assertion", "error", "said"), BAD_ASSERTIONS)
async def test_oauth_refuses(simulator: Simulator, assertion, error, said):
    response = await simulator.oauth(simulator.assertion(**assertion))
    answer = response.json()
    assert (response.status_code, answer["error"]) == (400, error)
    assert said in answer["error_description"]


async def test_oauth_refuses_other_grants_and_faults_on_demand(simulator: Simulator):
    assert (await simulator.oauth(grant_type="password")).json()["error"] == "unsupported_grant_type"
    assert (await simulator.oauth("rubbish")).json()["error"] == "invalid_grant"
    await simulator.behave(mix={"oauth": {"503/@7": 1.0}})
    response = await simulator.oauth()
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")


async def test_every_message_that_the_schema_names_is_in_it():
    kinds = {kind for fields in fcm_schema.MESSAGES.values() for kind in fields.values()}
    named = {kind[1:] for kind in kinds if kind.startswith("@")}
    assert named | {"SendMessageRequest", "TopicSubscription"} == set(fcm_schema.MESSAGES)


async def test_the_projects_quota(simulator: Simulator):
    await simulator.behave(fcm_per_minute=2)
    headers = await simulator.bearer()
    answers = [await simulator.fcm({"message": simulator.fcm_message()}, headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    error = answers[2].json()["error"]
    assert (error["status"], answers[2].headers["retry-after"]) == ("RESOURCE_EXHAUSTED", "60")
    assert [detail["@type"].rsplit(".")[-1] for detail in error["details"]] == ["FcmError", "QuotaFailure"]


MIX = [
    ("429/QUOTA_EXCEEDED@3", 429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
    ("500/INTERNAL", 500, "INTERNAL", "INTERNAL"),
    ("503/UNAVAILABLE", 503, "UNAVAILABLE", "UNAVAILABLE"),
    ("403/SENDER_ID_MISMATCH", 403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
    ("403/PERMISSION_DENIED", 403, "PERMISSION_DENIED", None),
    ("401/THIRD_PARTY_AUTH_ERROR", 401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
]


@pytest.mark.parametrize(("fault", "status", "name", "code"), MIX)
async def test_faults_on_demand(simulator: Simulator, fault, status, name, code):
    await simulator.behave(mix={"fcm": {fault: 1.0}})
    response = await simulator.fcm({"message": simulator.fcm_message()})
    error = response.json()["error"]
    assert (response.status_code, error["status"]) == (status, name)
    assert error.get("details", [{}])[0].get("errorCode") == code
    assert response.headers.get("retry-after") == ("3" if "@" in fault else None)
