"""Before launch: every device's fate, and the exact bytes, by the code that sends. Nothing is written."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.db import Work
from backend.domain import content, experiment, schedule, topic
from backend.domain.message import Message
from backend.domain.vocabulary import Platform, SkipReason
from backend.errors import FieldError, Invalid, NotFound, TemplateError
from backend.providers import LIMITS
from backend.providers.base import TooLarge
from backend.queries import preflight as queries
from backend.services import addresses, campaigns, ids, lookahead, runs, segmentation, templates, topic_audience
from backend.services import topics as following
from backend.services.runs import NotSent, RunContext

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
        deferred=0,
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
    """Each device or topic of the audience with its fate; its own lane encodes."""
    now = max(work.now, schedule.due(data["schedule"], work.now).at)
    if topics := data["audience"].get("topics"):
        yield from _walk_topics(work, context, topics, now)
        return
    where = segmentation.audience_where(work, data["audience"])
    ends = experiment.bounds([variant["weight"] for variant in data["variants"]])
    salt = experiment.variant_salt(context.campaign_id, campaigns.freeze(work, data)[1])
    encoders: dict[int, lookahead.Encode] = {}
    seen: set[bytes] = set()
    after = 0
    while rows := queries.devices(work.session, work.app_id, where, context.category_id, now, after, PAGE):
        for found in rows:
            row = _Row(found, _variant(found.bucket, salt, ends))
            twin = found.address_index in seen
            if found.state == "active" and found.permission != "denied":
                seen.add(found.address_index)
            if found.credential_id not in encoders:
                encoders[found.credential_id] = lookahead.encode_for(work, found.credential_id)
            encode = encoders[found.credential_id]
            yield row, runs.prepare(row, context, work.core.keyring, encode, now, twin=twin)
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
    """A facts row of a delivery that is not there yet: everything but the variant comes from the device."""

    def __init__(self, found: Any, variant: int) -> None:
        self._found, self.variant = found, variant

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)


def preview(
    work: Work, data: Mapping[str, Any], platform: str, user_id: str | None = None, locale: str | None = None
) -> Preview:
    """One platform's message for a person, or for nobody in particular; draft content is welcome."""
    device = Platform(platform)
    address = lookahead.EXAMPLE[device]
    limit = LIMITS[address.provider]
    problems = templates.content_problems(data)
    if problems:
        return Preview(None, problems, 0, limit, "")
    row = _person(work, device, user_id, locale)
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
