"""What members paste: good bodies are split, bad ones are answered with the field and what is wrong."""

from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from samples import TODAY, apns_body, p8, pem, rsa_pem, service_account

from backend.domain.vocabulary import ProviderName
from backend.providers import CredentialError, generate_vapid_keys, parse_credential

APNS, FCM, WEBPUSH = ProviderName.APNS, ProviderName.FCM, ProviderName.WEBPUSH


def problems(name: ProviderName, body: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(CredentialError) as caught:
        parse_credential(name, body, TODAY)
    return dict(caught.value.problems)


def test_apns() -> None:
    body = apns_body(environment="sandbox", provider="apns", endpoint="https://sim.example:8443/apns")
    public, secret = parse_credential(APNS, body, TODAY)
    assert public == {"topic": "com.example.app", "team_id": "TEAM123456", "key_id": "KEY1234567"}
    assert secret == {"private_key": p8().strip()}


def locked() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    how = serialization.BestAvailableEncryption(b"secret")
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how).decode()


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"topic": ""}, "topic", "missing"),
        ({"topic": None}, "topic", "missing"),
        ({"topic": "no dots"}, "topic", "bundle id"),
        ({"team_id": "SHORT"}, "team_id", "10"),
        ({"team_id": 7}, "team_id", "text"),
        ({"key_id": "lowercase1"}, "key_id", "10"),
        ({"private_key": ""}, "private_key", "missing"),
        ({"private_key": "hello"}, "private_key", "PEM"),
        ({"private_key": rsa_pem()}, "private_key", "P-256"),
        ({"private_key": pem(ec.generate_private_key(ec.SECP384R1()))}, "private_key", "P-256"),
        ({"private_key": locked()}, "private_key", "password"),
        ({"environment": "moon"}, "environment", "production"),
        ({"endpoint": "http://sim.example"}, "endpoint", "https"),
        ({"endpoint": "https://u:p@sim.example"}, "endpoint", "https"),
        ({"endpoint": "https://sim.example/?q=1"}, "endpoint", "query"),
        ({"ca": "hello"}, "ca", "PEM"),
        ({"tpoic": "x"}, "tpoic", "not a field"),
    ],
)
def test_apns_says_what_is_wrong(changes: dict[str, Any], field: str, words: str) -> None:
    found = problems(APNS, apns_body(**changes))
    assert list(found) == [field]
    assert words in found[field]


def test_all_problems_are_said_at_once() -> None:
    assert set(problems(APNS, {})) == {"topic", "team_id", "key_id", "private_key"}


@pytest.mark.parametrize("as_text", [False, True])
def test_fcm(as_text: bool) -> None:
    account = service_account()
    given = orjson.dumps(account).decode() if as_text else account
    public, secret = parse_credential(FCM, {"service_account": given}, TODAY)
    assert public == {"project_id": "demo", "client_email": "push@demo.example"}
    assert orjson.loads(secret["service_account"]) == account


@pytest.mark.parametrize(
    ("account", "field", "words"),
    [
        (None, "service_account", "missing"),
        ("{", "service_account", "JSON"),
        ([1], "service_account", "object"),
        (service_account(type="authorized_user"), "service_account.type", "another kind"),
        (service_account(project_id=None), "service_account.project_id", "missing"),
        (service_account(client_email=None), "service_account.client_email", "missing"),
        (service_account(private_key=None), "service_account.private_key", "missing"),
        (service_account(token_uri=None), "service_account.token_uri", "missing"),
        (service_account(token_uri="http://x.example"), "service_account.token_uri", "https"),
        (service_account(private_key="hello"), "service_account.private_key", "PEM"),
        (service_account(private_key=p8()), "service_account.private_key", "RSA"),
    ],
)
def test_fcm_says_what_is_wrong(account: Any, field: str, words: str) -> None:
    found = problems(FCM, {"service_account": account})
    assert list(found) == [field]
    assert words in found[field]


def test_webpush_makes_keys_where_there_are_none() -> None:
    public, secret = parse_credential(WEBPUSH, {"subject": "mailto:push@example.com"}, TODAY)
    again = parse_credential(WEBPUSH, {**public, **secret}, TODAY)
    assert again == (public, secret)


def test_webpush_takes_keys_of_its_own_and_works_out_the_public_one() -> None:
    public_key, private_key = generate_vapid_keys()
    body = {"subject": "https://example.com", "private_key": private_key + "="}
    public, secret = parse_credential(WEBPUSH, body, TODAY)
    assert public == {"subject": "https://example.com", "public_key": public_key}
    assert secret == {"private_key": private_key}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"subject": ""}, "subject", "missing"),
        ({"subject": "push@example.com"}, "subject", "mailto"),
        ({"subject": "mailto:"}, "subject", "mailto"),
        ({"subject": "mailto:x@localhost"}, "subject", "Apple"),
        ({"subject": "https://localhost:3000"}, "subject", "Apple"),
        ({"subject": "https://127.0.0.1"}, "subject", "Apple"),
        ({"subject": "http://example.com"}, "subject", "https"),
        ({"private_key": "abc"}, "private_key", "32 bytes"),
        ({"private_key": "\u017c"}, "private_key", "32 bytes"),
        ({"public_key": generate_vapid_keys()[0]}, "private_key", "both"),
        (dict(zip(("public_key", "private_key"), (generate_vapid_keys()[0], generate_vapid_keys()[1]), strict=True)),
         "public_key", "belong"),
    ],
)  # fmt: skip
def test_webpush_says_what_is_wrong(changes: dict[str, Any], field: str, words: str) -> None:
    found = problems(WEBPUSH, {"subject": "mailto:push@example.com"} | changes)
    assert list(found) == [field]
    assert words in found[field]


def test_a_refusal_never_holds_the_secret() -> None:
    wrong = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----"
    with pytest.raises(CredentialError) as caught:
        parse_credential(APNS, apns_body(private_key=wrong), TODAY)
    assert "canary" not in str(caught.value)
