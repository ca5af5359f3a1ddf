"""Tests of a campaign as the composer shows them: who can get one, and what became of each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.services.testers import TesterDevice, TesterRow, Unreached
from backend.services.trials import Trial, TrialResult
from backend.services.words import RECEIPTS
from console import routes, words
from console.rows.deliveries import PLATFORM_WORD
from console.words import NEVER, When


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """A device that a test may go to; with a `problem` it cannot be chosen."""

    id: str
    label: str
    platform: str
    problem: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class TesterLine:
    """Somebody who gets tests; `note` says who they are beside their name, or whose devices theirs are."""

    id: str
    name: str
    note: str
    href: str
    mine: bool
    devices: tuple[DeviceChoice, ...]


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One device's part in a test. `answer` is the provider's last word other than success, `raw` all of it."""

    href: str
    person: str
    device: str
    platform: str
    variant: str
    state: str
    reply: str
    reference: str
    answer: str
    raw: str
    took: str
    heard: str
    again: str


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One test with its results."""

    run_id: str = ""
    at: When = NEVER
    summary: str = ""
    whom: str = ""
    open: int = 0
    results: tuple[ResultLine, ...] = ()


NO_TRIAL = TrialLine()


def testers(rows: Sequence[TesterRow], chosen: Collection[str]) -> tuple[TesterLine, ...]:
    """The caller's own first."""
    return tuple(_tester(row, chosen) for row in rows)


def offered(rows: Sequence[TesterRow]) -> tuple[str, ...]:
    """What is chosen before anybody has chosen: the member's own devices."""
    return tuple(one.id for row in rows if row.mine for one in row.devices if not one.problem)


def trial(found: Trial, zone: str, now: datetime) -> TrialLine:
    people = list(dict.fromkeys(one.person for one in found.results))
    more = f" and {len(people) - 2} more" if len(people) > 2 else ""
    results = tuple(_result(one, zone) for one in found.results)
    return TrialLine(
        found.run_id,
        words.when(found.at, zone, now),
        _summary(found),
        ", ".join(people[:2]) + more,
        found.open,
        results,
    )


def unreached(rows: Sequence[Unreached]) -> str:
    """`Ann has no device. Ben has …`, empty when all are reached."""
    return " ".join(f"{one.name} {one.reason}" for one in rows)


def _tester(row: TesterRow, chosen: Collection[str]) -> TesterLine:
    known = "" if row.name == row.user_id else row.user_id
    note = "My devices" if row.mine else f"{row.member}'s own devices" if row.member else known
    devices = tuple(_device(one, chosen) for one in row.devices)
    return TesterLine(row.id, row.name, note, routes.person(row.user_id), row.mine, devices)


def _device(one: TesterDevice, chosen: Collection[str]) -> DeviceChoice:
    label = one.model or PLATFORM_WORD.get(one.platform, one.platform)
    sandbox = " · sandbox" if one.environment == "sandbox" else ""
    return DeviceChoice(one.id, label + sandbox, one.platform, one.problem, one.id in chosen and not one.problem)


def _summary(found: Trial) -> str:
    if found.open:
        return f"{len(found.results) - found.open} of {len(found.results)} answered"
    return f"{found.accepted} of {words.plural(len(found.results), 'device')} accepted"


def _result(one: TrialResult, zone: str) -> ResultLine:
    said = (str(one.status) if one.status else "", one.reason if one.reason != str(one.status) else "")
    heard = dict.fromkeys(RECEIPTS.get(got.type, got.type) for got in one.receipts)
    return ResultLine(
        href=routes.delivery(one.delivery_id),
        person=one.person,
        device=one.model or PLATFORM_WORD.get(one.platform, one.platform),
        platform=one.platform,
        variant=one.variant,
        state=one.state,
        reply=one.reply,
        reference=one.reference,
        answer=" ".join(filter(None, said)) if one.status else "",
        raw=one.raw,
        took=_took(one.seconds),
        heard=", ".join(heard),
        again=f"Next try {words.clock(one.next_try_at, zone)}" if one.next_try_at else "",
    )


def _took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{max(1, round(seconds * 1000))} ms" if seconds < 1 else f"{seconds:.1f} s"
