"""The runs of a campaign, page by page, and what of them waits for its time."""

from datetime import timedelta

import pytest

from backend.db import OPERATOR
from backend.domain.vocabulary import RunState
from backend.errors import Invalid, NotFound
from backend.models import Chunk, Delivery
from backend.services import campaigns, credentials, ids, occasions, run_history
from tests.factories import definition

HOUR = timedelta(hours=1)


@pytest.fixture
def work(core, app):
    with core.work(OPERATOR, app.number) as unit:
        yield unit


@pytest.fixture
def campaign(work):
    made = campaigns.create(work, definition()).row.id
    found = campaigns.find(work, made)
    found.revision_id = campaigns.revise(work, found, found.definition).id
    work.session.flush()
    return found


def run(work, campaign, name, **fields):
    made = occasions.start(work, campaign, campaign.revision_id, occasion=name, due_at=work.now, **fields)
    made.state = RunState.RUNNING
    work.session.flush()
    return made


def rows(work, made, credential, dues, state="planned"):
    """One delivery for each hour from now, in a group of its own."""
    for number, hours in enumerate(dues, 1):
        due = work.now + hours * HOUR
        work.session.add(Chunk(run_id=made.id, number=number, credential_id=credential, not_before=due))
        work.session.add(Delivery(run_id=made.id, chunk=number, dims_id=1, due_at=due, state=state))
    work.session.flush()


@pytest.fixture
def lane(work):
    credentials.add_credential(work, "webpush", {"subject": "mailto:ops@example.test"})
    return work.session.connection().exec_driver_sql("SELECT max(id) FROM credential").scalar()


def test_runs_come_newest_first_a_page_at_a_time(work, campaign):
    for number in range(5):
        run(work, campaign, f"{number}")
    run(work, campaign, "a test", kind="test")
    public = _public(work, campaign)
    first = run_history.listing(work, public, limit=3)
    assert [row.occasion for row in first.items] == ["4", "3", "2"]
    second = run_history.listing(work, public, cursor=first.next, limit=3)
    assert [row.occasion for row in second.items] == ["1", "0"]
    assert second.next is None
    with pytest.raises(Invalid):
        run_history.listing(work, public, cursor="nonsense")
    with pytest.raises(NotFound):
        run_history.listing(work, "cmp_nonsense")


def test_a_run_tells_what_came_of_it(work, campaign, lane):
    made = run(work, campaign, "once")
    rows(work, made, lane, [0, 0, 0], state="accepted")
    (row,) = run_history.listing(work, _public(work, campaign)).items
    assert (row.totals.audience, row.totals.accepted, row.state) == (3, 3, "running")


def test_only_what_is_open_and_later_waits(work, campaign, lane):
    public = _public(work, campaign)
    assert run_history.waiting(work, public) == run_history.Waiting()
    rows(work, run(work, campaign, "now and later"), lane, [0, 2, 5, 3])
    rows(work, run(work, campaign, "sent"), lane, [4], state="accepted")
    ended = run(work, campaign, "ended")
    rows(work, ended, lane, [9])
    ended.state = RunState.CANCELLED
    work.session.flush()
    found = run_history.waiting(work, public)
    assert (found.count, found.first - work.now, found.last - work.now) == (3, 2 * HOUR, 5 * HOUR)


def _public(work, campaign):
    return ids.public(work, ids.CAMPAIGN, campaign.id)
