"""The audience before launch: every device's fate, by the very code that sends. Nothing is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import InvalidTag

from backend.db import Work
from backend.domain import experiment
from backend.domain import schedule as schedules
from backend.domain.caps import Sent
from backend.domain.vocabulary import ProviderName
from backend.models import Campaign, Run
from backend.queries import campaigns as apps
from backend.queries import preflight as queries
from backend.queries import verdicts
from backend.services import (
    addresses,
    campaigns,
    capping,
    due_times,
    lookahead,
    occasions,
    runs,
    segmentation,
    topic_audience,
    triggers,
)
from backend.services.runs import Deferred, Prepared

PAGE: Final = 2_000
ROUNDS: Final = 3
"""Whoever is held is looked at again when that is over; no two holds follow one another as the rules are now."""


@dataclass(frozen=True, slots=True)
class Fate:
    """A device or topic of the audience and what would come of it.

    `until` is set where it would be held first: `result` is then what becomes of it at that instant.
    """

    row: Any
    result: Prepared
    until: datetime | None = None


class Walk:
    """A campaign's audience as a launch now would plan it, with the clock at each device's own time."""

    def __init__(self, work: Work, campaign: Campaign) -> None:
        data = campaign.definition
        context = runs.draft(work, campaign)
        self._run = _imagined(work, context.campaign_id, data)
        policy = replace(context.policy, missed_before=self._run.missed_before)
        self.context = replace(context, policy=policy)
        self._work, self._topics = work, data["audience"].get("topics") or ()
        self._ends = experiment.bounds([variant["weight"] for variant in data["variants"]])
        self.frozen, digest = campaigns.freeze(work, data)
        self._salt = experiment.variant_salt(campaign.id, digest)
        self._said = triggers.sample(work, data["schedule"])
        self._where = None if self._topics else segmentation.audience_where(work, data["audience"])
        self._encoders: dict[int, lookahead.Encode] = {}
        self.sealed_lanes: set[int] = set()
        """Lanes whose credential no key of the installation opens: nothing can go out through them."""

    @property
    def due_at(self) -> datetime:
        """When the first of them are due."""
        return self._run.due_at

    def pages(self, after: int = 0) -> Iterator[list[Fate]]:
        """The fates of the devices with a greater number, page by page in the order of their numbers."""
        if self._where is None:
            yield [] if after else list(self._of_topics())
            return
        while rows := self._rows(after):
            yield self._fates(rows)
            after = rows[-1].device_id

    def _rows(self, after: int) -> Sequence[Any]:
        """The next devices, each with its variant, its own due time and what an event says."""
        assert self._where is not None
        work = self._work
        page = queries.page(work.app_id, self._where, after, PAGE)
        timetable = due_times.timetable(work, self._run, apps.app(work.session, work.app_id), page)
        found = queries.devices(work.session, page, self.context.category_id, self._run.due_at, timetable)
        return [row._replace(variant=self._variant(row), due_at=row.planned_for, context=self._said) for row in found]

    def _fates(self, rows: Sequence[Any]) -> list[Fate]:
        """Decided at its time; whoever is held then, once more when the hold ends."""
        first = self._first(rows)
        twins = {row.device_id for row in rows if first.get(row.address_index, row.device_id) != row.device_id}
        decided = self._decide(rows, twins)
        settled: list[tuple[Prepared, datetime | None]] = [(result, None) for result in decided]
        for _ in range(ROUNDS):
            held = [(place, result.until) for place, (result, _) in enumerate(settled) if isinstance(result, Deferred)]
            if not held:
                break
            later = self._decide([rows[place]._replace(due_at=until) for place, until in held], twins)
            for (place, until), result in zip(held, later, strict=True):
                settled[place] = (result, until)
        return [Fate(row, result, until) for row, (result, until) in zip(rows, settled, strict=True)]

    def _decide(self, rows: Sequence[Any], twins: set[int]) -> list[Prepared]:
        work, now = self._work, self._work.now
        dues = [max(row.due_at, now) for row in rows]
        sent = capping.recent(work, self.context, [row.user_id for row in rows], max(dues), min(dues))
        return [
            self._prepare(row, due, row.device_id in twins, _known(sent, row.user_id, due))
            for row, due in zip(rows, dues, strict=True)
        ]

    def _prepare(self, row: Any, now: datetime, twin: bool, sent: tuple[Sent, ...]) -> Prepared:
        encode = self._encoders.get(row.credential_id) or self._open(row)
        return runs.prepare(row, self.context, self._work.core.keyring, encode, now, twin=twin, sent=sent)

    def _open(self, row: Any) -> lookahead.Encode:
        """The encoder of the row's lane; where nothing opens its credential, the provider's own."""
        try:
            encode = lookahead.encode_for(self._work, row.credential_id)
        except (KeyError, InvalidTag):
            self.sealed_lanes.add(row.credential_id)
            encode = lookahead.bare_encoder(ProviderName(row.provider))
        self._encoders[row.credential_id] = encode
        return encode

    def _first(self, rows: Sequence[Any]) -> Mapping[bytes, int]:
        """Of each address that several devices share, the one that gets the push."""
        shared = list({row.address_index for row in rows if row.shared})
        assert self._where is not None
        work = self._work
        return verdicts.twins(work.session, work.app_id, self._where, shared) if shared else {}

    def _variant(self, row: Any) -> int:
        slot = experiment.slot(row.bucket, self._salt)
        return next(position for position, end in enumerate(self._ends) if slot < end)

    def _of_topics(self) -> Iterator[Fate]:
        work, due = self._work, self._run.due_at
        for one in topic_audience.fanouts(work, self._topics):
            sealed = addresses.seal(work.core.keyring, work.app_id, topic_audience.address(one.topic))
            row = queries.topic(sealed, one.credential_id, due)
            yield Fate(row, self._prepare(row, due, False, ()))


def _known(sent: capping.Recent, user: int, due: datetime) -> tuple[Sent, ...]:
    """What the person will have been sent by then."""
    return tuple(one for one in sent.get(user, ()) if one.at <= due)


def _imagined(work: Work, campaign: int, data: Mapping[str, Any]) -> Run:
    """The run that a launch now would begin, as far as its time goes; never written.

    An event campaign has no time of its own: it is looked at as if everybody's event happened now.
    """
    occasion = schedules.first(data["schedule"], work.now)
    timing = occasions.spread_over(data, occasions.timing_of(work, occasion) if occasion else {})
    return Run(
        campaign_id=campaign,
        occasion="",
        due_at=max(work.now, occasion.begins) if occasion else work.now,
        missed_before=work.now if timing.get("past") == "skip" else None,
        timing=timing,
        created_at=work.now,
    )
