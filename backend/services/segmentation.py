"""Segments: rules kept under a name, counted, listed and turned into the audience of a campaign."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, true

from backend.db import Work
from backend.domain import topic
from backend.domain.content import clean
from backend.domain.segment import Group, Subject, rules_of
from backend.domain.segment_parse import canonical
from backend.domain.segment_words import in_words
from backend.domain.vocabulary import DeviceState, Platform
from backend.errors import Conflict, Invalid, NotFound
from backend.models import Segment
from backend.queries import campaigns as campaign_queries
from backend.queries import segment_rows as rows
from backend.queries import segments as compiler
from backend.services import audit, ids, page, topic_audience
from backend.services.page import Page
from backend.services.segment_library import Library, read_rules

SAMPLE = 20


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment; `description` says its rules in words."""

    id: str
    name: str
    rules: dict[str, Any]
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SegmentMember:
    """A user of a segment (`user_id` null when anonymous) with the devices for which its rules are true."""

    user_id: str | None
    device_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Who the rules are true for now: users, their devices in any state, the active ones of these."""

    users: int
    devices: int
    reachable: int
    by_platform: dict[str, int]
    sample: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AudienceSize:
    """People matched, the active devices that a campaign would go to, and the matched people without one.

    `people_unreachable` is by reason: no_device, unsubscribed, invalid (the best of the person's
    matched devices). Of topics, `devices` are the messages that go to the provider: it keeps their members.
    """

    people: int
    devices: int
    by_platform: dict[str, int]
    people_unreachable: dict[str, int]


def describe(rules: Mapping[str, Any], names: Mapping[str, str] | None = None) -> str:
    """The rules in words; `names` gives segments, lists and campaigns by their id. Raises `Invalid`."""
    return in_words(read_rules(rules), names or {}, rules)


def create(work: Work, name: str, rules: Mapping[str, Any]) -> SegmentRow:
    """A new segment. Raises `Invalid` naming each wrong rule by its path."""
    return save(work, name=name, rules=rules)


def save(work: Work, *, name: str, rules: Mapping[str, Any], segment_id: str | None = None) -> SegmentRow:
    """Makes a segment, or gives an existing one another name and rules."""
    Library(work, own=segment_id).add(read_rules(rules))
    kept: dict[str, Any] = {"name": _checked_name(name), "rules": canonical(rules), "updated_at": work.now}
    if segment_id:
        segment = _found(work, segment_id)
        segment.sqlmodel_update({**kept, "version": segment.version + 1})
    else:
        segment = Segment(app_id=work.app_id, created_at=work.now, **kept)
    work.session.add(segment)
    work.session.flush()
    row = _row(work, segment)
    audit.record(work, "segment.changed" if segment_id else "segment.created", row.id, name=row.name)
    return row


def get(work: Work, segment_id: str) -> SegmentRow:
    """A segment of the app. Raises `NotFound`."""
    return _row(work, _found(work, segment_id))


def listing(work: Work, *, search: str = "", cursor: str | None = None, limit: int = 50) -> Page[SegmentRow]:
    """The app's segments, newest first."""
    found = rows.listing(work.session, work.app_id, clean(search), page.after(work, cursor), page.checked(limit))
    return page.page(work, found, limit, lambda one: one.id or 0, lambda one: _row(work, one))


def delete(work: Work, segment_id: str) -> None:
    """Archives a segment. Raises `Conflict` while a campaign that has yet to end or a segment names it."""
    segment = _found(work, segment_id)
    users = [
        *(f"the campaign {name!r}" for name in campaign_queries.using_segment(work.session, work.app_id, segment_id)),
        *(f"the segment {one.name!r}" for one in rows.live(work.session, work.app_id) if _names(one, segment_id)),
    ]
    if users:
        raise Conflict(f"{segment.name!r} is still used by {', '.join(users[:3])}.")
    segment.archived_at = work.now
    work.session.flush()
    audit.record(work, "segment.archived", segment_id, name=segment.name)


