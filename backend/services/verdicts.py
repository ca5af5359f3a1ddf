"""Why somebody gets a campaign or does not, told rule by rule with the facts and rules of the sender itself.

Everything is asked as of now, and nothing is written; what was recorded when it was sent stands beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from backend.db import Work
from backend.domain import policy
from backend.domain.policy import Defer, Expire, Skip, Verdict
from backend.domain.vocabulary import AddressKind, CampaignKind, CampaignState, DeviceState
from backend.errors import Invalid, NotFound
from backend.models import App, Campaign
from backend.queries import campaigns as campaign_queries
from backend.queries import preflight, segment_rows
from backend.queries import verdicts as queries
from backend.services import campaigns, capping, ids, people_search, runs, segment_judge, segmentation, verdict_words
from backend.services.runs import RunContext
from backend.services.verdict_words import YET, Counted, Seen
from backend.services.words import REASONS


@dataclass(frozen=True, slots=True)
class Look:
    """One rule: what it looked at and found. `outcome` is passed, held or stopped; after stopped no rule is asked."""

    rule: str
    title: str
    text: str
    outcome: str


@dataclass(frozen=True, slots=True)
class AudienceRule:
    """A rule of a segment in words, and whether it is true for the person."""

    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class AudiencePart:
    """A segment or list that the audience includes or leaves out, whether the person is in it, and its rules."""

    name: str
    excluded: bool
    holds: bool
    rules: tuple[AudienceRule, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A push of this campaign to this person as it was written down."""

    delivery_id: str
    device_id: str | None
    platform: str
    is_test: bool
    state: str
    reason: str | None
    reason_text: str
    due_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeviceVerdict:
    """A device: each rule that was asked of it, and the answer (send, hold, skip, expire, outside, unreachable)."""

    device_id: str
    platform: str
    model: str | None
    answer: str
    reason: str | None
    until: datetime | None
    text: str
    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class PersonVerdict:
    """The whole answer, as of `at`. `recorded` is the newest first, and not only of devices that are still there."""

    campaign_id: str
    campaign_name: str
    campaign_state: str
    user_id: str | None
    person_id: str
    at: datetime
    text: str
    launched: bool
    launched_text: str
    in_audience: bool
    audience_text: str
    audience: tuple[AudiencePart, ...]
    devices: tuple[DeviceVerdict, ...]
    recorded: tuple[Recorded, ...]


@dataclass(frozen=True, slots=True)
class _Case:
    """One person and campaign, with what all their devices share."""

    work: Work
    app: App
    context: RunContext
    category: str
    audience: Mapping[str, Any]
    user: int


def explain(work: Work, campaign_id: str, user_id: str) -> PersonVerdict:
    """Each rule between a campaign and a person. Raises `NotFound` for either, `Invalid` for a send to topics."""
    campaign = campaigns.find(work, campaign_id, lock=False)
    case = _case(work, campaign, people_search.number_of(work, user_id))
    if case.audience.get("topics"):
        raise Invalid("campaign_id", "goes to topics: the provider keeps their members, and nobody's wishes are asked")
    condition = segmentation.audience_where(work, case.audience)
    member, inside = queries.in_audience(work.session, case.user, condition)
    recorded = queries.recorded(work.session, campaign.id, case.user)
    devices = tuple(_devices(case, condition, inside, recorded))
    public = ids.public(work, ids.USER, case.user)
    external = None if user_id == public else user_id
    state = CampaignState(campaign.state)
    return PersonVerdict(
        campaign_id=campaign_id,
        campaign_name=campaign.name,
        campaign_state=campaign.state,
        user_id=external,
        person_id=public,
        at=work.now,
        text=verdict_words.overall([one.answer for one in devices], state, member, external or "This person"),
        launched=state not in YET,
        launched_text=verdict_words.LAUNCHED[state],
        in_audience=member,
        audience_text=segmentation.audience_text(work, case.audience),
        audience=tuple(_parts(case)),
        devices=devices,
        recorded=tuple(_recorded(work, row) for row in recorded),
    )


def _case(work: Work, campaign: Campaign, user: int) -> _Case:
    """By the newest run of what is over or on its way; as a launch would have it of what will send again."""
    app = campaign_queries.app(work.session, work.app_id)
    run = campaign_queries.latest_runs(work.session, [campaign.id]).get(campaign.id)
    again = campaign.state in (*YET, CampaignState.ACTIVE) or campaign.repeats
    context = runs.load(work, run.id) if run and not again else runs.draft(work, campaign)
    definition = campaign.definition
    if run and not again:
        definition = campaign_queries.run_facts(work.session, run.id).revision.definition
    category = campaign_queries.category(work.session, work.app_id, definition["category"])
    name = category.name if category else definition["category"]
    return _Case(work, app, context, name, definition["audience"], user)


