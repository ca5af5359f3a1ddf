"""What stands in the way of a launch, and what a careful colleague would say before it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from backend.db import Work
from backend.domain import schedule
from backend.domain.picture import Level
from backend.domain.vocabulary import LaneState, SkipReason
from backend.errors import FieldError
from backend.models import App
from backend.services import ids, lane_health, pictures
from backend.services.alarms import PROVIDERS
from backend.services.lane_health import Lane
from backend.services.preflight_tally import Tally, Trouble, Wrong
from backend.services.preflight_walk import Walk

SHOWN: Final = 20
"""The commonest of each kind: who has more mends these and looks again."""
LEAVES_OUT: Final = {
    SkipReason.CAPPED: ("ignore_caps", "have had as many pushes as the caps allow"),
    SkipReason.QUIET_HOURS: ("quiet_hours", "would be left out for their quiet hours"),
    SkipReason.NO_PERMISSION: ("audience", "do not allow notifications"),
}
"""Reasons that are no mistake, unless more than half of the audience goes by them."""
SILENT_LANE: Final = (LaneState.RESTING, LaneState.HALF_OPEN, LaneState.STALLED)
OF_TOPIC: Final = "a topic is nobody in particular, so that what is said of a user or device needs a default"


@dataclass(frozen=True, slots=True)
class Problem:
    """What to look at before a launch; a `blocking` one stands in its way. `field` is the path in the campaign.

    Where it concerns devices: how many, one of them, and the reason by which they are skipped, if they are.
    """

    field: str
    message: str
    blocking: bool
    reason: str | None = None
    devices: int | None = None
    example: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A walk that has come to its end, and the campaign it was about; `contents` are the variants' as frozen."""

    work: Work
    app: App
    definition: Mapping[str, Any]
    walk: Walk
    tally: Tally

    @property
    def contents(self) -> list[Mapping[str, Any]]:
        return [variant["content"] for variant in self.walk.frozen["variants"]]

    @property
    def repeats(self) -> bool:
        return schedule.repeats(self.definition["schedule"]["kind"])


def problems(checked: Checked) -> list[Problem]:
    """All that was found, what blocks first; in each group the commonest first."""
    looks = (_troubles, _lanes, _languages, _nobody, _left_out, _nowhere, _pictures, _pace, _unmeasured)
    found = [one for look in looks for one in look(checked)]
    return sorted(found, key=lambda one: (not one.blocking, -(one.devices or 0)))


def refused(errors: Sequence[FieldError]) -> list[Problem]:
    """What a launch refuses by itself."""
    return [Problem(one.field, one.message, blocking=True) for one in errors]


def _troubles(checked: Checked) -> Iterator[Problem]:
    """What goes wrong for single devices."""
    ranked = sorted(checked.tally.troubles.items(), key=lambda one: -one[1].devices)
    for wrong, trouble in ranked[:SHOWN]:
        example = ids.public(checked.work, ids.DEVICE, trouble.example) if trouble.example else None
        place = f"variants[{wrong.variant}].content" + (f".{wrong.field}" if wrong.field else "")
        message = _said(checked, wrong, trouble, example)
        yield Problem(place, message, True, wrong.reason, trouble.devices, example)


def _said(checked: Checked, wrong: Wrong, trouble: Trouble, example: str | None) -> str:
    whom = f"{_devices(trouble.devices)}, such as {example}" if example else OF_TOPIC
    if wrong.reason == SkipReason.TOO_LARGE:
        size, most = checked.tally.largest[wrong.detail]
        return f"is larger than the provider takes: up to {size} bytes, at most {most} are allowed ({whom})"
    return f"{wrong.detail or 'cannot be filled in, for several reasons'} ({whom})"


def _lanes(checked: Checked) -> Iterator[Problem]:
    """The credentials that this audience is sent through."""
    for lane in lane_health.lanes(checked.work, devices=False):
        devices = checked.tally.lanes[lane.number]
        if devices and (found := _lane(checked, lane)) is not None:
            wrong, blocking = found
            yield Problem(f"credentials.{lane.id}", f"{_named(lane)} {wrong}", blocking, devices=devices)


def _lane(checked: Checked, lane: Lane) -> tuple[str, bool] | None:
    """What is wrong with a lane, and whether nothing can go out through it."""
    now, expires = checked.work.now, lane.expires_at
    if lane.number in checked.walk.sealed_lanes:
        return "cannot be opened with the installation's TOCSIN_SECRET_KEYS", True
    if expires is not None and expires <= now:
        return f"has expired: its certificate ended on {_day(expires)}", True
    if lane.state == LaneState.HELD:
        return f"is held: {lane.sentence}", True
    if lane.state == LaneState.PAUSED:
        return "is paused by a member: its pushes wait until somebody resumes it", False
    if expires is not None and expires <= checked.walk.due_at:
        return f"expires before the send: its certificate ends on {_day(expires)}", False
    return (f"does not get through at the moment: {lane.sentence}", False) if lane.state in SILENT_LANE else None


