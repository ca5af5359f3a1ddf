"""What is the same for each delivery of a run, and the way of one delivery to the exact bytes.

`prepare` is the one path: facts, then `decide`, then render, then encode. The sender, the pre-flight,
the preview and a test send all walk it, so what was shown is what is sent.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from backend.crypto import KeyRing
from backend.db import Work
from backend.domain import caps, content, experiment, quiet, zones
from backend.domain.caps import Sent
from backend.domain.message import Address, Message
from backend.domain.policy import Defer, Expire, Policy, Quiet, Skip, Target, decide
from backend.domain.vocabulary import (
    AddressKind,
    CategoryKind,
    DeliveryState,
    OnUnknown,
    Platform,
    Priority,
    SkipReason,
)
from backend.errors import TemplateError
from backend.models import App, Campaign
from backend.providers.base import TooLarge
from backend.queries import campaigns as queries
from backend.services import addresses, blocks, ids, templates

Encode = Callable[[Message, Address], bytes]
AT_ONCE = timedelta(minutes=5)
"""How long "at once" (a time to live of 0) may take us."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run's own facts. `kind` is send, test or message; `error_limit_percent` is the app's (0: none).

    `rank` says which of two runs wins where caps leave room for one, `timezone` is the app's.
    """

    run_id: int
    campaign_id: int
    app_id: int
    priority: Priority
    on_unknown: OnUnknown
    policy: Policy
    category_id: int | None
    wordings: tuple[content.Wording, ...]
    default_locale: str
    app_variables: Mapping[str, Any]
    kind: str = "send"
    throttle_per_minute: int | None = None
    error_limit_percent: int = 0
    rank: int = 0
    timezone: str = "UTC"
    links: templates.Links = field(default=templates.Links())


@dataclass(frozen=True, slots=True)
class Ready:
    """One delivery, ready to be handed to its provider. `user_id` and `target` are for a second look at its caps."""

    id: int
    device_id: int
    attempts: int
    maybe_sent: bool
    locale: str
    message: Message
    address: Address
    body: bytes
    body_hash: str
    user_id: int | None = None
    target: Target = field(default_factory=Target)


@dataclass(frozen=True, slots=True)
class NotSent:
    """One delivery that does not go out, with its final state; `detail` is for people, `size` that of a body too large."""

    id: int
    state: DeliveryState
    reason: str
    detail: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Deferred:
    """One delivery that stays planned and is due at a later instant."""

    id: int
    until: datetime


Prepared = Ready | NotSent | Deferred


def load(work: Work, run_id: int) -> RunContext:
    """The context of a run."""
    facts = queries.run_facts(work.session, run_id)
    contents = [variant.content for variant in facts.variants]
    context = _context(work, facts.app, facts.revision.definition, contents, facts.run.campaign_id)
    run = facts.run
    policy = replace(context.policy, not_after=run.not_after, missed_before=run.missed_before, test=run.kind == "test")
    return replace(
        context,
        run_id=run_id,
        policy=policy,
        kind=run.kind,
        throttle_per_minute=run.throttle_per_minute,
        error_limit_percent=facts.app.error_limit_percent,
        rank=run.priority,
    )


def draft(work: Work, campaign: Campaign) -> RunContext:
    """The context that a launch of this campaign would have now; its definition is already frozen or a draft."""
    data = campaign.definition
    texts = [templates.words_of(work, variant) for variant in data["variants"]]
    contents = [blocks.expand(work, text, f"variants[{at}].content") for at, text in enumerate(texts)]
    context = _context(work, queries.app(work.session, work.app_id), data, contents, campaign.id)
    not_after = data.get("not_after")
    policy = replace(context.policy, not_after=datetime.fromisoformat(not_after) if not_after else None)
    return replace(context, policy=policy)


def bare(work: Work, text: Mapping[str, Any]) -> RunContext:
    """The context of content alone, for a preview."""
    plain = {"category": "marketing", "priority": "normal", "on_unknown": "retry", "audience": {}, "holdout_percent": 0}
    return _context(work, queries.app(work.session, work.app_id), plain, [blocks.expand(work, text)], 0)


def _context(
    work: Work, app: App, definition: Mapping[str, Any], contents: Sequence[Mapping[str, Any]], campaign_id: int
) -> RunContext:
    category = queries.category(work.session, app.id, definition["category"])
    policy = Policy(
        category_kind=category.kind if category else CategoryKind.MARKETING,
        opted_in_by_default=category.opted_in_by_default if category else True,
        unseen_days=definition["audience"].get("unseen_days"),
        holdout_percent=definition["holdout_percent"],
        holdout=experiment.holdout_salt(campaign_id),
        category=category.id if category else None,
        quiet_hours=Quiet(definition.get("quiet_hours", Quiet.HOLD)),
        quiet=quiet.windows(app.quiet_hours),
        ignore_caps=definition.get("ignore_caps", False),
        app_caps=caps.caps(app.caps),
        category_caps=caps.caps(category.caps) if category else (),
    )
    return RunContext(
        run_id=0,
        campaign_id=campaign_id,
        app_id=app.id,
        priority=Priority(definition["priority"]),
        on_unknown=OnUnknown(definition["on_unknown"]),
        policy=policy,
        category_id=category.id if category else None,
        wordings=tuple(map(content.Wording, contents)),
        default_locale=app.default_locale,
        app_variables={"name": app.name, "slug": app.slug},
        links=templates.Links(frozenset(app.link_schemes), app.website),
        rank=int(definition["priority"] == Priority.HIGH),
        timezone=app.default_timezone,
    )


def prepare(
    row: Any,
    context: RunContext,
    keyring: KeyRing,
    encode: Encode,
    now: datetime,
    *,
    twin: bool = False,
    sent: tuple[Sent, ...] = (),
) -> Prepared:
    """Decides one delivery and, if it is to be sent, renders and encodes it.

    `row` has the columns of `queries.deliveries.facts`; `twin` says that the run reaches the same
    address by an earlier row, `sent` are the person's pushes that count against caps.
    """
    whom = target(row, context, twin=twin, sent=sent)
    if (not_now := judge(row.id, whom, context, now)) is not None:
        return not_now
    locales = content.locale_chain(row.locale, row.language, context.default_locale)
    try:
        message = render(row, context, locales, keyring)
    except TemplateError as error:
        return NotSent(row.id, DeliveryState.SKIPPED, SkipReason.TEMPLATE_ERROR, f"{error.field}: {error.message}")
    if now > deadline(message, None):
        return NotSent(row.id, DeliveryState.EXPIRED, "ttl_passed")
    return _encoded(row, whom, message, addresses.unseal(keyring, context.app_id, row), encode)


def judge(number: int, whom: Target, context: RunContext, now: datetime) -> NotSent | Deferred | None:
    """What `decide` makes of one delivery; None when it is to be sent now."""
    match decide(whom, context.policy, now):
        case Skip(reason):
            return NotSent(number, DeliveryState.SKIPPED, reason)
        case Expire(missed):
            return NotSent(number, DeliveryState.EXPIRED, "missed" if missed else "too_late")
        case Defer(until):
            return Deferred(number, until)
        case _:
            return None


def _encoded(row: Any, whom: Target, message: Message, address: Address, encode: Encode) -> Ready | NotSent:
    try:
        body = encode(message, address)
    except TooLarge as error:
        return NotSent(row.id, DeliveryState.SKIPPED, SkipReason.TOO_LARGE, str(error), error.size)
    return Ready(
        id=row.id,
        device_id=row.device_id,
        attempts=row.attempts,
        maybe_sent=row.maybe_sent,
        locale=message.locale,
        message=message,
        address=address,
        body=body,
        body_hash=hashlib.sha256(body).hexdigest()[:32],
        user_id=row.user_id,
        target=whom,
    )


def render(row: Any, context: RunContext, locales: tuple[str, ...], keyring: KeyRing) -> Message:
    """The message for one delivery; a topic's has those for the other platforms beside it. Raises `TemplateError`."""
    m = keyring.public_id(ids.DELIVERY, row.id)
    topic = row.address_kind == AddressKind.TOPIC
    envelope = templates.Envelope(
        m=m,
        t=keyring.sign_receipt(context.app_id, row.id),
        identity=keyring.public_id(ids.RUN, context.run_id) if topic else m,  # who is in two topics sees it once
        now=row.due_at,
        priority=context.priority,
        links=context.links,
    )

    def on(platform: Platform) -> Message:
        return templates.render(
            context.wordings[min(row.variant, len(context.wordings) - 1)],
            platform=platform,
            locales=locales,
            variables=variables(row, context),
            envelope=envelope,
        )

    if topic:
        return replace(on(Platform.ANDROID), others=(on(Platform.IOS), on(Platform.WEB)))
    return on(Platform(row.platform))


