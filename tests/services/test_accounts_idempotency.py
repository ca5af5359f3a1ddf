"""The claim on an Idempotency-Key: one act, one answer, whatever dies in between."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.bootstrap import Core
from backend.db import OPERATOR
from backend.errors import Invalid, StillRunning
from backend.services import apps, idempotency
from backend.services.apps import AppRow
from backend.services.idempotency import Answered, Claim

ROUTE = "POST /things"


def later(core: Core, app: AppRow, **after: int):
    now = core.clock() + timedelta(**after)
    return replace(core, clock=lambda: now).work(OPERATOR, app.number)


def test_the_first_request_acts_and_the_others_get_its_answer(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        claim = idempotency.begin(work, ROUTE, "k", "h1")
        assert isinstance(claim, Claim)
    with core.work(OPERATOR, app.number) as work, pytest.raises(StillRunning):
        idempotency.begin(work, ROUTE, "k", "h1")
    with core.work(OPERATOR, app.number) as work:
        idempotency.finish(work, claim, 201, {"id": 7})
    with core.work(OPERATOR, app.number) as work:
        assert idempotency.begin(work, ROUTE, "k", "h1") == Answered(201, {"id": 7})
        with pytest.raises(Invalid) as error:
            idempotency.begin(work, ROUTE, "k", "h2")
    assert error.value.errors[0].field == "Idempotency-Key"


def test_a_key_is_its_apps_and_its_routes_own(core: Core, app: AppRow):
    with core.work(OPERATOR) as work:
        other = apps.create_app(work, slug="other")
        places = [(app.number, ROUTE), (other.number, ROUTE), (app.number, "POST /others")]
        claims = [idempotency.begin(work.within(number), route, "k", "h") for number, route in places]
    assert len({claim.number for claim in claims}) == 3


def test_a_refused_act_frees_the_key(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        claim = idempotency.begin(work, ROUTE, "k", "h1")
    with core.work(OPERATOR, app.number) as work:
        idempotency.release(work, claim)
    with core.work(OPERATOR, app.number) as work:
        assert isinstance(idempotency.begin(work, ROUTE, "k", "another body"), Claim)


def test_the_claim_of_a_dead_process_is_taken_over_after_a_minute_by_one(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        dead = idempotency.begin(work, ROUTE, "k", "h")
    with later(core, app, seconds=50) as work, pytest.raises(StillRunning):
        idempotency.begin(work, ROUTE, "k", "h")
    with later(core, app, seconds=70) as work:
        heir = idempotency.begin(work, ROUTE, "k", "h")
    with later(core, app, seconds=71) as work, pytest.raises(StillRunning):
        idempotency.begin(work, ROUTE, "k", "h")
    # It was not dead, only slow: its act is undone, and giving up does not free the heir's key.
    with core.work(OPERATOR, app.number) as work, pytest.raises(StillRunning):
        idempotency.finish(work, dead, 200, {})
    with core.work(OPERATOR, app.number) as work:
        idempotency.release(work, dead)
    with core.work(OPERATOR, app.number) as work:
        idempotency.finish(work, heir, 200, {"by": "heir"})
    with core.work(OPERATOR, app.number) as work:
        assert idempotency.begin(work, ROUTE, "k", "h") == Answered(200, {"by": "heir"})


def test_answers_are_kept_for_a_day(core: Core, app: AppRow):
    with core.work(OPERATOR, app.number) as work:
        idempotency.begin(work, ROUTE, "k", "h")
    with later(core, app, hours=23) as work:
        assert idempotency.sweep(work) == 0
    with later(core, app, hours=25) as work:
        assert idempotency.sweep(work) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\nb"])
@pytest.mark.parametrize("core", ["sqlite"], indirect=True)
def test_a_key_is_a_short_printable_text(core: Core, app: AppRow, key: str):
    with core.work(OPERATOR, app.number) as work, pytest.raises(Invalid):
        idempotency.begin(work, ROUTE, key, "h")
