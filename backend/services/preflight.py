"""Before launch: every device's fate, and the exact bytes, by the code that sends. Nothing is written."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from backend.db import Work
from backend.domain import content, experiment, topic
from backend.domain import schedule as schedules
from backend.domain.caps import Sent
from backend.domain.message import Message
from backend.domain.vocabulary import Platform, SkipReason
from backend.errors import FieldError, Invalid, NotFound, TemplateError
from backend.models import Run
from backend.providers import LIMITS
from backend.providers.base import TooLarge
from backend.queries import campaigns as apps
from backend.queries import preflight as queries
from backend.services import (
    addresses,
    campaigns,
    capping,
    due_times,
    ids,
    lookahead,
    occasions,
    runs,
    segmentation,
    templates,
    topic_audience,
    triggers,
)
from backend.services import topics as following
from backend.services.runs import Deferred, NotSent, RunContext

PAGE = 2_000
SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a launch now would do. `audience` = send + deferred + skipped; people without a device stand beside it.

    Of a send to topics `audience` counts messages, `members` the devices that are known to follow one of
    them (0 otherwise), and `notes` say what this means.
    """

    audience: int
    send: int
    deferred: int
    skipped: dict[str, int]
    people_unreachable: dict[str, int]
    by_platform: dict[str, int]
    largest_payload: dict[str, int]
    problems: list[FieldError]
    notes: list[str]
    members: int


@dataclass(frozen=True, slots=True)
class Preview:
    """One message as a platform would get it; `body` is the exact text that is sent, `limit` its most bytes."""

    message: Message | None
    problems: list[FieldError]
    bytes: int
    limit: int
    body: str


def preflight(work: Work, campaign_id: str) -> Preflight:
    """Walks decide → render → encode over the whole audience, with the clock at the time it would go out."""
    campaign = campaigns.find(work, campaign_id, lock=False)
    problems = list(_blocking(work, campaign.definition))
    context = runs.draft(work, campaign)
    tally = Counter[str]()
    skipped: Counter[str] = Counter()
    platforms: Counter[str] = Counter()
    largest: dict[str, int] = {}
    details: dict[tuple[str, str], list[int]] = {}
    for row, result in _walk(work, context, campaign.definition):
        tally["audience"] += 1
        platforms[row.platform] += 1
        if isinstance(result, NotSent):
            skipped[result.reason] += 1
            if result.detail:
                details.setdefault((result.reason, result.detail), []).append(row.device_id)
        elif isinstance(result, Deferred):
            tally["deferred"] += 1
        else:
            tally["send"] += 1
            largest[row.platform] = max(largest.get(row.platform, 0), len(result.body))
    problems += _told(work, details)
    audience = campaign.definition["audience"]
    unreachable = segmentation.audience_size(work, audience).people_unreachable
    topics = audience.get("topics") or ()
    if not tally["audience"] and not topics:
        problems.append(FieldError("audience", "nobody would get this: no active device matches"))
    return Preflight(
        audience=tally["audience"],
        send=tally["send"],
        deferred=tally["deferred"],
        skipped=dict(skipped),
        people_unreachable=dict(unreachable),
        by_platform=dict(platforms),
        largest_payload=largest,
        problems=problems,
        notes=_notes(topics, tally["audience"]),
        members=following.followers(work, topics),
    )


def _notes(topics: Sequence[str], messages: int) -> list[str]:
    """What is to be known of a send to topics."""
    if not topics or not messages:
        return []
    plural = "" if messages == 1 else "s"
    return [
        f"{messages} message{plural} to {topic.in_words(topics)}: topics give no per-device result.",
        "Whoever follows a topic gets it; categories, pauses and quiet hours of single people are not asked.",
    ]


def _told(work: Work, details: Mapping[tuple[str, str], Sequence[int]]) -> Iterator[FieldError]:
    """What goes wrong for single devices: the commonest first, each with its count and one example."""
    ranked = sorted(details.items(), key=lambda one: -len(one[1]))
    for (reason, detail), devices in ranked[:SHOWN_PROBLEMS]:
        example = ids.public(work, ids.DEVICE, devices[0])
        of_topic = "a topic is nobody in particular, so that what is said of a user or device needs a default"
        whom = f"{len(devices)} devices, such as {example}" if devices[0] else of_topic
        yield FieldError(reason, f"{detail} ({whom})")


def _blocking(work: Work, data: Mapping[str, Any]) -> Iterator[FieldError]:
    """What a launch would refuse."""
    try:
        campaigns.check_launchable(work, data)
    except Invalid as error:
        yield from error.errors


