"""Event campaigns: listening for what people do, and answering it when its time has come.

What an event begins for a person is an entry; it waits until it is due, and is decided once. Everything that
comes of a decision is written in its transaction, so a process that dies leaves all of it or nothing.
"""

import json
import logging
import re
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row

from backend.bootstrap import Core
from backend.db import CLOCK, Work
from backend.domain import trigger, zones
from backend.domain.schedule import grace
from backend.domain.segment import Kind
from backend.domain.vocabulary import EntryState
from backend.errors import NotFound, TocsinError
from backend.models import Campaign, Run
from backend.queries import campaigns as campaign_queries
from backend.queries import triggers as queries
from backend.services import catalogue, ids, occasions, planner
from backend.services import page as paging
from backend.services.catalogue import PropertyRow
from backend.services.page import Page

PAGE: Final = 5_000
"""Firings that are decided in one transaction."""
SAMPLED: Final = 1_000
"""Of so many events one is looked for that a text can be tried with."""
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")

log = logging.getLogger("tocsin.triggers")


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One firing of an event campaign. `user_id` is the app's own, or ours where it has none."""

    user_id: str
    state: str
    event_at: datetime
    due_at: datetime
    run_id: str | None


def listen(work: Work, campaign: Campaign, schedule: Mapping[str, Any]) -> None:
    """From now on the campaign answers the event of its schedule; what waits already is answered by the new one.

    Events that happened before are told too late for it, unless it has listened for the same event since then.
    """
    values = {"campaign_id": campaign.id, "app_id": campaign.app_id, "event": schedule["event"]}
    queries.listen(work.session, {**values, "schedule": dict(schedule), "since": work.now})


def stop(work: Work, campaign_id: int) -> None:
    """The campaign has ended: it hears nothing any more, and what waits is called off."""
    queries.stop(work.session, campaign_id)


def record(work: Work, events: Mapping[int, str]) -> None:
    """Makes the entries that new events (number → name) of the app begin; in the transaction that writes them."""
    if not events:
        return
    for listener in queries.listening(work.session, work.app_id, set(events.values())):
        heard = [number for number, name in events.items() if name == listener.event]
        if entries := [_entry(work, listener, row) for row in queries.matching(work.session, heard, listener)]:
            queries.add(work.session, entries)


def _entry(work: Work, listener: Row[Any], event: Row[Any]) -> dict[str, Any]:
    where = zones.zone(event.device_zone, event.user_zone, event.app_zone)
    return {
        "campaign_id": listener.campaign_id,
        "event_id": event.id,
        "event_at": event.at,
        "user_id": event.user_id,
        "context": _said(event),
        "state": EntryState.WAITING,
        "due_at": trigger.due(event.at, listener.schedule, where),
        "created_at": work.now,
    }


def _said(event: Row[Any]) -> dict[str, Any]:
    own = {"name": event.name, "properties": event.properties, "value": event.value, "currency": event.currency}
    return {**own, "at": event.at.isoformat()}


