"""The bodies of the routes about lanes, alarms and dead letters."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from backend.api.admin_shapes import Given, Told
from backend.domain.vocabulary import CredentialStatus, Environment, LaneState, ProviderName
from backend.services.alarms import AlarmKind, Severity

HostState = Literal["closed", "open", "half_open"]


class HostOut(Told):
    """One host of a lane over all senders."""

    host: str
    state: HostState = Field(description="`closed` works, `open` rests, `half_open` sends one push to see.")
    open_for: float = Field(description="Seconds until the next try; 0 unless it rests.")
    failures: int = Field(description="In the last minute.")
    in_flight: int
    connections: int


class TrafficOut(Told):
    """A lane's last minute over all senders."""

    processes: int = Field(description="How many senders speak of it.")
    per_second: float = Field(description="Pushes answered a second.")
    accepted: int
    failed: int
    gone: int = Field(description="Whose address the provider called dead.")
    retried: int
    unknown: int
    blocked: int = Field(description="Refused because of our credential or configuration.")
    reasons: dict[str, int] = Field(description="Answers other than success, in the provider's words.")
    in_flight: int
    p50_ms: float | None
    p95_ms: float | None
    hosts: list[HostOut]


class LaneOut(Told):
    """How a lane (a credential) is doing."""

    id: str = Field(description="The credential's id.")
    provider: ProviderName
    environment: Environment
    name: str
    status: CredentialStatus
    state: LaneState
    sentence: str = Field(description="The state in words.")
    traffic: TrafficOut
    max_per_second: int | None = Field(description="The limit that a member has set; null: the provider's own.")
    rate_limit: float | None = Field(description="What may go out a second now; null without a limit.")
    rows_due: int = Field(description="Pushes that wait to be sent now; an estimate unless `exact`.")
    rows_retrying: int = Field(description="Pushes that wait for another try; at least so many unless `exact`.")
    exact: bool
    oldest_due: datetime | None = Field(description="Since when the first of `rows_due` waits.")
    dead_letters: int
    devices: int | None
    pruned_in_week: int | None = Field(description="Devices whose address turned out dead in the last 7 days.")
    verified_at: datetime | None
    expires_at: datetime | None = Field(description="When its client certificate ends.")
    held_until: datetime | None = Field(description="Until when it stands still; the year 9999 is until it is let go.")
    quarantined_at: datetime | None = Field(description="Since when no device of it is pruned.")
    quarantine_reason: str | None


class LaneChange(Given):
    """What to change about a lane."""

    max_per_second: int | None = Field(description="Pushes a second at most; null leaves it to the provider.")


class AlarmOut(Told):
    """One thing that needs a look."""

    kind: AlarmKind
    severity: Severity
    sentence: str
    since: datetime | None
    campaign_id: str | None
    lane: str | None


class ProcessOut(Told):
    """A server or sender process of this installation."""

    kind: str
    name: str
    address: str | None
    started_at: datetime
    heartbeat_at: datetime
    alive: bool = Field(description="Whether it has been heard of lately.")


class DeadLetterOut(Told):
    """A push that failed though its device was not at fault."""

    id: str = Field(description="The delivery's id.")
    campaign_id: str
    campaign_name: str
    run_id: str
    lane: str = Field(description="The credential that it was sent through.")
    lane_name: str
    user_id: str | None
    device_id: str | None
    platform: str
    variant: str
    attempts: int
    at: datetime
    status: int = Field(description="The HTTP status of the provider's last answer; 0 without one.")
    reason: str
    reason_text: str = Field(description="The reason in words, where we know it.")
    raw: str = Field(description="The provider's reply.")
    refusal: str | None = Field(description="Why it cannot be retried; null when it can.")


class DeadLettersIn(Given):
    """Which dead letters: by id, or all that the filters match."""

    ids: list[Annotated[str, Field(max_length=64)]] | None = Field(None, max_length=1000)
    all: bool = False
    campaign_id: str | None = Field(None, max_length=64)
    lane: str | None = Field(None, max_length=64)
    reason: str | None = Field(None, max_length=120)
    cursor: str | None = Field(None, max_length=200, description="`next` of the answer before, to go on with `all`.")

    @model_validator(mode="after")
    def either(self) -> "DeadLettersIn":
        """Nobody retries everything by leaving a field out."""
        if (self.ids is not None) == self.all:
            raise ValueError("give either ids or all: true")
        if self.ids is not None and (self.campaign_id or self.lane or self.reason or self.cursor):
            raise ValueError("filters and cursor go with all: true")
        return self


class RefusalOut(Told):
    """A dead letter that was left as it is."""

    id: str
    reason: str


class Retried(Told):
    """What became of them."""

    retried: int
    refused: list[RefusalOut]
    next: str | None = Field(description="The cursor to go on with: one call takes at most 10 000.")


class Dropped(Told):
    """What became of them."""

    dropped: int
    refused: list[RefusalOut]
    next: str | None = Field(description="The cursor to go on with: one call takes at most 10 000.")