def _walk(work: Work, context: RunContext, data: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Each device or topic of the audience with its fate, at its own time; its own lane encodes."""
    run = _imagined(work, context, data)
    if topics := data["audience"].get("topics"):
        yield from _walk_topics(work, context, topics, run.due_at)
        return
    context = replace(context, policy=replace(context.policy, missed_before=run.missed_before))
    ends = experiment.bounds([variant["weight"] for variant in data["variants"]])
    salt = experiment.variant_salt(context.campaign_id, campaigns.freeze(work, data)[1])
    said = triggers.sample(work, data["schedule"])
    encoders: dict[int, lookahead.Encode] = {}
    seen: set[bytes] = set()
    for found, sent in _devices(work, context, data, run):
        row = _Row(found, _variant(found.bucket, salt, ends), said)
        twin = found.address_index in seen
        if found.state == "active" and found.permission != "denied":
            seen.add(found.address_index)
        if found.credential_id not in encoders:
            encoders[found.credential_id] = lookahead.encode_for(work, found.credential_id)
        encode = encoders[found.credential_id]
        now = max(row.due_at, work.now)
        yield row, runs.prepare(row, context, work.core.keyring, encode, now, twin=twin, sent=sent)


def _imagined(work: Work, context: RunContext, data: Mapping[str, Any]) -> Run:
    """The run that a launch now would begin, as far as its time goes; never written.

    An event campaign has no time of its own: it is looked at as if everybody's event happened now.
    """
    occasion = schedules.first(data["schedule"], work.now)
    timing = occasions.spread_over(data, occasions.timing_of(work, occasion) if occasion else {})
    return Run(
        campaign_id=context.campaign_id,
        occasion="",
        due_at=max(work.now, occasion.begins) if occasion else work.now,
        missed_before=work.now if timing.get("past") == "skip" else None,
        timing=timing,
        created_at=work.now,
    )


def _devices(
    work: Work, context: RunContext, data: Mapping[str, Any], run: Run
) -> Iterator[tuple[Any, tuple[Sent, ...]]]:
    """The audience, page by page as it would be planned, and what each person will have been sent by then."""
    where = segmentation.audience_where(work, data["audience"])
    app = apps.app(work.session, work.app_id)
    after = 0
    while True:
        page = queries.page(work.app_id, where, after, PAGE)
        timetable = due_times.timetable(work, run, app, page)
        rows = queries.devices(work.session, page, context.category_id, run.due_at, timetable)
        if not rows:
            return
        dues = [max(row.planned_for, work.now) for row in rows]
        sent = capping.recent(work, context, [row.user_id for row in rows], max(dues), min(dues))
        for row, due in zip(rows, dues, strict=True):
            yield row, tuple(one for one in sent.get(row.user_id, ()) if one.at <= due)
        after = rows[-1].device_id


def _walk_topics(work: Work, context: RunContext, topics: Sequence[str], now: datetime) -> Iterator[tuple[Any, Any]]:
    keyring = work.core.keyring
    for one in topic_audience.fanouts(work, topics):
        sealed = addresses.seal(keyring, work.app_id, topic_audience.address(one.topic))
        row = queries.topic(sealed, one.credential_id, now)
        yield row, runs.prepare(row, context, keyring, lookahead.encode_for(work, one.credential_id), now)


def _variant(bucket: int, salt: experiment.Salted, ends: list[int]) -> int:
    slot = experiment.slot(bucket, salt)
    return next(position for position, end in enumerate(ends) if slot < end)


class _Row:
    """A facts row of a delivery that is not there yet: variant, due time and what an event says do not come from the
    device."""

    def __init__(self, found: Any, variant: int, said: Mapping[str, Any] | None) -> None:
        self._found, self.variant, self.due_at, self.context = found, variant, found.planned_for, said

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)


def preview(
    work: Work,
    data: Mapping[str, Any],
    platform: str,
    user_id: str | None = None,
    locale: str | None = None,
    schedule: Mapping[str, Any] | None = None,
) -> Preview:
    """One platform's message for a person, or for nobody in particular; draft content is welcome.

    With the `schedule` of an event campaign its texts read the event that `triggers.sample` gives.
    """
    device = Platform(platform)
    address = lookahead.EXAMPLE[device]
    limit = LIMITS[address.provider]
    problems = templates.content_problems(data)
    if problems:
        return Preview(None, problems, 0, limit, "")
    row = _person(work, device, user_id, locale)
    row.context = triggers.sample(work, schedule)
    context = runs.bare(work, data)
    chain = content.locale_chain(locale or row.locale, row.language, context.default_locale)
    try:
        message = runs.render(row, context, chain, work.core.keyring)
        body = lookahead.bare_encoder(address.provider)(message, address)
    except TemplateError as error:
        return Preview(None, [FieldError(error.field, error.message)], 0, limit, "")
    except TooLarge as error:
        return Preview(message, [FieldError(SkipReason.TOO_LARGE, str(error))], error.size, limit, "")
    return Preview(message, [], len(body), limit, body.decode())


def _person(work: Work, platform: Platform, user_id: str | None, locale: str | None) -> Any:
    if user_id is None:
        return queries.nobody(platform, locale, work.now)
    found = queries.person(work.session, work.app_id, user_id, platform, work.now)
    if found is None:
        raise NotFound(f"There is no user {user_id!r} in this app.")
    return found
