"""Who gets tests of campaigns, and what became of each test."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from backend.api.campaign_shapes import Given, TrialIn, TrialOut
from backend.api.deps import ServerCaller
from backend.api.paging import DEFAULT, Cursor, Limit, PageOut
from backend.services import messages, testers, trials
from backend.services.testers import TesterDevice, TesterRow
from backend.services.trials import Trial

router = APIRouter(tags=["Server"])
Id = Annotated[str, Path(max_length=64)]


class TesterIn(Given):
    """A user of the app who is to get tests."""

    user_id: str = Field(min_length=1, max_length=255)
    name: str = Field("", max_length=200, description="What they are called in the console; their id when empty.")
    member_id: str | None = Field(None, max_length=64, description="The member whose own devices these are.")


class TesterOut(BaseModel):
    """A user who gets tests, with their devices; `problem` says why a push would not reach one."""

    id: str
    user_id: str
    name: str
    member: str | None = Field(description="The e-mail address of the member whose own devices these are.")
    created_at: datetime
    devices: list[TesterDevice]

    @classmethod
    def of(cls, row: TesterRow) -> "TesterOut":
        told = {name: getattr(row, name) for name in cls.model_fields if name != "devices"}
        return cls(**told, devices=list(row.devices))


class TestersOut(BaseModel):
    """All of them, by name."""

    items: list[TesterOut]


@router.get("/testers", summary="Who gets tests")
def list_testers(caller: ServerCaller) -> TestersOut:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return TestersOut(items=[TesterOut.of(row) for row in testers.listing(work)])


@router.post("/testers", status_code=201, summary="Make a user a tester, or name one anew")
def add_tester(caller: ServerCaller, body: TesterIn) -> TesterOut:
    with caller.core.work(caller.actor, caller.app_id) as work:
        return TesterOut.of(testers.add(work, body.user_id, name=body.name, member_id=body.member_id))


@router.delete("/testers/{tester_id}", status_code=204, summary="No more tests for them")
def remove_tester(caller: ServerCaller, tester_id: Id) -> None:
    with caller.core.work(caller.actor, caller.app_id) as work:
        testers.remove(work, tester_id)


@router.post("/campaigns/{campaign_id}/test", status_code=202, summary="Send it to a few people first")
def try_campaign(caller: ServerCaller, campaign_id: Id, body: TrialIn) -> TrialOut:
    """As a launch would send it, through the real senders. Who is named and cannot be reached is in `unreached`;
    when nobody can be, 422 says so of each."""
    with caller.core.work(caller.actor, caller.app_id) as work:
        return TrialOut.model_validate(messages.send_test(work, campaign_id, **body.model_dump()))


@router.get("/campaigns/{campaign_id}/tests", response_model=PageOut[Trial], summary="Its tests, newest first")
def list_tests(caller: ServerCaller, campaign_id: Id, limit: Limit = DEFAULT, cursor: Cursor = None) -> object:
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return trials.listing(work, campaign_id, cursor=cursor, limit=limit)


@router.get("/campaigns/{campaign_id}/tests/{run_id}", summary="What became of one test")
def get_test(caller: ServerCaller, campaign_id: Id, run_id: Id) -> Trial:
    """A row for each device with the provider's own reply. Ask again until `open` is 0; receipts may come later."""
    with caller.core.reading(caller.actor, caller.app_id) as work:
        return trials.get(work, campaign_id, run_id)
