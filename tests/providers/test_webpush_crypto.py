"""RFC 8291 by the RFC's own example, by http_ece as a second opinion, and the application server's keys."""

import http_ece
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import Browser

from backend.providers.webpush_crypto import (
    PLAINTEXT_LIMIT,
    b64url,
    encrypt,
    from_b64url,
    generate_vapid_keys,
    public_of,
    subscription_problem,
    vapid_key,
    vapid_token,
)

RFC = {
    "plaintext": "V2hlbiBJIGdyb3cgdXAsIEkgd2FudCB0byBiZSBhIHdhdGVybWVsb24",
    "as_private": "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
    "ua_public": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    "salt": "DGv6ra1nlYgDCS1FRnbzlw",
    "body": "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl"
    "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
}  # fmt: skip


def test_the_example_of_rfc_8291() -> None:
    made = encrypt(
        from_b64url(RFC["plaintext"]),
        from_b64url(RFC["ua_public"]),
        from_b64url(RFC["auth"]),
        salt=from_b64url(RFC["salt"]),
        private_key=vapid_key(RFC["as_private"]),
    )
    assert b64url(made) == RFC["body"]


@given(st.binary(max_size=PLAINTEXT_LIMIT))
@settings(max_examples=30, deadline=None)
def test_a_browser_reads_what_we_write(plaintext: bytes) -> None:
    browser = Browser()
    sealed = encrypt(plaintext, browser.point, browser.auth)
    assert http_ece.decrypt(sealed, private_key=browser.key, auth_secret=browser.auth) == plaintext
    assert len(sealed) == len(plaintext) + 103


def test_the_longest_message_fills_the_body() -> None:
    browser = Browser()
    assert len(encrypt(b"x" * PLAINTEXT_LIMIT, browser.point, browser.auth)) == 4_096


def test_salt_and_key_are_fresh_each_time() -> None:
    browser = Browser()
    first, second = (encrypt(b"same", browser.point, browser.auth) for _ in range(2))
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


def test_a_point_off_the_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="EC key"):
        encrypt(b"x", b"\x04" + b"\x01" * 64, b"a" * 16)


def test_keys_are_a_pair() -> None:
    public, private = generate_vapid_keys()
    assert len(from_b64url(public)) == 65
    assert len(from_b64url(private)) == 32
    assert public_of(vapid_key(private)) == public
    assert generate_vapid_keys() != (public, private)


def test_the_vapid_token() -> None:
    _, private = generate_vapid_keys()
    key = vapid_key(private)
    token = vapid_token(key, "https://push.example", "mailto:a@example.com", 4_000_000_000)
    claims = jwt.decode(token, key.public_key(), algorithms=["ES256"], audience="https://push.example")
    assert claims == {"aud": "https://push.example", "exp": 4_000_000_000, "sub": "mailto:a@example.com"}


def test_subscriptions_are_checked() -> None:
    browser = Browser()
    good = b64url(browser.point)
    assert subscription_problem(good, b64url(browser.auth)) is None
    assert "p256dh" in str(subscription_problem(b64url(b"\x04" + b"\x01" * 64), b64url(browser.auth)))
    assert "p256dh" in str(subscription_problem("ż", b64url(browser.auth)))
    assert "15 bytes" in str(subscription_problem(good, b64url(browser.auth[:15])))
    assert "auth" in str(subscription_problem(good, "ż"))
    compressed = browser.key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    assert "p256dh" in str(subscription_problem(b64url(compressed), b64url(browser.auth)))


@pytest.mark.parametrize("text", ["_-8", "/+8=", "_-8=", " _-8 "])
def test_every_spelling_of_base64(text: str) -> None:
    assert from_b64url(text) == b"\xff\xef"