def members(work: Work, segment_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[SegmentMember]:
    """The people for whom the segment is true now, oldest first, each with the devices it is true for."""
    where = condition(work, _found(work, segment_id).rules)
    found = rows.people(work.session, where, page.after(work, cursor), page.checked(limit))
    return page.page(work, found, limit, lambda one: one.number, lambda one: _member(work, one))


def condition(work: Work, rules: Mapping[str, Any]) -> ColumnElement[bool]:
    """The app's pairs for which the rules are true, over `User` and `Device`. Raises `Invalid` naming each wrong rule."""
    tree, library = read_rules(rules), Library(work)
    library.add(tree)
    return and_(compiler.in_app(work.app_id), compiler.where(tree, library.scope()))


def estimate(work: Work, rules: Mapping[str, Any]) -> Estimate:
    """Counts in one pass, and the first users by id. Raises `Invalid` naming each wrong rule."""
    where = condition(work, rules)
    found = rows.count(work.session, where, active_only=False)
    by_platform = _summed(one.devices for one in found)
    return Estimate(
        users=sum(one.people for one in found),
        devices=sum(by_platform.values()),
        reachable=sum(one.active for one in found),
        by_platform=by_platform,
        sample=rows.sample(work.session, where, SAMPLE),
    )


def audience_where(work: Work, audience: Mapping[str, Any]) -> ColumnElement[bool]:
    """The audience as one condition over `User` and `Device`, true or false for each pair, never NULL.

    It goes into a statement that joins user to device (LEFT OUTER to see people without one). Frozen
    rules (`freeze`) stand in for the segments as they are now. `unseen_days` is no part of it: those
    devices are skipped as stale, where people see it. Topics are no pairs: of them it is true for nobody.
    Raises `Invalid` naming a segment that is gone.
    """
    library = Library(work, frozen=audience.get("frozen") or {})
    included = _segments(library, audience, "include")
    excluded = _segments(library, audience, "exclude")
    scope = library.scope()
    chosen = true() if audience.get("everyone") else or_(false(), *(compiler.where(tree, scope) for tree in included))
    left_out = [not_(compiler.where(tree, scope)) for tree in excluded]
    return and_(compiler.in_app(work.app_id), chosen, *left_out)


def audience_size(work: Work, audience: Mapping[str, Any]) -> AudienceSize:
    """How many an audience is now, in one statement."""
    if topics := audience.get("topics"):
        messages = len(topic_audience.fanouts(work, topics))
        return AudienceSize(0, messages, {topic_audience.PLATFORM: messages}, {})
    found = rows.count(work.session, audience_where(work, audience), active_only=True)
    by_platform = _summed(one.devices for one in found)
    reasons = {None: "no_device", DeviceState.UNSUBSCRIBED: "unsubscribed", DeviceState.INVALID: "invalid"}
    return AudienceSize(
        people=sum(one.people for one in found),
        devices=sum(by_platform.values()),
        by_platform=by_platform,
        people_unreachable={reasons[one.best]: one.people for one in found if one.best in reasons},
    )


def freeze(work: Work, audience: Mapping[str, Any]) -> dict[str, Any]:
    """The audience with the rules of every segment it names, as they are now, under `frozen`.

    A revision keeps this, so that a later change to a segment does not change what was launched.
    """
    library = Library(work)
    _segments(library, audience, "include")
    _segments(library, audience, "exclude")
    return {**audience, "frozen": dict(library.rules)}


def audience_text(work: Work, audience: Mapping[str, Any]) -> str:
    """The audience in words: `Everyone`, `Loyal or New`, `Everyone but Staff`, `Topic news`."""
    if topics := audience.get("topics"):
        return topic.in_words(topics, "Topic")
    include, exclude = audience.get("include") or (), audience.get("exclude") or ()
    numbers = {one: work.core.keyring.number(ids.SEGMENT, one) or 0 for one in (*include, *exclude)}
    names = rows.names(work.session, work.app_id, list(numbers.values())) if numbers else {}
    included, excluded = (" or ".join(names.get(numbers[one], one) for one in side) for side in (include, exclude))
    whom = "Everyone" if audience.get("everyone") else included or "Nobody"
    return f"{whom} but {excluded}" if excluded else whom


def _segments(library: Library, audience: Mapping[str, Any], side: str) -> list[Group]:
    named: Sequence[str] = audience.get(side) or ()
    return [library.segment(one, f"audience.{side}[{index}]") for index, one in enumerate(named)]


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = dict.fromkeys(map(str, Platform), 0)
    for one in counts:
        for platform, devices in one.items():
            total[str(platform)] += devices
    return total


def _found(work: Work, segment_id: str) -> Segment:
    segment = rows.find(work.session, work.app_id, ids.number(work, ids.SEGMENT, segment_id))
    if segment is None:
        raise NotFound(f"There is no segment {segment_id}.")
    return segment


def _checked_name(name: str) -> str:
    if not (cleaned := clean(name).strip()) or len(cleaned) > 200:
        raise Invalid("name", "must have 1 to 200 characters")
    return cleaned


def _names(segment: Segment, segment_id: str) -> bool:
    rules = rules_of(read_rules(segment.rules))
    return any(rule.subject is Subject.SEGMENT and segment_id in rule.value for rule in rules)


def _row(work: Work, segment: Segment) -> SegmentRow:
    return SegmentRow(
        id=ids.public(work, ids.SEGMENT, segment.id or 0),
        name=segment.name,
        rules=segment.rules,
        description=in_words(read_rules(segment.rules), _known_names(work, segment.rules), segment.rules),
        created_at=segment.created_at,
        updated_at=segment.updated_at,
    )


def _known_names(work: Work, rules: Mapping[str, Any]) -> dict[str, str]:
    """What the segments, lists and campaigns of the rules are called."""
    named: dict[str, list[str]] = {ids.SEGMENT: [], ids.LIST: [], ids.CAMPAIGN: []}
    for rule in rules_of(read_rules(rules)):
        if rule.subject is Subject.SEGMENT or rule.subject is Subject.LIST:
            named[ids.SEGMENT if rule.subject is Subject.SEGMENT else ids.LIST] += rule.value
        elif rule.subject is Subject.PUSH and rule.value.campaign:
            named[ids.CAMPAIGN].append(rule.value.campaign)
    look_ups = {ids.SEGMENT: rows.names, ids.LIST: rows.list_names, ids.CAMPAIGN: rows.campaign_names}
    found: dict[str, str] = {}
    for prefix, wanted in named.items():
        numbers = {work.core.keyring.number(prefix, one) or 0: one for one in wanted}
        names = look_ups[prefix](work.session, work.app_id, list(numbers)) if numbers else {}
        found |= {numbers[number]: name for number, name in names.items()}
    return found


def _member(work: Work, person: rows.Person) -> SegmentMember:
    devices = tuple(ids.public(work, ids.DEVICE, number) for number in person.devices)
    return SegmentMember(person.external_id, devices)
