"""Credentials: checked before they are kept, encrypted, bound to devices, asked for at the provider."""

import json
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlmodel import col, select

from backend.bootstrap import Core
from backend.crypto import KeyRing
from backend.db import OPERATOR, Work
from backend.domain.vocabulary import ChunkState, CredentialStatus, Environment, HeldKind, ProviderName
from backend.errors import Conflict, Invalid, NotFound
from backend.models import Campaign, Chunk, Credential, Device, Revision, Run, User
from backend.services import apps, audit, credentials, holds, ids
from backend.services.apps import AppRow
from tests.factories import Simulator
from tests.providers.samples import push_certificate

on_sqlite = pytest.mark.parametrize("core", ["sqlite"], indirect=True)


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


@cache
def p8() -> str:
    return pem(ec.generate_private_key(ec.SECP256R1()))


@cache
def rsa_pem() -> str:
    return pem(rsa.generate_private_key(65_537, 2_048))


def apns(**changes: object) -> dict[str, object]:
    body = {"topic": "com.example.shop", "team_id": "TEAM123456", "key_id": "KEY1234567", "private_key": p8()}
    return {**body, **changes}


def fcm(token_uri: str = "https://oauth2.googleapis.com/token") -> dict[str, object]:
    account = {"type": "service_account", "project_id": "shop", "client_email": "a@shop.example"}
    return {"service_account": {**account, "private_key": rsa_pem(), "token_uri": token_uri}}


WEBPUSH = {"subject": "mailto:push@shop.example"}


