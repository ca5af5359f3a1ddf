"""Apps, categories, API keys and the audit trail."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR, Actor
from backend.domain.vocabulary import Scope
from backend.errors import Conflict, Invalid, NotFound
from backend.services import apps, audit, categories, keys
from backend.services.apps import AppRow

on_sqlite = pytest.mark.parametrize("core", ["sqlite"], indirect=True)
"""For rules that no SQL of a kind of its own stands behind."""


def fields_of(error: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [one.field for one in error.value.errors]


@on_sqlite
def test_a_new_app_has_three_categories_that_all_are_opted_in(core: Core, app: AppRow):
    with core.reading(OPERATOR, app.number) as work:
        rows = categories.listing(work)
    assert [(row.slug, row.kind, row.opted_in_by_default) for row in rows] == [
        ("transactional", "mandatory", True),
        ("updates", "informational", True),
        ("marketing", "marketing", True),
    ]


def test_an_app_is_found_by_number_and_slug_and_a_slug_is_taken_once(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        assert apps.get_app(work, app.number) == apps.app_by_slug(work, "shop") == app
        with pytest.raises(Conflict):
            apps.create_app(work, slug="shop")
        assert [row.slug for row in apps.list_apps(work)] == ["shop"]
        for missing in (lambda: apps.get_app(work, 99), lambda: apps.app_by_slug(work, "nobody")):
            with pytest.raises(NotFound):
                missing()


@on_sqlite
def test_every_wrong_field_of_an_app_is_named_at_once_and_nothing_is_made(core: Core):
    wrong = {"slug": "No Spaces", "default_locale": "english!", "default_timezone": "Mars/Olympus"}
    with pytest.raises(Invalid) as error, core.work(OPERATOR) as work:
        apps.create_app(work, **wrong, allowed_origins=["https://shop.example", "shop.example", "https://a.example/"])
    assert fields_of(error) == [
        "slug", "default_locale", "default_timezone", "allowed_origins[1]", "allowed_origins[2]",
    ]  # fmt: skip
    with core.reading(OPERATOR) as work:
        assert apps.list_apps(work) == []


@on_sqlite
def test_where_links_may_lead_is_checked_and_kept(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        assert (app.website, app.link_schemes, app.approval_required) == (None, (), False)
        changes = {"website": "https://shop.example/app", "link_schemes": ["Fjord", "fjord", "com.example.shop"]}
        changed = apps.update_app(work, app.number, **changes)
        assert (changed.website, changed.link_schemes) == ("https://shop.example/app", ("fjord", "com.example.shop"))
        assert apps.update_app(work, app.number, website=None).website is None


@on_sqlite
@pytest.mark.parametrize(
    "website",
    [
        "shop.example", "http://shop.example", "https://", "https://a b.example", "javascript:alert(1)",
        "https://ann:secret@shop.example", f"https://shop.example/{'x' * 500}", "https://shop.example/\u202e",
        "https://[shop", "",
    ],
)  # fmt: skip
def test_a_website_is_an_https_address(core: Core, app: AppRow, website: str):
    with pytest.raises(Invalid) as error, core.work(OPERATOR) as work:
        apps.update_app(work, app.number, website=website)
    assert fields_of(error) == ["website"]


@on_sqlite
def test_schemes_that_are_none_or_harm_are_named(core: Core, app: AppRow):
    schemes = ["fjord", "fjord://", "1st", "JavaScript", "https", "", "x" * 33]
    with pytest.raises(Invalid) as error, core.work(OPERATOR) as work:
        apps.update_app(work, app.number, link_schemes=schemes)
    assert fields_of(error) == [f"link_schemes[{place}]" for place in range(1, 7)]
    with pytest.raises(Invalid), core.work(OPERATOR) as work:
        apps.update_app(work, app.number, link_schemes=[f"s{number}" for number in range(21)])


@on_sqlite
def test_who_switches_approval_on_or_off_is_kept(core: Core, app: AppRow):
    with core.work(Actor("member", 1, "ada@shop.example"), app.number) as work:
        for on in (True, False):
            assert apps.update_app(work, app.number, approval_required=on).approval_required is on
        kept = [(one.actor, one.detail) for one in audit.listing(work).items if one.action == "app.changed"]
    assert kept == [
        ("member ada@shop.example", {"fields": ["approval_required"], "approval_required": on}) for on in (False, True)
    ]


@pytest.mark.parametrize("origin", ["http://localhost:8080", "https://shop.example", "https://[2001:db8::1]:8443", "*"])
def test_origins_are_taken_as_browsers_write_them(sqlite_core: Core, origin: str):
    with sqlite_core.work(OPERATOR) as work:
        assert apps.create_app(work, slug="a", allowed_origins=[origin]).allowed_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    ["https://Shop.example", "https://shop.example:443", "ftp://shop.example", "https://u@shop.example", "null",
     "https://shop.example/path", "https://", "https://shop.example:x", "https://*.example#"],
)  # fmt: skip
def test_what_no_browser_writes_as_an_origin_is_refused(sqlite_core: Core, origin: str):
    with sqlite_core.work(OPERATOR) as work, pytest.raises(Invalid):
        apps.create_app(work, slug="a", allowed_origins=[origin])


@on_sqlite
def test_an_app_is_changed_by_name_and_only_where_it_may_be(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        changed = apps.update_app(work, app.number, name="Store", identity_verification=False, launch_threshold=5)
        assert (changed.name, changed.identity_verification, changed.launch_threshold) == ("Store", False, 5)
        with pytest.raises(Invalid) as error:
            apps.update_app(work, app.number, slug="other", launch_threshold=0)
    assert set(fields_of(error)) == {"slug", "launch_threshold"}


@on_sqlite
def test_each_app_has_an_identity_secret_of_its_own_that_lies_encrypted(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
        mine, theirs = apps.identity_secret(work, app.number), apps.identity_secret(work, other.number)
        stored = work.session.connection().exec_driver_sql("SELECT sealed_identity_secret FROM app").fetchall()
    assert mine != theirs
    assert len(mine) >= 43
    assert all(mine.encode() not in bytes(row[0]) for row in stored)


def test_a_key_speaks_for_its_app_until_it_is_revoked_and_is_kept_as_a_hash(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        row, secret = keys.add_key(work, scope=Scope.SERVER, name="backend")
    assert secret.startswith("tk_server_")
    assert len(secret) == len("tk_server_") + 43
    with core.work(OPERATOR, app.number) as work:
        holder = keys.authenticate(work, secret)
        assert holder is not None
        assert (holder.app_id, holder.scope, holder.label) == (app.number, Scope.SERVER, "backend")
        stored = str(work.session.connection().exec_driver_sql("SELECT * FROM api_key").fetchall())
        assert secret not in stored
        assert secret[20:] not in stored
        keys.revoke_key(work, row.id)
        assert keys.authenticate(work, secret) is None
        assert keys.list_keys(work)[0].revoked_at is not None


@on_sqlite
def test_no_two_keys_are_alike(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        assert len({keys.add_key(work, scope="client")[1] for _ in range(20)}) == 20


@pytest.mark.parametrize("secret", ["", "tk_server_", "tk_server_" + "A" * 43, "tk_owner_" + "A" * 43, "x" * 10_000])
def test_nobody_else_speaks(sqlite_core: Core, secret: str):
    with sqlite_core.reading(OPERATOR) as work:
        assert keys.authenticate(work, secret) is None


@on_sqlite
def test_another_apps_key_cannot_be_revoked_from_here(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
        row, secret = keys.add_key(work.within(other.number), scope="client")
        for name in (row.id, "key_nonsense", other.id):
            with pytest.raises(NotFound):
                keys.revoke_key(work.within(app.number), name)
        assert keys.authenticate(work, secret) is not None


def test_the_last_use_of_a_key_is_written_at_most_every_five_minutes(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        _, secret = keys.add_key(work, scope="client")
        holder = keys.authenticate(work, secret)
        assert holder.stale
        keys.touch(work, holder.key_id)
        now = work.now
    for later, stale in ((timedelta(minutes=4), False), (timedelta(minutes=6), True)):
        with replace(core, clock=lambda at=now + later: at).reading(OPERATOR) as work:
            assert keys.authenticate(work, secret).stale is stale


def test_the_audit_trail_tells_who_did_what_newest_first_in_pages(core: Core, app: AppRow):
    with core.work(Actor("member", 1, "ann@shop.example"), app.number) as work:
        for number in range(5):
            audit.record(work, "thing.done", f"thing_{number}", number=number)
    with core.work(OPERATOR) as work:
        audit.record(work, "installation.thing")
    with core.reading(OPERATOR, app.number) as work:
        first = audit.listing(work, limit=3)
        second = audit.listing(work, limit=3, cursor=first.next)
    assert [row.detail["number"] for row in (*first.items, *second.items) if row.action == "thing.done"] == [
        4,
        3,
        2,
        1,
        0,
    ]
    assert first.items[0].actor == "member ann@shop.example"
    assert second.items[-1].action == "app.created"
    with core.reading(OPERATOR) as work:
        assert audit.listing(work).items[0].action == "installation.thing"