def _named(lane: Lane) -> str:
    return f"{PROVIDERS[lane.provider]} {lane.name}".strip()


def _languages(checked: Checked) -> Iterator[Problem]:
    """Languages that were begun and not finished, and those that the audience reads and the content lacks."""
    for position, content in enumerate(checked.contents):
        for tag, layers in _begun(content).items():
            place = f"variants[{position}].content.locales.{tag}"
            if not any(layers):
                yield Problem(place, f"{tag} was begun and says nothing yet: write its text or remove it", True)
            elif missing := [name for name in ("title", "body") if content.get(name) and not _says(layers, name)]:
                yield from _half(checked, place, tag, missing)
    if lacking := checked.tally.lacking:
        named = ", ".join(f"{tag} ({devices})" for tag, devices in lacking.most_common(SHOWN))
        message = f"no text for {named}: {_devices(lacking.total())} would get the one in {checked.app.default_locale}"
        yield Problem("variants[0].content.locales", message, False, devices=lacking.total())


def _half(checked: Checked, place: str, tag: str, missing: list[str]) -> Iterator[Problem]:
    if readers := checked.tally.locales[tag]:
        message = f"{tag} has no {' and no '.join(missing)} of its own: {_devices(readers)} would read two languages"
        yield Problem(place, message, False, devices=readers)


def _begun(content: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Each language with its layers: for all platforms and for single ones."""
    sections = (content, *(content.get(name) or {} for name in ("ios", "android", "web")))
    found: dict[str, list[Mapping[str, Any]]] = {}
    for section in sections:
        for tag, layer in (section.get("locales") or {}).items():
            found.setdefault(tag, []).append(layer)
    return found


def _says(layers: list[Mapping[str, Any]], name: str) -> bool:
    return any(name in layer for layer in layers)


def _nobody(checked: Checked) -> Iterator[Problem]:
    """What repeats may find nobody today: its audience is looked at anew each time."""
    tally = checked.tally
    if checked.definition["audience"].get("topics"):
        return
    if not tally.audience:
        yield Problem("audience", "nobody would get this: no active device matches", not checked.repeats, devices=0)
    elif not tally.troubles and not tally.send and tally.deferred == tally.later.total():
        message = f"nobody would get this: all of {_devices(tally.audience)} would be skipped"
        yield Problem("audience", message, not checked.repeats, devices=0)


def _left_out(checked: Checked) -> Iterator[Problem]:
    tally = checked.tally
    for reason, (field, why) in LEAVES_OUT.items():
        devices = tally.skipped[reason] + tally.later[reason]
        if devices * 2 > tally.audience:
            message = f"{devices} of {_devices(tally.audience)} {why}: more than half of the audience"
            yield Problem(field, message, False, reason, devices)


def _nowhere(checked: Checked) -> Iterator[Problem]:
    devices = checked.tally.linkless
    if devices:
        message = f"{_devices(devices)} with a browser have nowhere to go on a click: name a link, or the app's website"
        yield Problem("variants[0].content.link", message, False, devices=devices)


def _pictures(checked: Checked) -> Iterator[Problem]:
    """Those that a platform does not show, as far as somebody has looked at them: nothing is fetched here."""
    work = checked.work
    for shown, devices in checked.tally.pictures.most_common():
        for verdict in pictures.known(work.core, work.app_id, shown.url):
            if verdict.platform == shown.platform and verdict.level is Level.ERROR:
                message = f"{verdict.text} {_devices(devices)} would get it without its picture"
                yield Problem(f"variants[{shown.variant}].content.image", message, False, devices=devices)


def _pace(checked: Checked) -> Iterator[Problem]:
    """Who would come after the last moment, at the pace that the campaign allows."""
    throttle, not_after = checked.definition.get("throttle_per_minute"), checked.definition.get("not_after")
    if not throttle or not not_after:
        return
    room = (datetime.fromisoformat(not_after) - checked.walk.due_at) / timedelta(minutes=1) * throttle
    late = checked.tally.send - int(max(room, 0))
    if late > 0:
        message = f"at {throttle} a minute the last {_devices(late)} would come after the campaign's last moment"
        yield Problem("throttle_per_minute", message, False, devices=late)


def _unmeasured(checked: Checked) -> Iterator[Problem]:
    data = checked.definition
    compared = len(data["variants"]) > 1 or data["holdout_percent"]
    if compared and not data.get("conversion"):
        groups = f"{len(data['variants'])} variants" if len(data["variants"]) > 1 else "the holdout"
        message = f"no event counts as success, so that only opens tell {groups} apart"
        yield Problem("conversion", message, False, devices=checked.tally.send)


def _devices(count: int) -> str:
    return "1 device" if count == 1 else f"{count} devices"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"