def device(work: Work, provider: str, environment: str = "production", **changes: object) -> int:
    """A device row as registration leaves it, without its address."""
    user = User(app_id=work.app_id, bucket=1, first_seen=work.now)
    work.session.add(user)
    work.session.flush()
    row = Device(
        app_id=work.app_id, user_id=user.id, platform="ios", provider=provider, environment=environment,
        address_kind="token", sealed_address=b"", address_index=f"{user.id}".encode(), index_version="1",
        secret_hash="", first_seen=work.now, last_seen=work.now, registered_at=work.now, **changes,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    return row.id


def lane_of(work: Work, number: int) -> int | None:
    return work.session.execute(select(col(Device.credential_id)).where(col(Device.id) == number)).scalar_one()


@pytest.mark.parametrize(("provider", "body"), [("apns", apns), ("fcm", fcm), ("webpush", lambda: WEBPUSH)])
def test_a_credential_comes_back_to_the_sender_and_never_to_people(core: Core, app: AppRow, provider, body):
    with core.work(OPERATOR, app.number) as work:
        row = credentials.add_credential(work, provider, body())
        stored = work.session.execute(select(Credential)).scalar_one()
        name, loaded = credentials.load(work, credentials.number_of(work, row.id))
        shown = repr((row, credentials.list_credentials(work)))
        kept = repr(work.session.connection().exec_driver_sql("SELECT * FROM credential").fetchall())
    assert name == provider
    assert loaded.public == row.public
    for secret in loaded.secret.values():
        piece = json.loads(secret)["private_key"] if secret.startswith("{") else secret
        assert piece[30:60] not in shown
        assert piece[30:60] not in kept
    with pytest.raises(InvalidTag):  # sealed for its app: moved to another, it does not open
        core.keyring.decrypt(stored.sealed_secret, f"credential:{app.number + 1}")


@pytest.mark.parametrize(
    ("provider", "body", "fields"),
    [
        ("carrier-pigeon", {}, {"provider"}),
        ("apns", {"private_key": "no"}, {"topic", "team_id", "key_id", "private_key"}),
        ("apns", {"endpoint": "http://apns.example"}, {"endpoint", "topic", "team_id", "key_id", "private_key"}),
        ("fcm", {"service_account": "{"}, {"service_account"}),
        ("fcm", {"service_account": {"type": "authorized_user"}},
         {"service_account.type", "service_account.project_id", "service_account.client_email",
          "service_account.token_uri", "service_account.private_key"}),
        ("webpush", {}, {"subject"}),
        ("webpush", {"subject": "mailto:a@shop.example", "private_key": "AAAA", "extra": 1}, {"private_key", "extra"}),
    ],
)  # fmt: skip
@on_sqlite
def test_what_does_not_parse_is_named_and_not_kept(core: Core, app: AppRow, provider, body, fields):
    with pytest.raises(Invalid) as error, core.work(OPERATOR, app.number) as work:
        credentials.add_credential(work, provider, body)
    assert {one.field for one in error.value.errors} == fields
    with core.reading(OPERATOR, app.number) as work:
        assert credentials.list_credentials(work) == []


INTO_OUR_NETWORK = [
    "127.0.0.1", "127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]",
    "localhost", "db", "db.internal", "printer.local", "a.localhost", "localhost.",
]  # fmt: skip


@pytest.mark.parametrize("host", INTO_OUR_NETWORK)
@on_sqlite
def test_an_endpoint_in_a_private_network_is_refused(core: Core, app: AppRow, host: str):
    for field, body in (("endpoint", apns(endpoint=f"https://{host}:8443")), ("token", fcm(f"https://{host}/token"))):
        with core.work(OPERATOR, app.number) as work, pytest.raises(Invalid) as error:
            credentials.add_credential(work, "apns" if field == "endpoint" else "fcm", body)
        assert len(error.value.errors) == 1
        assert field in error.value.errors[0].field


@on_sqlite
def test_the_operator_may_allow_private_endpoints(core: Core, app: AppRow):
    body = apns(endpoint="https://127.0.0.1:8443")
    with core.work(OPERATOR, app.number) as work:
        assert credentials.add_credential(work, "apns", body, trusted=True).endpoint == "https://127.0.0.1:8443"
        assert credentials.add_credential(work, "apns", apns(endpoint="https://proxy.example")).endpoint
    for settings in (
        replace(core.settings, allow_private_networks=True),
        replace(core.settings, push_hosts=("127.0.0.1:8443",)),
    ):
        with replace(core, settings=settings).work(OPERATOR, app.number) as work:
            assert credentials.add_credential(work, "apns", body).endpoint
    named_other_port = replace(core.settings, push_hosts=("127.0.0.1:9",))
    with replace(core, settings=named_other_port).work(OPERATOR, app.number) as work, pytest.raises(Invalid):
        credentials.add_credential(work, "apns", body)


def test_waiting_devices_of_that_world_are_bound(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
        stranger = device(work.within(other.number), "apns")
    with core.work(OPERATOR, app.number) as work:
        waiting, sandbox, elsewhere = (
            device(work, "apns"),
            device(work, "apns", "sandbox"),
            device(work, "fcm", "sandbox"),
        )
        row = credentials.add_credential(work, "apns", apns())
        number = credentials.number_of(work, row.id)
        assert (row.devices, row.environment) == (1, Environment.PRODUCTION)
        assert [lane_of(work, one) for one in (waiting, sandbox, elsewhere, stranger)] == [number, None, None, None]
        assert credentials.add_credential(work, "fcm", fcm()).devices == 1  # FCM has one world only
        assert credentials.add_credential(work, "apns", apns(environment="sandbox")).devices == 1


def test_new_devices_go_to_the_newest_active_credential(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        assert credentials.active_for(work, ProviderName.APNS, "production") is None
        rows = [credentials.add_credential(work, "apns", apns()) for _ in range(2)]
        first, second = (credentials.number_of(work, row.id) for row in rows)
        assert credentials.active_for(work, ProviderName.APNS, "production") == second
        assert credentials.retire_credential(work, rows[1].id).status is CredentialStatus.RETIRING
        assert credentials.active_for(work, ProviderName.APNS, "production") == first
        assert credentials.active_for(work, ProviderName.APNS, "sandbox") is None


def test_a_credential_in_use_is_not_deleted(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        gone = credentials.add_credential(work, "apns", apns())
        credentials.delete_credential(work, gone.id)
        row = credentials.add_credential(work, "apns", apns())
        number = credentials.number_of(work, row.id)
        phone = device(work, "apns", credential_id=number)
        with pytest.raises(Conflict, match="1 devices"):
            credentials.delete_credential(work, row.id)
        credentials.retire_credential(work, row.id)
        with pytest.raises(Conflict):
            credentials.delete_credential(work, row.id)
        work.session.get(Device, phone).state = "invalid"
        work.session.flush()
        credentials.delete_credential(work, row.id)
        assert lane_of(work, phone) is None


@on_sqlite
def test_a_credential_with_a_send_under_way_is_not_deleted(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        row = credentials.add_credential(work, "apns", apns())
        campaign = Campaign(app_id=app.number, name="c", definition={}, created_at=work.now, updated_at=work.now)
        work.session.add(campaign)
        work.session.flush()
        revision = Revision(campaign_id=campaign.id, number=1, definition={}, content_hash="h", created_at=work.now)
        work.session.add(revision)
        work.session.flush()
        of_both = {"campaign_id": campaign.id, "revision_id": revision.id}
        run = Run(
            app_id=app.number, occasion="once", due_at=work.now, created_at=work.now, activity_at=work.now, **of_both
        )
        work.session.add(run)
        work.session.flush()
        lane = credentials.number_of(work, row.id)
        chunk = Chunk(run_id=run.id, number=1, credential_id=lane, not_before=work.now)
        work.session.add(chunk)
        work.session.flush()
        with pytest.raises(Conflict, match="under way"):
            credentials.delete_credential(work, row.id)
        chunk.state = ChunkState.DONE
        work.session.flush()
        credentials.delete_credential(work, row.id)


@on_sqlite
def test_a_held_lane_says_who_holds_it_and_why_until_it_is_active_again(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        row = credentials.add_credential(work, "apns", apns())
        assert (row.held, row.held_kind, row.reason) == (False, None, None)
        number = credentials.number_of(work, row.id)
        holds.hold(work, number, HeldKind.PROVIDER, "The key was revoked.")
        held = credentials.get_credential(work, row.id)
        assert (held.held, held.held_kind, held.reason) == (True, HeldKind.PROVIDER, "The key was revoked.")
        free = credentials.set_status(work, row.id, "active")
        assert (free.held, free.held_kind, free.reason) == (False, None, None)
        with pytest.raises(Invalid):
            credentials.set_status(work, row.id, "asleep")


@on_sqlite
def test_a_members_limit_of_a_lane(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        row = credentials.add_credential(work, "apns", apns())
        assert row.max_per_second is None
        assert credentials.set_rate(work, row.id, 250).max_per_second == 250
        for wrong in (0, -1, 1_000_001):
            with pytest.raises(Invalid, match="max_per_second"):
                credentials.set_rate(work, row.id, wrong)
        assert credentials.set_rate(work, row.id, None).max_per_second is None
        said = [
            entry.detail["max_per_second"] for entry in audit.listing(work).items if entry.action == "credential.rate"
        ]
        assert said == [None, 250]


@on_sqlite
def test_the_end_of_a_certificate_is_kept(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        row = credentials.add_credential(work, "apns", apns())
        assert row.expires_at is None
        ends = work.now.replace(microsecond=0) + timedelta(days=30)
        made = push_certificate("com.example.shop", starts=work.now - timedelta(days=1), ends=ends)
        body = {"topic": "com.example.shop", "certificate": made.pem()}
        assert credentials.add_credential(work, "apns", body).expires_at == ends


@on_sqlite
def test_another_apps_credential_is_not_there(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
        row = credentials.add_credential(work.within(other.number), "apns", apns())
        mine = work.within(app.number)
        for verb in (
            credentials.get_credential,
            credentials.number_of,
            credentials.retire_credential,
            credentials.delete_credential,
        ):
            with pytest.raises(NotFound):
                verb(mine, row.id)
        with pytest.raises(NotFound):
            credentials.get_credential(mine, ids.public(work, ids.APP, app.number))


async def test_the_provider_is_asked_whether_it_believes_a_credential(sqlite_core: Core, simulated: Simulator):
    body = simulated.authority.apns_credential_body("com.example.shop")
    with sqlite_core.work(OPERATOR) as work:
        app = apps.create_app(work, slug="shop").number
        good = credentials.add_credential(work.within(app), "apns", body, trusted=True)
        bad = credentials.add_credential(work.within(app), "apns", {**body, "private_key": p8()}, trusted=True)
        for row in (good, bad):
            number = credentials.number_of(work.within(app), row.id)
            holds.hold(work, number, HeldKind.PROVIDER, "Refused yesterday.")
    good = await credentials.verify(sqlite_core, app, good.id, OPERATOR)
    assert (good.verified_at is not None, good.held, good.reason) == (True, False, None)
    bad = await credentials.verify(sqlite_core, app, bad.id, OPERATOR)
    assert (bad.verified_at, bad.held) == (None, True)
    assert bad.reason not in (None, "Refused yesterday.")
    with pytest.raises(NotFound):
        await credentials.verify(sqlite_core, app + 1, good.id, OPERATOR)


@on_sqlite
async def test_a_credential_that_our_keys_do_not_open_says_so(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        row = credentials.add_credential(work, "apns", apns())
    other = replace(core, keyring=KeyRing(("another-secret-0123456789-abcdefghijkl", *core.settings.secret_keys)))
    with other.work(OPERATOR, app.number) as work:  # written under a key that is lost afterwards
        lost = credentials.add_credential(work, "apns", apns())
    for name, opens in ((row.id, True), (lost.id, False)):
        with core.reading(OPERATOR, app.number) as work:
            number = credentials.number_of(work, name)
        if opens:
            with core.reading(OPERATOR, app.number) as work:
                assert credentials.load(work, number)[0] == "apns"
        else:
            with pytest.raises(Conflict, match="TOCSIN_SECRET_KEYS"):
                await credentials.verify(core, app.number, name, OPERATOR)
