"""Dead letters: pushes that failed though their device was not at fault. Tried again, or dropped.

One call takes at most 10 000 of them in one transaction and says where the next one goes on, so that
a retry of a million never holds the senders up.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend.db import Work
from backend.domain import content
from backend.domain.vocabulary import CampaignState, DeliveryState, DeviceState, Platform, RunState
from backend.errors import Invalid
from backend.queries import campaigns, chunks
from backend.queries import dead_letters as queries
from backend.queries.dead_letters import Wanted
from backend.queries.planning import CHUNK_ROWS
from backend.services import audit, ids, lane_health
from backend.services import page as paging
from backend.services.page import Page
from backend.services.rendering import DEFAULT_TTL
from backend.services.runs import AT_ONCE
from backend.services.words import REASONS

MOST = 10_000
MOST_IDS = 1_000


@dataclass(frozen=True, slots=True)
class Filters:
    """Which dead letters are meant; a lane is a credential's id."""

    campaign_id: str | None = None
    lane: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLetterRow:
    """One of them. `refusal` says why it cannot be tried again, None when it can."""

    id: str
    campaign_id: str
    campaign_name: str
    run_id: str
    lane: str
    lane_name: str
    user_id: str | None
    device_id: str | None
    platform: str
    variant: str
    attempts: int
    at: datetime
    status: int
    reason: str
    reason_text: str
    raw: str
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Facet:
    """How many dead letters share campaign, lane and reason."""

    campaign_id: str
    campaign_name: str
    lane: str
    lane_name: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A dead letter that was left as it is, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """How many were retried or dropped; `next` is the cursor to go on with when there are more."""

    count: int
    refused: tuple[Refusal, ...]
    next: str | None


ALL = Filters()
GONE = "It is not among the dead letters: it may have been retried, dropped, or be older than 30 days."


def listing(work: Work, filters: Filters = ALL, *, cursor: str | None = None, limit: int = 50) -> Page[DeadLetterRow]:
    """The newest deliveries first. Raises `Invalid`, `NotFound`."""
    found = queries.search(work.session, _wanted(work, filters, cursor), paging.checked(limit) + 1)
    judged, lanes = _judged(work, found, {row.run_id: row.run_state for row in found}), lane_health.names(work)
    return paging.page(
        work, found, limit, lambda r: int(r.delivery_id), lambda r: _row(work, r, judged[r.delivery_id], lanes)
    )


def facets(work: Work) -> tuple[Facet, ...]:
    """What all dead letters of the app are about, the most frequent first."""
    found = sorted(queries.counted(work.session, work.app_id), key=lambda row: -row[-1])
    lanes = lane_health.names(work)
    return tuple(
        Facet(
            ids.public(work, ids.CAMPAIGN, campaign), name,
            ids.public(work, ids.CREDENTIAL, lane), lanes.get(lane, ""), reason, count,
        )
        for campaign, name, lane, reason, count in found
    )  # fmt: skip


def retry(work: Work, names: Sequence[str] | None = None, filters: Filters = ALL, *, cursor: str | None = None) -> Done:
    """Plans the named ones, or all that the filters match, anew; a run that had finished goes on until they are done.

    Their tries are counted from nought. What cannot be sent any more is refused, each with its reason.
    """
    found, following = _taken(work, names, filters, cursor)
    judged = _judged(work, found, queries.lock_runs(work.session, {row.run_id for row in found}))
    again = [row for row in found if judged[row.delivery_id] is None]
    if again:
        queries.put_back(work.session, _places(work, again), f"By {work.actor}", work.now)
        _reopen(work, again)
    return _done(work, "retry", names, filters, found, judged, following)


def drop(work: Work, names: Sequence[str] | None = None, filters: Filters = ALL, *, cursor: str | None = None) -> Done:
    """Takes the named ones, or all that the filters match, off the list; the deliveries stay failed."""
    found, following = _taken(work, names, filters, cursor)
    queries.forget(work.session, [row.delivery_id for row in found])
    return _done(work, "drop", names, filters, found, dict.fromkeys(row.delivery_id for row in found), following)


def _taken(
    work: Work, names: Sequence[str] | None, filters: Filters, cursor: str | None
) -> tuple[Sequence[Any], str | None]:
    """The rows of one call, locked, and the cursor of the next one."""
    if names is not None and len(names) > MOST_IDS:
        raise Invalid("ids", f"are more than {MOST_IDS}; name fewer, or all that match")
    found = queries.search(work.session, _wanted(work, filters, cursor, names), MOST + 1, lock=True)
    rows = found[:MOST]
    return rows, ids.public(work, ids.CURSOR, rows[-1].delivery_id) if len(found) > MOST else None


def _wanted(work: Work, filters: Filters, cursor: str | None, names: Sequence[str] | None = None) -> Wanted:
    numbers = None if names is None else [n for name in names if (n := _number(work, name)) is not None]
    return Wanted(
        app_id=work.app_id,
        numbers=numbers,
        campaign_id=ids.number(work, ids.CAMPAIGN, filters.campaign_id) if filters.campaign_id else None,
        credential_id=ids.number(work, ids.CREDENTIAL, filters.lane) if filters.lane else None,
        reason=filters.reason or None,
        before=paging.after(work, cursor),
    )


