"""The runs of a campaign, and who has entered it, in words."""

from dataclasses import dataclass
from datetime import datetime

from backend.services.run_history import RunRow
from backend.services.triggers import EntryRow
from console import routes, words
from console.words import NEVER, When

STATE = {
    "planning": "Gathering its audience",
    "running": "Sending",
    "paused": "Paused",
    "finished": "Finished",
    "cancelled": "Cancelled",
}
ENTRY = {
    "waiting": "Waiting",
    "fired": "Sent",
    "cancelled": "Called off",
    "repeated": "Not again",
    "missed": "Missed",
}


@dataclass(frozen=True, slots=True)
class RunLine:
    """One time that a campaign went out."""

    id: str
    when: When
    state: str
    note: str
    audience: str
    accepted: str
    failed: str
    skipped: str
    opened: str
    opened_hint: str


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One firing of an event campaign."""

    person: str
    href: str
    state: str
    happened: When = NEVER
    due: When = NEVER


def run_line(row: RunRow, zone: str, now: datetime) -> RunLine:
    of_it = row.totals
    return RunLine(
        id=row.id,
        when=words.when(row.due_at, zone, now),
        state=STATE.get(row.state, row.state),
        note=row.pause_detail or "",
        audience=words.number(of_it.audience),
        accepted=words.number(of_it.accepted),
        failed=words.number(of_it.failed),
        skipped=words.number(of_it.skipped),
        opened=words.percent(of_it.opened, of_it.accepted),
        opened_hint=words.share(of_it.opened, of_it.accepted, "accepted"),
    )


def entry_line(row: EntryRow, zone: str, now: datetime) -> EntryLine:
    return EntryLine(
        person=row.user_id,
        href=routes.people(search=row.user_id),
        state=ENTRY.get(row.state, row.state),
        happened=words.when(row.event_at, zone, now),
        due=words.when(row.due_at, zone, now),
    )
