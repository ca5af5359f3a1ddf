"""Transactional messages by API, and tests of a campaign: small runs planned in the same transaction."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.db import Work
from backend.domain.vocabulary import CampaignKind, CampaignState
from backend.errors import Invalid
from backend.models import Campaign, Run
from backend.queries import campaigns as campaign_queries
from backend.queries import messages as queries
from backend.services import (
    audit,
    campaigns,
    definition,
    ids,
    occasions,
    planner,
    subscribers,
    templates,
    testers,
    topic_audience,
    triggers,
)
from backend.services.testers import Unreached

MOST = 1000


@dataclass(frozen=True, slots=True)
class MessageAccepted:
    """A message on its way; its deliveries can be looked up at once."""

    message_id: str
    deliveries: list[str]


@dataclass(frozen=True, slots=True)
class TrialSent:
    """A test of a campaign on its way, and who was named but does not get it."""

    run_id: str
    deliveries: list[str]
    unreached: tuple[Unreached, ...]


def send(
    work: Work,
    to: Mapping[str, Any],
    *,
    content: Mapping[str, Any] | None = None,
    template_id: str | None = None,
    data: Mapping[str, Any] | None = None,
    category: str = "transactional",
    priority: str = "high",
) -> MessageAccepted:
    """Sends content to users, devices, raw tokens or topics. Raises `Invalid` naming what is wrong.

    `data` is held to the schema of the template, if it has one.
    """
    if (content is None) == (template_id is None):
        raise Invalid("content", "give either content or template_id")
    if wrong := templates.problems_of(work, template_id, data or {}):
        raise Invalid(wrong)
    said = dict(content) if content is not None else templates.content_of(work, str(template_id))
    targets = _targets(work, to)
    carrier = _carrier(work)
    checked = _definition(said, category, priority)
    campaigns.check_launchable(work, checked)
    run = _run(work, carrier, checked, kind="message", devices=targets, said={"data": dict(data)} if data else None)
    return MessageAccepted(ids.public(work, ids.MESSAGE, run.id), _deliveries(work, run))


def _definition(said: Mapping[str, Any], category: str, priority: str) -> dict[str, Any]:
    """What a campaign would be that says only this."""
    one = {"name": "API message", "category": category, "priority": priority, "audience": {"everyone": True}}
    return definition.to_json(definition.parse({**one, "variants": [{"name": "A", "content": said}]}))


def send_test(
    work: Work,
    campaign_id: str,
    *,
    user_ids: Sequence[str] = (),
    device_ids: Sequence[str] = (),
    tester_ids: Sequence[str] = (),
    variant: str | None = None,
) -> TrialSent:
    """Sends a campaign as it stands to chosen devices, through the real senders; no statistic counts it.

    Each person gets their own variant, or all get the one named. What an event campaign's texts read of the event is
    that of `triggers.sample`. Raises `Invalid`, also when nobody of those named can be reached.
    """
    campaign = campaigns.find(work, campaign_id)
    chosen = testers.choose(work, user_ids=user_ids, device_ids=device_ids, tester_ids=tester_ids)
    testers.refuse_nobody(chosen)
    tried = _only(campaign.definition, variant)
    campaigns.check_content(work, tried)
    said = triggers.sample(work, campaign.definition["schedule"])
    run = _run(work, campaign, tried, kind="test", devices=chosen.devices, said=said)
    audit.record(work, "campaign.tested", campaign_id, devices=len(chosen.devices), variant=variant)
    return TrialSent(ids.public(work, ids.RUN, run.id), _deliveries(work, run), chosen.unreached)


def _only(data: Mapping[str, Any], variant: str | None) -> Mapping[str, Any]:
    """The definition with no other variant than this one."""
    if variant is None:
        return data
    named = [one for one in data["variants"] if one["name"] == variant]
    if not named:
        names = ", ".join(one["name"] for one in data["variants"])
        raise Invalid("variant", f"is not a variant of this campaign; it has {names}")
    return {**data, "variants": named}


def _targets(work: Work, to: Mapping[str, Any]) -> list[int]:
    """The devices named, each once. Users stand for all their active devices, topics for rows of their own."""
    users, named, tokens, topics = (list(to.get(key) or []) for key in ("user_ids", "device_ids", "tokens", "topics"))
    if not (users or named or tokens or topics):
        raise Invalid("to", "names nobody: give user_ids, device_ids, tokens or topics")
    if problems := topic_audience.problems(topics, "to.topics"):
        raise Invalid(problems)
    if len(users) + len(named) + len(tokens) > MOST:
        raise Invalid("to", f"names more than {MOST}; use a campaign for larger audiences")
    numbers = [_device(work, position, public) for position, public in enumerate(named)]
    found = set(queries.devices_of_users(work.session, work.app_id, users))
    found |= set(queries.known_devices(work.session, work.app_id, numbers))
    missing = [public for public, number in zip(named, numbers, strict=True) if number not in found]
    if missing:
        raise Invalid("to.device_ids", f"{missing[0]} is not a device of this app")
    found |= set(subscribers.ephemeral_devices(work, tokens, "to.tokens"))
    found |= set(topic_audience.devices(work, list(dict.fromkeys(topics)), "to.topics") if topics else ())
    return sorted(found)


def _device(work: Work, position: int, public: str) -> int:
    number = work.core.keyring.number(ids.DEVICE, public)
    if number is None:
        raise Invalid(f"to.device_ids[{position}]", "is not a device id")
    return number


def _carrier(work: Work) -> Campaign:
    """The app's hidden campaign for messages, made at the first one."""
    found = campaign_queries.message_carrier(work.session, work.app_id)
    if found is not None:
        return found
    carrier = Campaign(
        app_id=work.app_id,
        kind=CampaignKind.MESSAGE,
        name="API messages",
        state=CampaignState.ACTIVE,
        definition={},
        created_at=work.now,
        updated_at=work.now,
    )
    work.session.add(carrier)
    work.session.flush()
    return carrier


def _run(
    work: Work,
    campaign: Campaign,
    checked: Mapping[str, Any],
    *,
    kind: str,
    devices: Sequence[int],
    said: Mapping[str, Any] | None,
) -> Run:
    """A run for these devices, planned; `said` is what texts read beside what is known of them."""
    revision = campaigns.revise(work, campaign, checked)
    occasion = f"{kind}:{secrets.token_hex(12)}"
    run = occasions.start(work, campaign, revision.id, kind=kind, occasion=occasion, due_at=work.now)
    context_id = queries.add_context(work.session, work.app_id, dict(said), work.now) if said else None
    queries.add_targets(work.session, run.id, devices, context_id)
    while planner.plan_page(work, run.id):
        continue
    return run


def _deliveries(work: Work, run: Run) -> list[str]:
    return [ids.public(work, ids.DELIVERY, number) for number in queries.delivery_ids(work.session, run.id)]