def sample(work: Work, schedule: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a text of an event campaign may be tried with: the last event that it would have answered.

    Where there was none lately, one made up of what such events say. None where the schedule waits for no event.
    """
    if not schedule or schedule.get("kind") != "event":
        return None
    found = queries.newest(work.session, work.app_id, schedule, SAMPLED)
    return {"event": _variables(_said(found) if found is not None else _made_up(work, schedule))}


def _made_up(work: Work, schedule: Mapping[str, Any]) -> dict[str, Any]:
    known = next((one for one in catalogue.events(work) if one.name == schedule["event"]), None)
    properties = {one.name: _example(one) for one in known.properties} if known else {}
    own = {"name": schedule["event"], "value": 10.0 if known and known.has_value else None, "currency": None}
    return {**own, "at": work.now.isoformat(), "properties": {**properties, **schedule.get("where", {})}}


def _example(known: PropertyRow) -> Any:
    """A value of the likeliest kind; the property's name where no text of it is kept."""
    kind, text = next(iter(known.kinds), Kind.TEXT), next(iter(known.examples), None)
    if kind == Kind.BOOLEAN:
        return text != "false"
    if kind == Kind.NUMBER:
        return json.loads(text) if text and _NUMBER.fullmatch(text) else 1
    if kind == Kind.LIST:
        return list(known.examples)
    return text or known.name


def tick(core: Core) -> int:
    """Answers what is due in every event campaign that is under way; how many firings were decided."""
    with core.reading(CLOCK) as work:
        waiting = queries.awaited(work.session, work.now)
    return sum(_Pass(core, row.campaign_id, row.app_id).walk() for row in waiting)


@dataclass(slots=True)
class _Pass:
    """One walk over what is due in a campaign, earliest first, a page a transaction.

    A run reaches a person once. Whoever is to be reached again by the same page is `held`: the rest of theirs
    waits for the next walk, in its order, and keeps nobody else waiting.
    """

    core: Core
    campaign_id: int
    app_id: int
    held: set[int] = field(default_factory=set)
    after: tuple[datetime, int] | None = None

    def walk(self) -> int:
        decided, more = 0, True
        while more:
            with self.core.work(CLOCK, self.app_id) as work:
                count, more = self._page(work)
            decided += count
        return decided

    def _page(self, work: Work) -> tuple[int, bool]:
        """How many were decided, and whether there may be more."""
        if (found := queries.lock(work.session, self.campaign_id)) is None:
            return 0, False
        rows = queries.due(work.session, self.campaign_id, work.now, self.after, PAGE)
        if not rows:
            return 0, False
        self.after = (rows[-1].due_at, rows[-1].id)
        campaign, schedule = found
        decided = self._decide(work, campaign, schedule, [row for row in rows if row.user_id not in self.held])
        _write(work, campaign, decided)
        return sum(map(len, decided.values())), len(rows) == PAGE

    def _decide(
        self, work: Work, campaign: Campaign, schedule: Mapping[str, Any], rows: Sequence[Row[Any]]
    ) -> dict[EntryState, list[Row[Any]]]:
        apart = trigger.around(schedule["reentry"])
        off = queries.called_off(work.session, [row.id for row in rows], schedule) if _cancels(schedule) else set()
        reached = _reached(work, self.campaign_id, rows, apart)
        late = _missed_before(work, campaign)
        decided: defaultdict[EntryState, list[Row[Any]]] = defaultdict(list)
        firing: set[int] = set()
        for row in rows:
            if row.user_id in self.held:
                continue
            verdict = trigger.judge(
                row.event_at, row.due_at, called_off=row.id in off, missed_before=late, apart=apart,
                fired=reached[row.user_id],
            )  # fmt: skip
            if verdict is EntryState.FIRED:
                if row.user_id in firing:
                    self.held.add(row.user_id)
                    continue
                firing.add(row.user_id)
                reached[row.user_id].append(row.event_at)
            decided[verdict].append(row)
        return decided


def _cancels(schedule: Mapping[str, Any]) -> bool:
    return bool(schedule.get("cancel_event"))


def _missed_before(work: Work, campaign: Campaign) -> datetime | None:
    revision = campaign_queries.revision(work.session, campaign.revision_id or 0)
    late = revision.definition.get("late") or {}
    return work.now - grace(late) if late.get("then") == "skip" else None


def _reached(
    work: Work, campaign_id: int, rows: Sequence[Row[Any]], apart: timedelta | None
) -> defaultdict[int, list[datetime]]:
    """When the events were that have reached these people already, as far as it matters for these firings."""
    reached: defaultdict[int, list[datetime]] = defaultdict(list)
    if not rows or apart == timedelta():
        return reached
    moments = [row.event_at for row in rows]
    span = (min(moments) - apart, max(moments) + apart) if apart else None
    for row in queries.fired(work.session, campaign_id, {row.user_id for row in rows}, span):
        reached[row.user_id].append(row.event_at)
    return reached


def _write(work: Work, campaign: Campaign, decided: Mapping[EntryState, Sequence[Row[Any]]]) -> None:
    for state, rows in decided.items():
        run_id = _send(work, campaign, rows) if state is EntryState.FIRED else None
        queries.end(work.session, [row.id for row in rows], state, run_id)


def _send(work: Work, campaign: Campaign, rows: Sequence[Row[Any]]) -> int:
    """One run for these firings, planned; its number."""
    assert campaign.revision_id is not None
    occasion, timing = f"tick:{secrets.token_hex(12)}", {"targets": True}
    run = occasions.start(work, campaign, campaign.revision_id, occasion=occasion, due_at=work.now, timing=timing)
    contexts = _address(work, run, rows)
    try:
        while planner.plan_page(work, run.id):
            continue
    except TocsinError as error:  # the planner's own tick meets it again, stops the run and says why
        log.warning("a run of campaign %s cannot be planned: %s", ids.public(work, ids.CAMPAIGN, campaign.id), error)
    else:
        queries.forget_unread(work.session, run.id, contexts)
    return run.id


def _address(work: Work, run: Run, rows: Sequence[Row[Any]]) -> list[int]:
    """Addresses the run to the devices of these people, each with what its event said; the contexts' numbers."""
    devices = queries.devices(work.session, [row.user_id for row in rows])
    reachable = {device.user_id for device in devices}
    said = [(row.user_id, {"event": _variables(row.context)}) for row in rows if row.user_id in reachable]
    if len(said) < len(rows):
        run.people_unreachable = {"no_device": len(rows) - len(said)}
        work.session.flush()
    if not said:
        return []
    contexts = queries.add_contexts(work.session, work.app_id, [data for _, data in said], work.now)
    read = dict(zip((user for user, _ in said), contexts, strict=True))
    queries.add_targets(work.session, run.id, [(device.id, read[device.user_id]) for device in devices])
    return contexts


def _variables(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a template reads as `event.*`: the properties, and beside them what every event has."""
    own = {name: said[name] for name in ("name", "at", "value", "currency")}
    return {**own, **said["properties"]}


def entries(
    work: Work, campaign_id: str, *, state: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[EntryRow]:
    """A campaign's firings, newest first. Raises `NotFound`."""
    number = ids.number(work, ids.CAMPAIGN, campaign_id)
    if campaign_queries.find(work.session, work.app_id, number, lock=False) is None:
        raise NotFound(f"There is no campaign {campaign_id[:40]!r}.")
    found = queries.listing(work.session, number, state, paging.after(work, cursor), paging.checked(limit))
    return paging.page(work, found, limit, lambda row: int(row.id), lambda row: _row(work, row))


def _row(work: Work, row: Row[Any]) -> EntryRow:
    return EntryRow(
        user_id=row.external_id or ids.public(work, ids.USER, row.user),
        state=row.state,
        event_at=row.event_at,
        due_at=row.due_at,
        run_id=ids.public(work, ids.RUN, row.run_id) if row.run_id is not None else None,
    )


def counts(work: Work, campaign_id: int) -> dict[str, int]:
    """How many firings of a campaign are in each state; every state is named once there is any."""
    found = queries.counts(work.session, campaign_id)
    return {state.value: found.get(state, 0) for state in EntryState} if found else {}