def _devices(case: _Case, condition: Any, inside: set[int], recorded: Sequence[Any]) -> Iterator[DeviceVerdict]:
    work, context = case.work, case.context
    rows = preflight.devices_of(work.session, work.app_id, case.user, context.category_id, work.now)
    sent = capping.recent(work, context, [case.user], work.now).get(case.user, ())
    counted = _counted(case)
    first = queries.twins(work.session, work.app_id, condition, [row.address_index for row in rows])
    due = {row.device_id: row.due_at for row in recorded if row.run_id == context.run_id}
    for found in rows:
        row = SimpleNamespace(**{**found._mapping, "due_at": due.get(found.device_id, work.now)})
        twin = first.get(row.address_index, row.device_id) < row.device_id
        target = runs.target(row, context, twin=twin, sent=sent)
        windows = case.app.quiet_hours if row.quiet_hours is None else [row.quiet_hours]
        seen = Seen(target, context.policy, work.now, case.category, windows, counted)
        yield _device(work, row, seen, row.device_id in inside)


def _counted(case: _Case) -> list[Counted]:
    """By name what the caps count: a person is told which pushes they were."""
    context, now = case.context, case.work.now
    if not context.policy.capped:
        return []
    since = now - context.policy.look_back
    rows = queries.counted(case.work.session, case.user, context.run_id, since, now, context.rank)
    named = [("a message" if row.kind == CampaignKind.MESSAGE else row.name, row) for row in rows]
    return [Counted(name, row.category_id, row.at) for name, row in named]


def _device(work: Work, row: Any, seen: Seen, inside: bool) -> DeviceVerdict:
    made = DeviceVerdict(ids.public(work, ids.DEVICE, row.device_id), row.platform, row.model, "", None, None, "", ())
    if (why := _unreachable(row)) is not None:
        return replace(made, answer="unreachable", reason=why, text=verdict_words.ADDRESSABLE[why])
    if not inside:
        return replace(made, answer="outside", text="The audience does not take this device.")
    asked = policy.explain(seen.target, seen.policy, seen.now)
    looks = tuple(
        Look(
            one.rule,
            verdict_words.TITLES[one.rule],
            verdict_words.look(one.rule, one.verdict, seen),
            _outcome(one.verdict),
        )
        for one in asked
    )
    last = asked[-1].verdict
    answer, reason, until = _answer(last)
    where: ZoneInfo = seen.target.quiet_zone
    return replace(
        made, answer=answer, reason=reason, until=until, text=verdict_words.verdict(last, where, seen.now), looks=looks
    )


def _unreachable(row: Any) -> str | None:
    if row.state != DeviceState.ACTIVE:
        return str(row.state)
    return "no_credential" if row.credential_id is None and row.address_kind != AddressKind.TOPIC else None


def _outcome(verdict: Verdict | None) -> str:
    if verdict is None:
        return "passed"
    return "held" if isinstance(verdict, Defer) else "stopped"


def _answer(verdict: Verdict | None) -> tuple[str, str | None, datetime | None]:
    match verdict:
        case Skip(reason):
            return "skip", str(reason), None
        case Defer(until):
            return "hold", None, until
        case Expire(missed):
            return "expire", "missed" if missed else "too_late", None
        case _:
            return "send", None, None


def _parts(case: _Case) -> Iterator[AudiencePart]:
    """Each segment and list of the audience, with the rules that say why."""
    if case.audience.get("everyone"):
        yield AudiencePart("Everyone", excluded=False, holds=True, rules=())
    for side, excluded in (("include", False), ("exclude", True)):
        for one in case.audience.get(side) or ():
            yield _part(case, one, excluded)


def _part(case: _Case, named: str, excluded: bool) -> AudiencePart:
    work, alone = case.work, {**case.audience, "everyone": False, "include": [named], "exclude": []}
    holds, _ = queries.in_audience(work.session, case.user, segmentation.audience_where(work, alone))
    is_list = named.startswith(ids.LIST)
    number = ids.number(work, ids.LIST if is_list else ids.SEGMENT, named)
    look_up = segment_rows.list_names if is_list else segment_rows.names
    name = look_up(work.session, work.app_id, [number]).get(number, named)
    rules = () if is_list else tuple(_rules(case, named, number))
    return AudiencePart(f"List {name}" if is_list else name, excluded, holds, rules)


def _rules(case: _Case, named: str, number: int) -> Iterator[AudienceRule]:
    """As they were launched, or as they are now."""
    frozen = case.audience.get("frozen") or {}
    kept = frozen.get(named) or queries.rules_of(case.work.session, case.work.app_id, number)
    try:
        for one in segment_judge.of_person(case.work, kept or {"rules": []}, case.user, frozen):
            yield AudienceRule(one.description, one.holds)
    except (Invalid, NotFound):
        return  # a rule names what is gone: the part alone is told


def _recorded(work: Work, row: Any) -> Recorded:
    device = ids.public(work, ids.DEVICE, row.device_id) if row.device_id is not None else None
    return Recorded(
        delivery_id=ids.public(work, ids.DELIVERY, row.id),
        device_id=device,
        platform=row.platform or "",
        is_test=row.kind == "test",
        state=row.state,
        reason=row.reason,
        reason_text=REASONS.get(row.reason or "", row.reason or ""),
        due_at=row.due_at,
        ended_at=row.ended_at,
    )
