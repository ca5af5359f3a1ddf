"""Members: signing up, in and out, and who may decide about whom."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR, Actor
from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid, NotAllowed, NotAuthenticated, NotFound, TooManyRequests
from backend.models import Member
from backend.services import apps, members, passwords, sessions
from backend.services.apps import AppRow

PASSWORD = "correct horse battery"
on_sqlite = pytest.mark.parametrize("core", ["sqlite"], indirect=True)
"""For rules that no SQL of a kind of its own stands behind."""

VISITOR = Actor("visitor", label="203.0.113.5")


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch):
    """The real hasher with little work, so that each test need not wait for it."""
    cheap = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
    monkeypatch.setattr(passwords, "_NOBODY", cheap.hash("somebody else's"))


def at(core: Core, now: datetime) -> Core:
    return replace(core, clock=lambda: now)


def add(core: Core, email: str, role: str, app: AppRow | None = None) -> int:
    with core.work(OPERATOR) as work:
        row = members.add_member(work, email, role, app_number=app.number if app else None, password=PASSWORD)
        return core.keyring.number("mem", row.id)


def acting(core: Core, email: str, number: int):
    return core.work(Actor("member", number, email))


def test_the_set_up_link_makes_the_owner_once(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        replaced, token = members.setup_token(work), members.setup_token(work)
        assert members.invitation_problem(work, token) is None
        assert members.invitation_problem(work, replaced)
    with core.work(VISITOR) as work:
        session = members.accept_invitation(work, token, email=" Ann@Shop.Example ", name="Ann", password=PASSWORD)
    with core.work(OPERATOR) as work:
        viewer = members.viewer(work, session)
        assert (viewer.email, viewer.role, viewer.app.slug, viewer.is_owner) == (
            "ann@shop.example",
            Role.OWNER,
            "shop",
            True,
        )
        assert members.setup_token(work) is None
        assert "used" in members.invitation_problem(work, token)
    with core.work(VISITOR) as work, pytest.raises(NotAllowed):
        members.accept_invitation(work, token, email="eve@shop.example", name="Eve", password=PASSWORD)


@on_sqlite
def test_a_set_up_link_is_void_once_somebody_is_a_member(core: Core):
    with core.work(OPERATOR) as work:
        token = members.setup_token(work)
    add(core, "ann@shop.example", "owner")
    with core.work(VISITOR) as work, pytest.raises(NotAllowed):
        members.accept_invitation(work, token, email="eve@shop.example", name="Eve", password=PASSWORD)


@pytest.mark.parametrize(
    ("email", "name", "password", "field"),
    [
        ("ann@shop.example", "Ann", "short", "password"),
        ("ann@shop.example", "Ann", "aaaaaaaaaaaaaaa", "password"),
        ("ann@shop.example", "A" * 201, PASSWORD, "name"),
        ("not an address", "Ann", PASSWORD, "email"),
        ("ann@", "Ann", PASSWORD, "email"),
        (f"{'a' * 64}@{'b' * 300}.example", "Ann", PASSWORD, "email"),
    ],
)
def test_a_refused_sign_up_names_the_field_and_leaves_the_link_good(
    sqlite_core: Core, email: str, name: str, password: str, field: str
):
    with sqlite_core.work(OPERATOR) as work:
        token = members.setup_token(work)
    with pytest.raises(Invalid) as error, sqlite_core.work(VISITOR) as work:
        members.accept_invitation(work, token, email=email, name=name, password=password)
    assert [one.field for one in error.value.errors] == [field]
    with sqlite_core.work(OPERATOR) as work:
        assert members.invitation_problem(work, token) is None


def test_an_invitation_belongs_to_its_address_and_runs_out_after_a_week(core: Core, app: AppRow):
    add(core, "owner@shop.example", "owner")
    with core.work(OPERATOR) as work:
        token = members.invite(work, "bob@shop.example", "editor", app_number=app.number)
        now = work.now
    with at(core, now + timedelta(days=8)).work(VISITOR) as work:
        assert "run out" in members.invitation_problem(work, token)
    with core.work(VISITOR) as work:
        session = members.accept_invitation(work, token, email="eve@shop.example", name="Bob", password=PASSWORD)
        viewer = members.viewer(work, session)
    assert (viewer.email, viewer.role, viewer.is_owner) == ("bob@shop.example", Role.EDITOR, False)


def test_signing_in_opens_a_session_that_signing_out_ends(core: Core, app: AppRow):
    add(core, "ann@shop.example", "admin")
    with core.work(VISITOR) as work:
        one, two = (members.sign_in(work, "ANN@shop.example", PASSWORD, "Firefox") for _ in range(2))
    with core.work(OPERATOR) as work:
        assert members.viewer(work, one).email == "ann@shop.example"
        assert one not in str(work.session.connection().exec_driver_sql("SELECT * FROM member_session").fetchall())
        members.sign_out(work, one)
        assert members.viewer(work, one) is None
        assert members.viewer(work, two) is not None
        assert members.viewer(work, "nonsense") is None


@on_sqlite
@pytest.mark.parametrize(
    ("email", "password"), [("ann@shop.example", "wrong horse"), ("nobody@shop.example", PASSWORD)]
)
def test_a_wrong_password_and_an_unknown_address_sound_the_same(core: Core, email: str, password: str):
    add(core, "ann@shop.example", "admin")
    with core.work(VISITOR) as work, pytest.raises(NotAuthenticated, match="E-mail or password is wrong"):
        members.sign_in(work, email, password)


def test_after_eight_failures_nobody_signs_in_to_that_address_for_ten_minutes(core: Core):
    add(core, "ann@shop.example", "admin")
    add(core, "bob@shop.example", "admin")
    now = core.clock()
    for second in range(sessions.TRIES_BY_EMAIL):
        with at(core, now + timedelta(seconds=second)).work(VISITOR) as work, pytest.raises(NotAuthenticated):
            members.sign_in(work, "ann@shop.example", "wrong")
    elsewhere = Actor("visitor", label="198.51.100.7")
    with at(core, now + timedelta(seconds=60)).work(elsewhere) as work, pytest.raises(TooManyRequests) as error:
        members.sign_in(work, "ann@shop.example", PASSWORD)
    assert error.value.retry_after == 540
    with at(core, now + timedelta(seconds=60)).work(VISITOR) as work:
        members.sign_in(work, "bob@shop.example", PASSWORD)
    with at(core, now + timedelta(seconds=601)).work(VISITOR) as work:
        members.sign_in(work, "ann@shop.example", PASSWORD)


def test_whoever_tries_many_addresses_has_to_wait_as_well(sqlite_core: Core):
    now = sqlite_core.clock()
    for number in range(sessions.TRIES_BY_VISITOR):
        with at(sqlite_core, now).work(VISITOR) as work, pytest.raises(NotAuthenticated):
            members.sign_in(work, f"person{number}@shop.example", "wrong")
    with at(sqlite_core, now).work(VISITOR) as work, pytest.raises(TooManyRequests):
        members.sign_in(work, "another@shop.example", "wrong")
    with at(sqlite_core, now).work(Actor("visitor", label="198.51.100.7")) as work, pytest.raises(NotAuthenticated):
        members.sign_in(work, "another@shop.example", "wrong")


def test_a_session_lasts_thirty_days_from_its_last_use(core: Core, app: AppRow):
    add(core, "ann@shop.example", "admin")
    with core.work(VISITOR) as work:
        token, began = members.sign_in(work, "ann@shop.example", PASSWORD), work.now
    for day in (29, 58):  # a unit that only reads slides it as well
        with at(core, began + timedelta(days=day)).reading(OPERATOR) as work:
            assert members.viewer(work, token) is not None
    with at(core, began + timedelta(days=58 + 31)).reading(OPERATOR) as work:
        assert members.viewer(work, token) is None


@on_sqlite
def test_a_weaker_hash_is_renewed_when_its_owner_signs_in(core: Core, monkeypatch: pytest.MonkeyPatch):
    add(core, "ann@shop.example", "admin")
    monkeypatch.setattr(passwords, "_hasher", passwords.PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
    for renewed in (True, False):
        with core.work(VISITOR) as work:
            before = work.session.connection().exec_driver_sql("SELECT password_hash FROM member").scalar()
        with core.work(VISITOR) as work:
            members.sign_in(work, "ann@shop.example", PASSWORD)
            after = work.session.connection().exec_driver_sql("SELECT password_hash FROM member").scalar()
        assert (before != after) is renewed


@on_sqlite
def test_a_member_opens_only_the_apps_that_a_role_is_for(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    add(core, "ann@shop.example", "editor", app)
    with core.work(VISITOR) as work:
        token = members.sign_in(work, "ann@shop.example", PASSWORD)
    with core.work(OPERATOR) as work:
        viewer = members.viewer(work, token)
        assert [one.slug for one in viewer.apps] == ["shop"]
        assert viewer.may(Role.EDITOR)
        assert not viewer.may(Role.ADMIN)
        with pytest.raises(NotFound):
            members.choose_app(work, viewer, other.number)


def test_the_chosen_app_and_the_stronger_role_hold(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
        row = members.add_member(work, "ann@shop.example", "analyst", password=PASSWORD)
        members.change_role(work, row.id, "admin", app_number=other.number)
    with core.work(VISITOR) as work:
        token = members.sign_in(work, "ann@shop.example", PASSWORD)
    with core.work(OPERATOR) as work:
        members.choose_app(work, members.viewer(work, token), other.number)
        assert (members.viewer(work, token).app.slug, members.viewer(work, token).role) == ("other", Role.ADMIN)
        members.choose_app(work, members.viewer(work, token), app.number)
        assert (members.viewer(work, token).app.slug, members.viewer(work, token).role) == ("shop", Role.ANALYST)


@on_sqlite
def test_only_owners_decide_about_owners(core: Core, app: AppRow):
    add(core, "owner@shop.example", "owner")
    admin = add(core, "admin@shop.example", "admin")
    with core.reading(OPERATOR) as work:
        owner_id = next(row.id for row in members.list_members(work) if row.role is Role.OWNER)
    for actor in (Actor("member", admin, "admin@shop.example"), Actor("key", 1, "ci")):
        for verb in (
            lambda work: members.add_member(work, "eve@shop.example", "owner", password=PASSWORD),
            lambda work: members.invite(work, "eve@shop.example", "owner"),
            lambda work: members.change_role(work, owner_id, "editor"),
            lambda work: members.remove(work, owner_id),
        ):
            with core.work(actor) as work, pytest.raises(NotAllowed):
                verb(work)
        with core.work(actor) as work:
            members.invite(work, "ok@shop.example", "admin")


@on_sqlite
def test_an_admin_of_one_app_decides_about_nothing_else(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
    admin = add(core, "admin@shop.example", "admin", app)
    editor = add(core, "editor@shop.example", "editor", app)
    with acting(core, "admin@shop.example", admin) as work:
        members.invite(work, "new@shop.example", "editor", app_number=app.number)
        for place in (None, other.number):
            with pytest.raises(NotAllowed):
                members.invite(work, "new@shop.example", "editor", app_number=place)
    with acting(core, "editor@shop.example", editor) as work, pytest.raises(NotAllowed):
        members.invite(work, "friend@shop.example", "analyst", app_number=app.number)
    with core.work(Actor("visitor")) as work, pytest.raises(NotAllowed):
        members.invite(work, "friend@shop.example", "analyst")


def test_the_last_owner_stays(core: Core):
    add(core, "ann@shop.example", "owner")
    with core.work(OPERATOR) as work:
        only = members.list_members(work)[0].id
        for verb in (lambda: members.remove(work, only), lambda: members.change_role(work, only, "admin")):
            with pytest.raises(Conflict):
                verb()
    add(core, "bob@shop.example", "owner")
    with core.work(OPERATOR) as work:
        members.remove(work, only)
        assert [row.email for row in members.list_members(work)] == ["bob@shop.example"]


@pytest.mark.parametrize("core", ["postgresql"], indirect=True)
def test_two_owners_cannot_remove_each_other_at_once(core: Core):
    for name in ("ann", "bob"):
        add(core, f"{name}@shop.example", "owner")
    with core.reading(OPERATOR) as work:
        both = [row.id for row in members.list_members(work)]
    ready = threading.Barrier(2)

    def remove(member_id: str) -> str:
        try:
            with core.work(OPERATOR) as work:
                work.session.connection()
                ready.wait(30)
                members.remove(work, member_id)
        except Conflict:
            return "stays"
        return "gone"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, both)) == ["gone", "stays"]


def test_a_removed_member_is_signed_out_at_once(core: Core, app: AppRow):
    add(core, "owner@shop.example", "owner")
    add(core, "ann@shop.example", "editor", app)
    with core.work(VISITOR) as work:
        token = members.sign_in(work, "ann@shop.example", PASSWORD)
    with core.work(OPERATOR) as work:
        ann = next(row for row in members.list_members(work) if row.email == "ann@shop.example")
        assert ann.last_seen is not None
        members.remove(work, ann.id)
    with core.reading(OPERATOR) as work:
        assert members.viewer(work, token) is None


@on_sqlite
def test_a_disabled_member_is_out_at_once_and_stays_out(core: Core, app: AppRow):
    number = add(core, "ann@shop.example", "editor", app)
    with core.work(VISITOR) as work:
        token = members.sign_in(work, "ann@shop.example", PASSWORD)
    with core.work(OPERATOR) as work:
        work.session.get(Member, number).disabled_at = work.now
    with core.reading(OPERATOR) as work:
        assert members.viewer(work, token) is None
    with core.work(VISITOR) as work, pytest.raises(NotAuthenticated):
        members.sign_in(work, "ann@shop.example", PASSWORD)


@on_sqlite
def test_an_address_is_a_member_once(core: Core, app: AppRow):
    add(core, "ann@shop.example", "editor")
    with core.work(OPERATOR) as work, pytest.raises(Conflict):
        members.add_member(work, "ANN@shop.example", "editor", password=PASSWORD)
    with core.work(OPERATOR) as work, pytest.raises(Conflict):
        members.invite(work, "ann@shop.example", "editor")
    with core.work(OPERATOR) as work, pytest.raises(Invalid):
        members.add_member(work, "bob@shop.example", "king", password=PASSWORD)


def test_a_password_is_stored_as_argon2id_and_takes_its_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passwords, "_hasher", passwords.PasswordHasher())
    stored = passwords.hashed(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.fits(PASSWORD, stored)
    assert not passwords.fits(PASSWORD + "!", stored)
    assert not passwords.fits(PASSWORD, None)
    assert not passwords.outdated(stored)
