"""A launch that a second member approves: exactly what was asked about, and by nobody else."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR, Actor, Work
from backend.domain.vocabulary import Role
from backend.errors import Conflict, Invalid, NotAllowed, NotFound, TocsinError
from backend.services import approvals, apps, audit, campaigns, ids, members, passwords, segmentation, templates
from backend.services.apps import AppRow
from tests.factories import definition

on_sqlite = pytest.mark.parametrize("core", ["sqlite"], indirect=True)
"""For rules that no SQL of a kind of its own stands behind."""
KEY = Actor("key", 1, "Backend")


@dataclass(frozen=True)
class Team:
    """An app whose launches are approved, its people, and a draft."""

    core: Core
    app: AppRow
    people: dict[str, Actor]
    draft: str

    def do(self, who: str | Actor, verb: Callable, *args, **kwargs):
        actor = self.people[who] if isinstance(who, str) else who
        with self.core.work(actor, self.app.number) as work:
            return verb(work, *args, **kwargs)

    def question(self) -> str:
        return self.do("ann", approvals.of, self.draft).history[0].id

    def approved(self) -> None:
        self.do("ann", approvals.ask, self.draft)
        self.do("bob", approvals.approve, self.question())

    def state(self) -> str:
        return self.do("ann", campaigns.get, self.draft).row.state


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch):
    cheap = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)


@pytest.fixture
def team(core: Core, app: AppRow) -> Team:
    roles = {"ann": Role.EDITOR, "bob": Role.EDITOR, "eve": Role.ANALYST, "olga": Role.OWNER}
    with core.work(OPERATOR, app.number) as work:
        apps.update_app(work, app.number, approval_required=True)
        people = {name: _joins(work, name, role) for name, role in roles.items()}
    with core.work(people["ann"], app.number) as work:
        draft = campaigns.create(work, definition()).row.id
    return Team(core, app, people, draft)


def _joins(work: Work, name: str, role: Role, place: int | None = None) -> Actor:
    email = f"{name}@shop.example"
    made = members.add_member(work, email, role, app_number=place, password="correct horse battery")
    return Actor("member", ids.number(work, ids.MEMBER, made.id), email)


def test_a_launch_waits_for_a_second_member_and_then_goes(team: Team):
    with pytest.raises(Conflict, match="a second member approves each launch"):
        team.do("ann", campaigns.launch, team.draft)
    asked = team.do("ann", approvals.ask, team.draft, "  Have a look at the price.  ")
    assert (asked.required, asked.may_answer, asked.approvers) == (
        True,
        False,
        ("bob@shop.example", "olga@shop.example"),
    )
    assert (asked.history[0].state, asked.history[0].note) == ("asked", "Have a look at the price.")
    with pytest.raises(Conflict, match="waits for the approval"):
        team.do("olga", campaigns.launch, team.draft)
    seen = team.do("bob", approvals.of, team.draft)
    assert (seen.may_answer, seen.blocked) == (True, approvals.WAITS)
    told = team.do("bob", approvals.approve, seen.history[0].id, "Fine.")
    assert (told.blocked, told.history[0].answered_by, told.history[0].answer) == (
        None,
        "member bob@shop.example",
        "Fine.",
    )
    assert team.do("ann", campaigns.launch, team.draft).row.state == "running"
    with team.core.reading(OPERATOR, team.app.number) as work:
        entries = [(one.action, one.actor) for one in audit.listing(work).items]
    assert ("approval.ask", "member ann@shop.example") in entries
    assert ("approval.approve", "member bob@shop.example") in entries


@on_sqlite
def test_nobody_answers_themselves_and_analysts_and_keys_do_not_answer(team: Team):
    team.do("ann", approvals.ask, team.draft)
    for who in ("ann", "eve", KEY, OPERATOR):
        for verb in (approvals.approve, approvals.decline):
            with pytest.raises(NotAllowed, match="A second member"):
                team.do(who, verb, team.question(), "Fine.")
    assert not team.do("eve", approvals.of, team.draft).may_answer


@on_sqlite
def test_where_a_program_asked_who_drafted_it_does_not_answer_either(team: Team):
    asked = team.do(KEY, approvals.ask, team.draft)
    assert asked.approvers == ("bob@shop.example", "olga@shop.example")
    with pytest.raises(NotAllowed):
        team.do("ann", approvals.approve, team.question())
    team.do("bob", approvals.approve, team.question())
    assert team.do(KEY, campaigns.launch, team.draft).row.state == "running"


@on_sqlite
def test_a_member_of_another_app_and_one_who_has_left_do_not_answer(team: Team):
    with team.core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
        far = _joins(work, "far", Role.ADMIN, other.number)
        near = _joins(work, "near", Role.EDITOR, team.app.number)
    team.do("ann", approvals.ask, team.draft)
    with pytest.raises(NotAllowed):
        team.do(far, approvals.approve, team.question())
    with pytest.raises(NotFound), team.core.work(near, other.number) as work:
        approvals.approve(work, team.question())
    with team.core.work(OPERATOR) as work:
        members.remove(work, ids.public(work, ids.MEMBER, near.id))
    with pytest.raises(NotAllowed):
        team.do(near, approvals.approve, team.question())


@on_sqlite
def test_a_no_says_why_and_ends_the_question(team: Team):
    team.do("ann", approvals.ask, team.draft)
    with pytest.raises(Invalid):
        team.do("bob", approvals.decline, team.question(), "  ")
    team.do("bob", approvals.decline, team.question(), "The price is wrong.")
    with pytest.raises(Conflict, match=r"bob@shop.example declined.*The price is wrong"):
        team.do("ann", campaigns.launch, team.draft)
    with pytest.raises(Conflict, match="no longer open"):
        team.do("olga", approvals.approve, team.question())
    assert team.do("ann", approvals.ask, team.draft).history[0].state == "asked"


@on_sqlite
def test_any_change_makes_an_approval_void_and_putting_it_back_does_not(team: Team):
    team.approved()
    team.do("ann", campaigns.update, team.draft, {"name": "Another name"})
    seen = team.do("ann", approvals.of, team.draft)
    assert (seen.history[0].state, seen.history[0].changed) == ("approved", True)
    with pytest.raises(Conflict, match="changed since it was approved"):
        team.do("ann", campaigns.launch, team.draft)
    team.do("ann", campaigns.update, team.draft, {"name": definition()["name"]})
    assert team.do("ann", campaigns.launch, team.draft).row.state == "running"


@on_sqlite
def test_a_draft_that_changed_is_not_approved_and_asking_anew_ends_the_old_question(team: Team):
    team.do("ann", approvals.ask, team.draft)
    old = team.question()
    team.do("ann", campaigns.update, team.draft, {"name": "Another name"})
    with pytest.raises(Conflict, match="changed since it was asked about"):
        team.do("bob", approvals.approve, old)
    with pytest.raises(Conflict, match="changed since it was asked about"):
        team.do("ann", campaigns.launch, team.draft)
    asked = team.do("ann", approvals.ask, team.draft)
    assert [one.state for one in asked.history] == ["asked", "withdrawn"]
    with pytest.raises(Conflict, match="no longer open"):
        team.do("bob", approvals.approve, old)


@on_sqlite
def test_what_a_draft_names_belongs_to_it(team: Team):
    """A template or a segment that is saved anew makes another message, or another audience, of the same draft."""
    template = team.do("ann", templates.create, "t", {"title": "Hello"}).id
    everybody = {"combinator": "and", "rules": []}
    segment = team.do("ann", segmentation.create, "s", everybody).id
    changes = {"variants": [{"name": "A", "template_id": template}], "audience": {"include": [segment]}}
    team.do("ann", campaigns.update, team.draft, changes)
    team.approved()
    team.do("ann", templates.save, template, content={"title": "Goodbye"})
    with pytest.raises(Conflict, match="changed since it was approved"):
        team.do("ann", campaigns.launch, team.draft)
    team.approved()
    rules = {**everybody, "rules": [{"field": "user.country", "operator": "=", "value": "PL"}]}
    team.do("ann", segmentation.save, name="s", rules=rules, segment_id=segment)
    assert team.do("ann", campaigns.listing).items[0].approval == "changed"
    with pytest.raises(Conflict, match="changed since it was approved"):
        team.do("ann", campaigns.launch, team.draft)


@on_sqlite
def test_a_question_is_asked_once_and_may_be_taken_back(team: Team):
    with pytest.raises(Conflict, match="no question"):
        team.do("ann", approvals.withdraw, team.draft)
    team.do("ann", approvals.ask, team.draft)
    with pytest.raises(Conflict, match="asked already"):
        team.do("bob", approvals.ask, team.draft)
    assert team.do("ann", approvals.withdraw, team.draft).blocked == approvals.ASK
    team.approved()
    with pytest.raises(Conflict, match="It is approved"):
        team.do("ann", approvals.ask, team.draft)
    team.do("olga", approvals.withdraw, team.draft)
    with pytest.raises(Conflict, match="ask for approval"):
        team.do("ann", campaigns.launch, team.draft)


@on_sqlite
def test_what_cannot_be_launched_is_not_asked_about(team: Team):
    empty = [{"name": "A", "content": {"title": "", "body": ""}}]
    team.do("ann", campaigns.update, team.draft, {"variants": empty})
    with pytest.raises(Invalid):
        team.do("ann", approvals.ask, team.draft)
    team.do(OPERATOR, apps.update_app, team.app.number, approval_required=False)
    team.do("ann", campaigns.update, team.draft, {"variants": definition()["variants"]})
    with pytest.raises(Conflict, match="need no approval"):
        team.do("ann", approvals.ask, team.draft)
    team.do("ann", campaigns.launch, team.draft)
    with pytest.raises(Conflict, match="Cannot ask for approval while it is running"):
        team.do("ann", approvals.ask, team.draft)


@on_sqlite
@pytest.mark.parametrize(
    ("schedule", "state", "way"),
    [
        ({"kind": "at", "at": "2099-12-01T09:00:00+01:00"}, "scheduled", "Unschedule it"),
        (
            {"kind": "recurring", "rrule": "FREQ=DAILY", "start": "2099-01-01T09:00", "zone": "UTC"},
            "active",
            "Duplicate",
        ),
        ({"kind": "event", "event": "purchase"}, "active", "Duplicate"),
    ],
)
def test_what_was_approved_goes_out_as_it_was_approved(team: Team, schedule: dict, state: str, way: str):
    team.do("ann", campaigns.update, team.draft, {"schedule": schedule})
    team.approved()
    assert team.do("ann", campaigns.launch, team.draft).row.state == state
    for who in ("ann", "olga", KEY):
        with pytest.raises(Conflict, match=way):
            team.do(who, campaigns.update, team.draft, {"name": "Another name"})
    if state == "scheduled":
        team.do("ann", campaigns.unschedule, team.draft)
        team.do("ann", campaigns.update, team.draft, {"name": "Another name"})
        with pytest.raises(Conflict, match="changed since it was approved"):
            team.do("ann", campaigns.launch, team.draft)


def test_drafts_that_wait_are_found(team: Team):
    other = team.do("ann", campaigns.create, definition(name="Other")).row.id
    assert team.do("bob", approvals.waiting) == 0
    team.do("ann", approvals.ask, team.draft)
    assert team.do("bob", approvals.waiting) == 1
    assert [row.id for row in team.do("bob", campaigns.listing, waiting=True).items] == [team.draft]
    assert {row.id: row.approval for row in team.do("bob", campaigns.listing).items} == {
        team.draft: "asked",
        other: None,
    }
    team.do("bob", approvals.approve, team.question())
    assert team.do("bob", approvals.waiting) == 0
    assert team.do("bob", campaigns.get, team.draft).row.approval == "approved"
    team.do(OPERATOR, apps.update_app, team.app.number, approval_required=False)
    assert team.do("bob", campaigns.get, team.draft).row.approval is None


def test_a_deleted_draft_takes_its_questions_along(team: Team):
    team.do("ann", approvals.ask, team.draft)
    question = team.question()
    team.do("ann", campaigns.delete, team.draft)
    with pytest.raises(NotFound):
        team.do("bob", approvals.approve, question)


def together(*deeds: Callable[[], object]) -> list[TocsinError | None]:
    """What each answered, all begun at the same moment."""
    start = threading.Barrier(len(deeds))
    answers: list[TocsinError | None] = [None] * len(deeds)

    def run(place: int) -> None:
        start.wait(10)
        try:
            deeds[place]()
        except TocsinError as error:
            answers[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def test_of_two_answers_at_once_the_first_counts(team: Team):
    for _round in range(5):
        team.do("ann", approvals.ask, team.draft)
        question = team.question()
        answers = together(
            lambda question=question: team.do("bob", approvals.approve, question),
            lambda question=question: team.do("olga", approvals.decline, question, "No."),
        )
        assert sorted(type(one).__name__ for one in answers) == ["Conflict", "NoneType"]
        team.do("ann", campaigns.update, team.draft, {"name": f"Round {_round}"})


def test_an_edit_and_an_approval_at_once_never_launch_what_nobody_approved(team: Team):
    for turn in range(5):
        team.do("ann", approvals.ask, team.draft)
        question = team.question()
        together(
            lambda question=question: team.do("bob", approvals.approve, question),
            lambda turn=turn: team.do("ann", campaigns.update, team.draft, {"name": f"Turn {turn}"}),
        )
        with pytest.raises(Conflict, match="changed since"):
            team.do("ann", campaigns.launch, team.draft)


@pytest.mark.parametrize("what", ["draft", "template"])
def test_an_edit_and_a_launch_at_once_send_only_what_was_approved(team: Team, what: str):
    """The hash is that of the revision which the launch itself has made."""
    for turn in range(5):
        template = team.do("ann", templates.create, f"t{turn}", {"title": "Approved"}).id
        made = definition(variants=[{"name": "A", "template_id": template}], schedule={"kind": "event", "event": "e"})
        mine = Team(team.core, team.app, team.people, team.do("ann", campaigns.create, made).row.id)
        mine.approved()
        edits = {
            "draft": lambda mine=mine: mine.do("ann", campaigns.update, mine.draft, {"name": "Sneaky"}),
            "template": lambda t=template: team.do("ann", templates.save, t, content={"title": "Sneaky"}),
        }
        launched, _edited = together(lambda mine=mine: mine.do("ann", campaigns.launch, mine.draft), edits[what])
        assert launched is None or "changed since it was approved" in launched.detail
        if launched is None:
            assert "Sneaky" not in sent(team.core, mine)


def sent(core: Core, team: Team) -> str:
    from backend.queries import campaigns as queries

    with core.reading(OPERATOR, team.app.number) as work:
        number = queries.find(work.session, team.app.number, ids.number(work, ids.CAMPAIGN, team.draft), lock=False)
        return str(queries.revision(work.session, number.revision_id).definition)
