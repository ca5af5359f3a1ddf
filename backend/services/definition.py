"""The campaign as a document: read strictly, written out in full.

`parse` takes what people and programs send, `to_json` gives the canonical form that is stored, with
every default in its place. What this version does not offer is refused by name, never ignored.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from backend.domain import content as rules
from backend.domain import topic
from backend.errors import FieldError, Invalid
from backend.services import definition_schedule as schedules
from backend.services.content import Content
from backend.services.definition_schedule import EventSchedule, Instant, NowSchedule, Schedule
from backend.services.strict import Strict, read, refused


def _title(text: str) -> str:
    text = rules.clean(text).strip()
    if not text:
        raise refused("must not be empty")
    return text


def _topic(name: str) -> str:
    if wrong := topic.problem(name):
        raise refused(wrong)
    return name


def _distinct(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


Title = Annotated[str, Field(max_length=200), AfterValidator(_title)]
GroupId = Annotated[str, Field(pattern=r"^(seg|lst)_[A-Za-z0-9_-]{1,40}$", description="Of a segment or a list.")]
GroupIds = Annotated[list[GroupId], Field(max_length=50), AfterValidator(_distinct)]
Topics = Annotated[
    list[Annotated[str, AfterValidator(_topic)]], AfterValidator(_distinct), Field(max_length=topic.MOST)
]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Audience(Strict):
    """Whom: everyone, or the pairs that an included segment or list has and no excluded one; or a provider's topics.

    Of a segment the rules as they were at launch count, of a list who is in it when the run is planned.
    """

    include: GroupIds = Field(default_factory=list)
    exclude: GroupIds = Field(default_factory=list)
    everyone: bool = False
    unseen_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    topics: Topics = Field(default_factory=list)

    @model_serializer(mode="wrap")
    def _brief(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if name != "topics" or value}


class Variant(Strict):
    """One wording, its own or a template's, and its share of the audience."""

    name: Title
    weight: Annotated[int, Field(ge=1, le=10_000)] = 1
    template_id: Annotated[str, Field(pattern=r"^tpl_[A-Za-z0-9_-]{1,40}$")] | None = None
    content: Content | None = None


class Late(Strict):
    """What to do when an occasion was missed by more than so many minutes."""

    minutes: Annotated[int, Field(ge=0, le=10_080)] = 60
    then: Literal["skip", "send", "ask"] = "skip"


class Conversion(Strict):
    """The event that shows that the push has worked, if it comes in time."""

    event: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_title)]
    window_hours: Annotated[int, Field(ge=1, le=2_160)] = 72


class _ScheduleAlone(Strict):
    schedule: Schedule


class CampaignDefinition(Strict):
    """The whole campaign JSON of the public contract."""

    name: Title
    category: Slug = "marketing"
    priority: Literal["normal", "high"] = "normal"
    on_unknown: Literal["retry", "never_twice"] = "retry"
    audience: Audience = Audience()
    variants: Annotated[list[Variant], Field(min_length=1, max_length=8)]
    holdout_percent: Annotated[float, Field(ge=0, lt=100)] = 0
    experiment: None = None
    schedule: Schedule = NowSchedule()
    late: Late = Late()
    not_after: Instant | None = None
    quiet_hours: Literal["hold", "drop", "ignore"] = "hold"
    ignore_caps: bool = False
    throttle_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    spread_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    conversion: Conversion | None = None

    @model_serializer(mode="wrap")
    def _brief(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if name != "spread_minutes" or value}


def parse(data: Mapping[str, Any]) -> CampaignDefinition:
    """Reads a campaign. Raises `Invalid` naming each wrong field (`variants[0].content.title`)."""
    _refuse_later(data)
    definition = read(CampaignDefinition, _named(data))
    if errors := _mismatches(definition):
        raise Invalid(errors)
    return definition


def to_json(definition: CampaignDefinition) -> dict[str, Any]:
    """The canonical document; `parse` gives back the same definition from it."""
    return definition.model_dump(mode="json")


def schedule_json(data: Any) -> dict[str, Any]:
    """A schedule alone, in its canonical form. Raises `Invalid` naming each wrong field (`schedule.rrule`)."""
    schedule = read(_ScheduleAlone, {"schedule": data}).schedule
    if errors := schedules.mismatches(schedule):
        raise Invalid(errors)
    return schedule.model_dump(mode="json")


def _refuse_later(data: Mapping[str, Any]) -> None:
    """Names what the contract knows and this version does not yet do."""
    if not isinstance(data, Mapping):
        raise Invalid("body", "must be an object")
    errors = []
    if data.get("experiment") is not None:
        errors.append(FieldError("experiment", "is not offered by this version; leave it null"))
    if errors:
        raise Invalid(errors)


def _named(data: Mapping[str, Any]) -> dict[str, Any]:
    """Variants without a name are A, B, C …"""
    variants = data.get("variants")
    if not isinstance(variants, list):
        return dict(data)
    letters = "ABCDEFGH"
    named = [
        {"name": letters[index], **variant} if isinstance(variant, Mapping) and index < len(letters) else variant
        for index, variant in enumerate(variants)
    ]
    return {**data, "variants": named}


def _mismatches(definition: CampaignDefinition) -> list[FieldError]:
    """Fields that are right alone and wrong together."""
    errors = []
    audience = definition.audience
    if audience.everyone and audience.include:
        errors.append(FieldError("audience.include", "must be empty when everyone is chosen"))
    if not (audience.everyone or audience.include or audience.topics):
        errors.append(FieldError("audience", "choose everyone, or include a segment, a list or a topic"))
    if audience.topics:
        errors += _beside_topics(definition)
    errors += schedules.mismatches(definition.schedule)
    if isinstance(definition.schedule, EventSchedule) and definition.late.then == "ask":
        errors.append(FieldError("late.then", "does not go with an event: nobody can be asked for each person"))
    if len({variant.name for variant in definition.variants}) < len(definition.variants):
        errors.append(FieldError("variants", "two variants have the same name"))
    for index, variant in enumerate(definition.variants):
        if variant.template_id is not None and variant.content is not None:
            errors.append(FieldError(f"variants[{index}].content", "must be null when a template is chosen"))
        if variant.template_id is None and variant.content is None:
            errors.append(FieldError(f"variants[{index}].content", "is required, or a template_id"))
    return errors


def _beside_topics(definition: CampaignDefinition) -> list[FieldError]:
    """What cannot be asked of a list that the provider keeps: nobody here knows who is on it."""
    audience = definition.audience
    mixed = {
        "everyone": audience.everyone,
        "include": audience.include,
        "exclude": audience.exclude,
        "unseen_days": audience.unseen_days,
    }
    why = "does not go with topics: the provider sends to whoever follows them"
    errors = [FieldError(f"audience.{name}", why) for name, given in mixed.items() if given]
    if len(definition.variants) > 1:
        errors.append(FieldError("variants", "a topic gets one wording: nobody here could tell who saw which"))
    if definition.holdout_percent:
        errors.append(FieldError("holdout_percent", "must be 0: nobody who follows a topic can be left out"))
    if definition.spread_minutes:
        errors.append(FieldError("spread_minutes", "must be null: a topic is one message, which cannot be spread"))
    if schedules.by_person(definition.schedule):
        errors.append(FieldError("schedule", "must be the same for everybody: nobody here knows who follows a topic"))
    return errors
