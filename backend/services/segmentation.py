"""Segments: rules kept under a name, counted, listed and turned into the audience of a campaign."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
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
from backend.errors import Conflict, Invalid, NotFound, TooSlow
from backend.models import Segment
from backend.queries import segment_rows as rows
from backend.queries import segment_shelf as shelf
from backend.queries import segments as compiler
from backend.queries.patience import limited, roomy
from backend.queries.segment_rows import Reach
from backend.services import audit, ids, page, segment_uses, topic_audience
from backend.services.page import Page
from backend.services.segment_library import Library, read_rules

SAMPLE = 20
AT_ONCE = 0.3
"""Seconds for which somebody waits for what they have not asked for."""
TAKEN = (Reach.REACHABLE, Reach.NO_PERMISSION)
"""What a campaign takes up; it skips the second where people see it."""


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment; `description` says its rules in words, and `version` counts its changes."""

    id: str
    name: str
    rules: dict[str, Any]
    description: str
    version: int
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class SegmentMember:
    """A user of a segment (`user_id` null when anonymous) with the devices for which its rules are true."""

    user_id: str | None
    device_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Who the rules are true for now: users, their devices in any state, and those that a push would reach.

    A device is reachable when it is active, permitted and has a credential; all others are in `unreachable`
    by reason: unsubscribed, invalid, no_permission, no_credential. `people_unreachable` are the people none of
    whose devices found is reachable, by the same reasons (the best of theirs) or no_device.
    `total_users` are the people of the app, and `sample` the first users found by id.
    """

    users: int
    devices: int
    reachable: int
    by_platform: dict[str, int]
    sample: tuple[str, ...]
    reachable_by_platform: dict[str, int]
    unreachable: dict[str, int]
    people_unreachable: dict[str, int]
    total_users: int


@dataclass(frozen=True, slots=True)
class AudienceSize:
    """People matched, the devices that a campaign would take, and the matched people without one.

    It takes active devices with a credential; those without permission are skipped one by one where people
    see it. `people_unreachable` is by reason: no_device, unsubscribed, invalid, no_credential (the best of
    the person's matched devices). Of topics, `devices` are the messages that go to the provider: it keeps
    their members.
    """

    people: int
    devices: int
    by_platform: dict[str, int]
    people_unreachable: dict[str, int]


def describe(rules: Mapping[str, Any], names: Mapping[str, str] | None = None) -> str:
    """The rules in words; `names` gives segments, lists and campaigns by their id. Raises `Invalid`."""
    return in_words(read_rules(rules), names or {}, rules)


def describe_named(work: Work, rules: Mapping[str, Any]) -> str:
    """The rules in words, with segments, lists and campaigns by name. Raises `Invalid`."""
    return in_words(read_rules(rules), _known_names(work, rules), rules)


def create(work: Work, name: str, rules: Mapping[str, Any]) -> SegmentRow:
    """A new segment. Raises `Invalid` naming each wrong rule by its path."""
    return save(work, name=name, rules=rules)


def save(
    work: Work,
    *,
    name: str,
    rules: Mapping[str, Any],
    segment_id: str | None = None,
    version: int | None = None,
) -> SegmentRow:
    """Makes a segment, or gives an existing one another name and rules.

    Raises `Conflict` when `version` is given and somebody else has saved since.
    """
    Library(work, own=segment_id).add(read_rules(rules))
    kept: dict[str, Any] = {"name": _checked_name(name), "rules": canonical(rules), "updated_at": work.now}
    if segment_id:
        segment = _found(work, segment_id)
        _next_version(work, segment, version or segment.version)
        segment.sqlmodel_update(kept)
    else:
        segment = Segment(app_id=work.app_id, created_at=work.now, **kept)
    work.session.add(segment)
    work.session.flush()
    row = row_of(work, segment)
    audit.record(work, "segment.changed" if segment_id else "segment.created", row.id, name=row.name)
    return row


def get(work: Work, segment_id: str) -> SegmentRow:
    """A segment of the app. Raises `NotFound`."""
    return row_of(work, _found(work, segment_id))


def listing(
    work: Work, *, search: str = "", archived: bool = False, cursor: str | None = None, limit: int = 50
) -> Page[SegmentRow]:
    """The app's segments, newest first; or those that were archived."""
    look_up = shelf.archive if archived else rows.listing
    found = look_up(work.session, work.app_id, clean(search), page.after(work, cursor), page.checked(limit))
    return page.page(work, found, limit, lambda one: one.id or 0, lambda one: row_of(work, one))


def row_of(work: Work, segment: Segment) -> SegmentRow:
    """The segment as it is shown, archived ones too."""
    return SegmentRow(
        id=ids.public(work, ids.SEGMENT, segment.id or 0),
        name=segment.name,
        rules=segment.rules,
        description=describe_named(work, segment.rules),
        version=segment.version,
        created_at=segment.created_at,
        updated_at=segment.updated_at,
        archived_at=segment.archived_at,
    )


def delete(work: Work, segment_id: str) -> None:
    """Archives a segment. Raises `Conflict` while a campaign that has yet to end or a segment names it."""
    segment = _found(work, segment_id)
    users = [f"the {use.kind} {use.name!r}" for use in segment_uses.uses_of(work, segment_id)]
    if users:
        raise Conflict(f"“{segment.name}” is still used by {', '.join(users[:3])}.")
    segment.archived_at = work.now
    work.session.flush()
    audit.record(work, "segment.archived", segment_id, name=segment.name)


def members(work: Work, segment_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[SegmentMember]:
    """The people for whom the segment is true now, oldest first, each with the devices it is true for.

    Raises `TooSlow`.
    """
    asked, after = _asked(work, _found(work, segment_id).rules), page.after(work, cursor) or 0
    with limited(work.session):
        found = _first(work, asked, after, page.checked(limit) + 1)
        people = rows.with_devices(work.session, asked.some, found)
    return page.page(work, people, limit, lambda one: one.number, lambda one: _member(work, one))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Rules as one condition twice: to ask of some people, and of everybody."""

    some: ColumnElement[bool]
    everybody: ColumnElement[bool]


def _asked(work: Work, rules: Mapping[str, Any]) -> _Asked:
    tree, library = read_rules(rules), Library(work)
    library.add(tree)
    mine = compiler.in_app(work.app_id, scanned=work.sqlite)
    some, every = (compiler.where(tree, library.scope(whole=whole)) for whole in (False, True))
    return _Asked(and_(mine, some), and_(mine, every))


def _first(work: Work, asked: _Asked, after: int, limit: int) -> Sequence[Any]:
    """The first that are found behind a number: among the next people, and only if these are too few among all."""
    near = rows.stretch(work.session, work.app_id, after)
    found = rows.people(work.session, and_(asked.some, near.holds()), limit)
    if len(found) == limit or not near.rest:
        return found
    return rows.people(work.session, and_(asked.everybody, rows.behind(after)), limit)


def condition(work: Work, rules: Mapping[str, Any]) -> ColumnElement[bool]:
    """The app's pairs for which the rules are true, over `User` and `Device`. Raises `Invalid` naming each wrong rule."""
    tree, library = read_rules(rules), Library(work)
    library.add(tree)
    return and_(compiler.in_app(work.app_id), compiler.where(tree, library.scope()))


def estimate(work: Work, rules: Mapping[str, Any]) -> Estimate:
    """Counts now, and the first users by id. Raises `Invalid` naming each wrong rule, and `TooSlow`."""
    asked = _asked(work, rules)
    with limited(work.session):
        found, sample = _counted(work, asked)
        total = rows.everybody(work.session, work.app_id)
    by_platform, reachable = found.by_platform(Reach), found.by_platform((Reach.REACHABLE,))
    people, devices = found.reasons(besides=(Reach.REACHABLE,))
    return Estimate(
        users=sum(found.people.values()),
        devices=sum(by_platform.values()),
        reachable=sum(reachable.values()),
        by_platform=by_platform,
        sample=sample,
        reachable_by_platform=reachable,
        unreachable=devices,
        people_unreachable=people,
        total_users=total,
    )


def _counted(work: Work, asked: _Asked) -> tuple[rows.Counts, tuple[str, ...]]:
    """The sample comes from the next best people where they hold enough, else from the pass that counts."""
    near = rows.stretch(work.session, work.app_id, 0)
    sample = rows.sample(work.session, and_(asked.some, near.holds()), SAMPLE)
    if len(sample) == SAMPLE or not near.rest:
        return rows.count(work.session, asked.everybody), sample
    return rows.count_and_sample(work.session, asked.everybody, SAMPLE)


def suggested(work: Work, audience: Mapping[str, Any], limit: int) -> tuple[str, ...]:
    """The ids of the first people of an audience, as far as they are found at once: fewer, or none, of rare ones.

    Raises `Invalid` naming a segment or list that is gone.
    """
    some, everybody = (audience_where(work, audience, whole=whole, by_number=True) for whole in (False, True))
    found: tuple[str, ...] = ()
    with suppress(TooSlow), limited(work.session, AT_ONCE):
        near = rows.stretch(work.session, work.app_id, 0)
        found = rows.sample(work.session, and_(some, near.holds()), limit)
        if len(found) < limit and near.rest:
            found = rows.sample(work.session, everybody, limit)
    return found


def audience_where(
    work: Work, audience: Mapping[str, Any], *, whole: bool = False, by_number: bool = False
) -> ColumnElement[bool]:
    """The audience as one condition over `User` and `Device`, true or false for each pair, never NULL.

    It goes into a statement that joins user to device (LEFT OUTER to see people without one). Frozen
    rules (`freeze`) stand in for the segments as they are now. `unseen_days` is no part of it: those
    devices are skipped as stale, where people see it. Topics are no pairs: of them it is true for nobody.
    Of a list it asks who is in it when the statement runs. `whole` is for statements on everybody at once, and
    `by_number` for those that go through people in the order of their numbers. Raises `Invalid` naming a segment or
    list that is gone.
    """
    library = Library(work, frozen=audience.get("frozen") or {})
    included = _segments(library, audience, "include")
    excluded = _segments(library, audience, "exclude")
    scope = library.scope(whole=whole)
    chosen = true() if audience.get("everyone") else or_(false(), *(compiler.where(tree, scope) for tree in included))
    left_out = [not_(compiler.where(tree, scope)) for tree in excluded]
    return and_(compiler.in_app(work.app_id, scanned=work.sqlite and (whole or by_number)), chosen, *left_out)


def audience_size(work: Work, audience: Mapping[str, Any]) -> AudienceSize:
    """How many an audience is now."""
    if topics := audience.get("topics"):
        messages = len(topic_audience.fanouts(work, topics))
        return AudienceSize(0, messages, {topic_audience.PLATFORM: messages}, {})
    with roomy(work.session):
        found = rows.count(work.session, audience_where(work, audience, whole=True))
    by_platform = found.by_platform(TAKEN)
    return AudienceSize(
        people=sum(found.people.values()),
        devices=sum(by_platform.values()),
        by_platform=by_platform,
        people_unreachable=found.reasons(besides=TAKEN)[0],
    )


def freeze(work: Work, audience: Mapping[str, Any]) -> dict[str, Any]:
    """The audience with the rules of every segment it names, as they are now, under `frozen`.

    A revision keeps this, so that a later change to a segment does not change what was launched. A list is not
    copied: who is in it when the run is planned gets the push.
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
    names = {
        **_called(work, ids.SEGMENT, rows.names, (*include, *exclude)),
        **_called(work, ids.LIST, rows.list_names, (*include, *exclude)),
    }
    included, excluded = (" or ".join(names.get(one, one) for one in side) for side in (include, exclude))
    whom = "Everyone" if audience.get("everyone") else included or "Nobody"
    return f"{whom} but {excluded}" if excluded else whom


def _called(
    work: Work, prefix: str, look_up: Callable[[Any, int, list[int]], Mapping[int, str]], named: Iterable[str]
) -> dict[str, str]:
    """The names of those ids that are of this kind."""
    numbers = {number: one for one in named if (number := work.core.keyring.number(prefix, one))}
    found = look_up(work.session, work.app_id, list(numbers)) if numbers else {}
    return {numbers[number]: name for number, name in found.items()}


def _segments(library: Library, audience: Mapping[str, Any], side: str) -> list[Group]:
    """The trees of one side: a list is a rule of its own. What was launched may name a list archived since."""
    named: Sequence[str] = audience.get(side) or ()
    places = {one: f"audience.{side}[{index}]" for index, one in enumerate(named)}
    launched = "frozen" in audience
    return [
        library.people_of(one, place, archived=launched) if one.startswith(ids.LIST) else library.segment(one, place)
        for one, place in places.items()
    ]


def _found(work: Work, segment_id: str) -> Segment:
    segment = rows.find(work.session, work.app_id, ids.number(work, ids.SEGMENT, segment_id))
    if segment is None:
        raise NotFound(f"There is no segment {segment_id}.")
    return segment


def _checked_name(name: str) -> str:
    if not (cleaned := clean(name).strip()) or len(cleaned) > 200:
        raise Invalid("name", "must have 1 to 200 characters")
    return cleaned


def _next_version(work: Work, segment: Segment, version: int) -> None:
    if not shelf.turn_version(work.session, segment.id or 0, version):
        raise Conflict(f"Somebody else has saved {segment.name!r} since you opened it.")
    work.session.refresh(segment)


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