def _number(work: Work, name: str) -> int | None:
    return work.core.keyring.number(ids.DELIVERY, name)


def _judged(work: Work, rows: Sequence[Any], run_states: Mapping[int, str]) -> dict[int, str | None]:
    """Why each row cannot be tried again, None where it can."""
    words = queries.contents(work.session, {row.revision_id for row in rows})
    locale = campaigns.app(work.session, work.app_id).default_locale
    return {row.delivery_id: _refusal(row, run_states[row.run_id], _life(row, words, locale), work.now) for row in rows}


def _refusal(row: Any, run_state: str, life: timedelta, now: datetime) -> str | None:
    reasons = {
        "It has not failed.": row.state != DeliveryState.FAILED,
        "Its campaign was cancelled.": run_state == RunState.CANCELLED,
        "Its campaign is archived.": row.kind == "send" and row.archived_at is not None,
        "The device is gone.": row.device_state is None,
        "The device has unsubscribed or its address is dead.": row.device_state != DeviceState.ACTIVE,
        "The device's lane is gone.": row.lane_now is None,
        "The campaign's last moment has passed.": row.not_after is not None and row.not_after < now,
        "The message's time to live has passed.": row.due_at + life < now,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _life(row: Any, words: Mapping[tuple[int, int], Mapping[str, Any]], default_locale: str) -> timedelta:
    """For how long after its due time the message is of use, in the words that this device was to read."""
    said = words.get((row.revision_id, row.variant), {})
    platform = Platform(row.platform) if row.platform in list(Platform) else Platform.ANDROID  # as a topic's is
    ttl = content.resolve(said, platform, content.locale_chain(row.locale, None, default_locale)).get("ttl_seconds")
    seconds = DEFAULT_TTL if ttl is None else int(ttl)
    return timedelta(seconds=seconds) if seconds else AT_ONCE


def _places(work: Work, rows: Sequence[Any]) -> dict[int, int]:
    """Delivery → its new chunk: rows of the same run, lane and urgency share chunks, which are made here."""
    groups: defaultdict[tuple[int, int, int], list[int]] = defaultdict(list)
    for row in rows:
        groups[row.run_id, row.lane_now, row.priority].append(row.delivery_id)
    made: list[dict[str, int]] = []
    places: dict[int, int] = {}
    for (run, lane, priority), members in sorted(groups.items()):
        parts = [members[start : start + CHUNK_ROWS] for start in range(0, len(members), CHUNK_ROWS)]
        for number, part in enumerate(parts, chunks.reserve(work.session, run, len(parts))):
            made.append({"run_id": run, "number": number, "credential_id": lane, "priority": priority})
            places |= dict.fromkeys(part, number)
    queries.add_chunks(work.session, made, work.now)
    return places


def _reopen(work: Work, rows: Sequence[Any]) -> None:
    of_runs: defaultdict[int, int] = defaultdict(int)
    for row in rows:
        of_runs[row.run_id] += 1
    for run, count in sorted(of_runs.items()):
        queries.reopen(work.session, run, count, work.now)
        going = {"state": CampaignState.RUNNING, "finished_at": None, "updated_at": work.now}
        campaigns.set_campaign_of(work.session, run, [CampaignState.FINISHED], **going)


def _done(
    work: Work,
    verb: str,
    names: Sequence[str] | None,
    filters: Filters,
    found: Sequence[Any],
    judged: Mapping[int, str | None],
    following: str | None,
) -> Done:
    """The answer, and the entry in the audit trail when anything was done."""
    kept = [Refusal(ids.public(work, ids.DELIVERY, number), why) for number, why in judged.items() if why is not None]
    seen = {row.delivery_id for row in found}
    kept += [Refusal(name, GONE) for name in names or () if _number(work, name) not in seen]
    count = len(found) - sum(why is not None for why in judged.values())
    if count:
        one = names[0] if names is not None and len(names) == 1 else ""
        asked = {"campaign_id": filters.campaign_id, "lane": filters.lane, "reason": filters.reason}
        given = {name: value for name, value in asked.items() if value}
        audit.record(work, f"dead_letters.{verb}", one, deliveries=count, refused=len(kept), **given)
    return Done(count, tuple(kept), following)


def _row(work: Work, row: Any, refusal: str | None, lanes: Mapping[int, str]) -> DeadLetterRow:
    return DeadLetterRow(
        id=ids.public(work, ids.DELIVERY, row.delivery_id),
        campaign_id=ids.public(work, ids.CAMPAIGN, row.campaign_id),
        campaign_name=row.campaign_name,
        run_id=ids.public(work, ids.MESSAGE if row.kind == "message" else ids.RUN, row.run_id),
        lane=ids.public(work, ids.CREDENTIAL, row.credential_id),
        lane_name=lanes.get(row.credential_id, ""),
        user_id=row.user,
        device_id=ids.public(work, ids.DEVICE, row.device_id) if row.device_id else None,
        platform=row.platform or "",
        variant=row.variant_name or "",
        attempts=row.attempts,
        at=row.at,
        status=row.status,
        reason=row.reason,
        reason_text=REASONS.get(row.reason, ""),
        raw=row.raw,
        refusal=refusal,
    )
