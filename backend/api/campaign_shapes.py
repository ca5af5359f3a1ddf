"""The bodies of the campaign and message routes."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from backend.services.campaigns import CampaignDetail
from backend.services.deliveries import AttemptRow, Explanation, ReceiptRow, Step
from backend.services.progress import Progress
from backend.services.testers import Unreached


class Given(BaseModel):
    """A body that takes no field it does not know."""

    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    """What is told of a row."""

    model_config = ConfigDict(from_attributes=True)


class CampaignSummary(Told):
    """A campaign in a list; `progress` is that of its run, or of all runs of one that repeats."""

    id: str
    name: str
    state: str
    category: str
    audience_text: str = Field(description="The audience in words.")
    schedule_text: str = Field(description="The schedule in words.")
    repeats: bool = Field(description="Whether it recurs or answers an event; then `due_at` is when it recurs next.")
    created_at: datetime
    updated_at: datetime
    created_by: str
    due_at: datetime | None
    launched_at: datetime | None
    finished_at: datetime | None
    pause_reason: str | None
    pause_detail: str | None
    progress: Progress | None
    approval: str | None = Field(
        description="Of a draft that a second member was asked about: asked, approved, declined, withdrawn, or changed "
        "when it is no longer what was asked about."
    )


class CampaignOut(CampaignSummary):
    """A campaign with every field of its definition, defaults included."""

    model_config = ConfigDict(extra="allow")

    version: int = Field(description="Grows with every save; name it in a PATCH to be sure of your ground.")
    revision: int | None = Field(description="The number of the immutable revision that was launched.")


class DeliveryOut(Told):
    """One push to one device."""

    id: str
    campaign_id: str
    campaign_name: str
    run_id: str
    user_id: str | None
    device_id: str | None
    topic: str | None = Field(description="The topic it went to, of a push to one: then there is no user or device.")
    platform: str
    state: str
    reason: str | None
    reason_text: str = Field(description="The reason in words.")
    variant: str
    locale: str | None
    attempts: int
    maybe_sent: bool = Field(description="Whether it may have been sent before: a repeat replaces its twin.")
    due_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None


class DeliveryExplained(DeliveryOut):
    """One push with its whole story."""

    steps: list[Step] = Field(description="What happened, in order, each with its reason.")
    body: str = Field(description="The body, rendered again.")
    body_as_sent: bool = Field(description="Whether these are the very bytes that were sent.")
    replies: list[AttemptRow] = Field(description="What the provider answered, where it was not success.")
    receipts: list[ReceiptRow]
    dead_letter: bool = Field(description="Whether it is among the dead letters, where it may be retried.")

    @classmethod
    def of(cls, told: Explanation) -> "DeliveryExplained":
        row = DeliveryOut.model_validate(told.row).model_dump()
        rest = {"steps": told.steps, "body": told.body, "body_as_sent": told.body_as_sent}
        return cls.model_validate(
            {**row, **rest, "replies": told.attempts, "receipts": told.receipts, "dead_letter": told.dead_letter}
        )


class LaunchIn(Given):
    """What a person has confirmed."""

    expected_audience: int | None = Field(
        None, ge=0, description="Nothing is launched when the audience has moved by more than 100 and 2 % since."
    )
    version: int | None = Field(
        None, ge=1, description="The campaign's, as the pre-flight told it: nothing is launched that was saved since."
    )


class TrialIn(Given):
    """Whom to send a test to: all active devices of users and testers, or devices."""

    user_ids: list[str] = Field(default_factory=list, max_length=1000)
    device_ids: list[str] = Field(default_factory=list, max_length=1000)
    tester_ids: list[str] = Field(default_factory=list, max_length=1000)
    variant: str | None = Field(
        None, max_length=100, description="The name of the variant that all get; each person's own when absent."
    )


class Recipients(Given):
    """Users (all their active devices), devices, raw tokens that the app has kept itself, or topics."""

    user_ids: list[str] = Field(default_factory=list, max_length=1000)
    device_ids: list[str] = Field(default_factory=list, max_length=1000)
    tokens: list[dict[str, Any]] = Field(
        default_factory=list, max_length=1000, description="`{platform, provider?, token | fid | subscription}` each."
    )
    topics: list[str] = Field(
        default_factory=list, description="Firebase's own lists, at most 5; they give no per-device result."
    )


class MessageIn(Given):
    """A transactional message, to one or many."""

    to: Recipients
    content: dict[str, Any] | None = Field(None, description="As in a campaign's variant; or give `template_id`.")
    template_id: str | None = None
    data: dict[str, Any] | None = Field(
        None,
        description="The template variables `data.*`, at most 16 384 bytes; held to the template's `data_schema`.",
    )
    category: str = "transactional"
    priority: str = "high"


class MessageOut(Told):
    """A message on its way; its deliveries can be looked up at once."""

    message_id: str
    deliveries: list[str]


class TrialOut(Told):
    """A test on its way; no statistic counts it."""

    run_id: str
    deliveries: list[str]
    unreached: list[Unreached] = Field(description="Who was named and does not get it, and why.")


def campaign(detail: CampaignDetail) -> CampaignOut:
    """The whole campaign, flat: its definition beside what became of it."""
    summary = CampaignSummary.model_validate(detail.row)
    told = {name: getattr(summary, name) for name in CampaignSummary.model_fields}
    return CampaignOut(**{**detail.definition, **told}, version=detail.version, revision=detail.revision)