def variables(row: Any, context: RunContext) -> dict[str, Any]:
    """What a template may read about one delivery; of a topic there is no user and no device to tell of.

    `data` is what the API was given, or else what the event said, so that one template serves both.
    """
    outer = row.context or {}
    event = outer.get("event", {})
    about = {"user": {}, "device": {}} if row.address_kind == AddressKind.TOPIC else _about(row)
    return {
        **about,
        "event": event,
        "data": outer.get("data", event),
        "app": context.app_variables,
    }


def _about(row: Any) -> dict[str, Any]:
    profile = {
        "id": row.external_id,
        "language": row.language,
        "timezone": row.user_timezone,
        "country": row.user_country,
        "first_seen": row.first_seen,
        "last_active": row.last_active,
        "sessions": row.sessions,
    }
    device = {
        name: getattr(row, name)
        for name in ("platform", "locale", "timezone", "country", "app_version", "os_version", "model")
    }
    return {"user": templates.user_variables(row.attributes or {}, profile), "device": device}


def target(row: Any, context: RunContext, *, twin: bool = False, sent: tuple[Sent, ...] = ()) -> Target:
    """What `decide` asks of one row with the columns of `queries.deliveries.facts`."""
    if row.state is None or row.bucket is None:
        return Target(erased=True, due_at=row.due_at)
    if row.address_kind == AddressKind.TOPIC:
        return Target(state=row.state, topic=True, due_at=row.due_at)
    own = row.quiet_hours
    return Target(
        state=row.state,
        permission=row.permission,
        last_seen=row.last_seen,
        bucket=row.bucket,
        due_at=row.due_at,
        opted_in=row.opted_in,
        device_opted_in=row.device_opted_in,
        paused_until=row.paused_until,
        quiet=None if own is None else quiet.windows((own,)),
        quiet_zone=zones.zone(own and own.get("timezone"), row.timezone, row.user_timezone, context.timezone),
        sent=sent,
        day_zone=zones.zone(row.user_timezone, row.timezone, context.timezone),
        twin=twin,
    )


def deadline(message: Message, not_after: datetime | None) -> datetime:
    """Until when sending makes sense: the message's own life, or the campaign's last moment."""
    lives = message.expires_at if message.ttl_seconds else message.expires_at + AT_ONCE
    return min(lives, not_after) if not_after else lives
