"""Adding a credential of Apple's: by key or by certificate, and what the list says of its end."""

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.vocabulary import CredentialStatus, Environment, ProviderName, Role
from backend.services.credentials import CredentialRow
from console.rows.apps import credential_line
from console.states.credentials import CredentialsState
from tests.providers.samples import apns_body, push_certificate

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def admin(visitor):
    return visitor(Role.ADMIN).at("/apps")


def fresh(days: float = 300) -> str:
    now = datetime.now(UTC)
    return push_certificate(starts=now - timedelta(days=60), ends=now + timedelta(days=days)).p12("s3cret")


async def test_a_certificate_is_added_with_its_end(admin):
    listed = await admin.state(CredentialsState)
    await admin.do(CredentialsState.choose_apple, "certificate")
    form = {"topic": "com.example.app", "environment": "production", "certificate": fresh(), "password": "s3cret"}
    await admin.do(CredentialsState.add, form)
    (line,) = listed.rows
    assert (line.name, line.expiry, listed.adding) == ("com.example.app", "", False)
    assert line.expires.short.startswith("Certificate expires ")


async def test_what_is_wrong_with_a_certificate_stands_beside_its_field(admin):
    listed = await admin.state(CredentialsState)
    await admin.do(CredentialsState.choose_apple, "certificate")
    form = {"topic": "com.example.app", "environment": "production", "certificate": fresh(), "password": "guess"}
    await admin.do(CredentialsState.add, form)
    assert listed.errors.password == "Does not open the .p12."
    await admin.do(CredentialsState.add, form | {"certificate": "hello", "password": ""})
    assert (listed.errors.password, "base64" in listed.errors.certificate) == ("", True)
    assert listed.rows == ()


async def test_each_way_sends_its_own_fields_only(admin):
    """What was typed for the other way is no part of it."""
    listed = await admin.state(CredentialsState)
    assert listed.apple == "key"
    await admin.do(CredentialsState.add, apns_body(environment="production", certificate="left over", password="x"))
    assert [line.expires.short for line in listed.rows] == ["–"]
    await admin.do(CredentialsState.choose_apple, "nothing of the kind")
    assert listed.apple == "key"


@pytest.mark.parametrize(
    ("ends", "short", "expiry"),
    [
        (None, "–", ""),
        (NOW + timedelta(days=30), "Certificate expires 21 Dec 2026", ""),
        (NOW + timedelta(days=29, hours=23), "Certificate expires 21 Dec 2026", "soon"),
        (NOW + timedelta(minutes=1), "Certificate expires 21 Nov 2026", "soon"),
        (NOW, "Certificate expired on 21 Nov 2026", "over"),
    ],
)
def test_the_end_of_a_certificate_in_words(ends: datetime | None, short: str, expiry: str):
    row = CredentialRow(
        id="crd_1",
        provider=ProviderName.APNS,
        environment=Environment.PRODUCTION,
        topic="com.example.app",
        status=CredentialStatus.ACTIVE,
        public={},
        endpoint=None,
        has_ca=False,
        created_at=NOW,
        verified_at=None,
        expires_at=ends,
        held_kind=None,
        reason=None,
        max_per_second=None,
        quarantined_at=None,
        quarantine_reason=None,
        devices=0,
    )
    line = credential_line(row, "Europe/Warsaw", NOW)
    assert (line.expires.short, line.expiry) == (short, expiry)
