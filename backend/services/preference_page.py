"""The page on which a person says what they want to hear: what it shows, and what a sent form changes.

Each field of the form comes with what it showed (`was:NAME`), and only what differs from that is written: a form that
was open for a while takes nothing back that was said elsewhere meanwhile, and a choice that nobody made is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from backend.db import Actor, Work
from backend.domain import quiet, zones
from backend.domain.vocabulary import DeviceState
from backend.errors import Gone, Invalid
from backend.models import App
from backend.queries import accounts, audience
from backend.services import consents, fields, ids, preference_link, preferences
from backend.services.consents import ConsentIn
from backend.services.preferences import DevicePreferencesIn, PreferencesIn, WishRow

SPEAKER: Final = Actor("preference page")
HOW: Final = "Preference page"
ON, OFF, FOLLOW = "on", "off", "follow"
DEFAULT, OWN, NEVER = "default", "own", "never"
NIGHT: Final = {"start": "22:00", "end": "08:00"}
NEVER_QUIET: Final = {"start": "00:00", "end": "00:00"}
PAUSES: Final = {"day": relativedelta(days=1), "week": relativedelta(weeks=1), "month": relativedelta(months=1)}
PURPOSE: Final = 64

Form = Mapping[str, Sequence[str]]
"""The values of each field that was sent, in order."""


@dataclass(frozen=True, slots=True)
class PageDevice:
    """A device by a name that tells it from the others, if it has any of its own; `seen` is when it last was."""

    id: str
    model: str
    platform: str
    seen: datetime


@dataclass(frozen=True, slots=True)
class QuietForm:
    """Quiet hours as the form has them: `mode` is `default`, `own` or `never`; `usual` are the app's windows."""

    mode: str
    start: str
    end: str
    days: tuple[str, ...]
    zone: str
    usual: tuple[Mapping[str, Any], ...]

    @property
    def told(self) -> str:
        """All of it in one text, by which a form that was changed is known."""
        return " ".join((self.mode, self.start, self.end, ",".join(self.days), self.zone))


@dataclass(frozen=True, slots=True)
class PageView:
    """What the page shows. `languages` are those of the person and their devices, what counts first."""

    app: str
    color: str | None
    languages: tuple[str, ...]
    default_language: str
    wishes: tuple[WishRow, ...]
    devices: tuple[PageDevice, ...]
    quiet: QuietForm
    paused_until: datetime | None


def view(work: Work, token: str) -> PageView:
    """What a token's page shows. Raises `NotAllowed` for a token that is none of ours, `Gone` for one that is over."""
    holder = preference_link.opened(work, token)
    inside, person = work.within(holder.app_id), holder.row
    app, theirs = _app(inside), _devices(inside, holder.user)
    paused = person.paused_until if person.paused_until and person.paused_until > work.now else None
    return PageView(
        app=app.name,
        color=app.color,
        languages=tuple(tag for tag in (person.language, *(one.locale for one in theirs)) if tag),
        default_language=app.default_locale,
        wishes=preferences.wishes(inside, holder.user),
        devices=tuple(
            PageDevice(ids.public(work, ids.DEVICE, one.id), one.model or "", one.platform, one.last_seen)
            for one in theirs
        ),
        quiet=_quiet(person.quiet_hours, app.quiet_hours),
        paused_until=paused.astimezone(_zone(person, theirs, app)) if paused else None,
    )


def save(work: Work, token: str, form: Form) -> None:
    """Writes what differs from what the form showed. Raises as `view` does, and `Invalid` for wrong quiet hours."""
    holder = preference_link.opened(work, token)
    inside, user = work.within(holder.app_id), holder.user
    app, theirs, wishes = _app(inside), _devices(inside, user), preferences.wishes(inside, user)
    if "everything" in form:
        _switch_all_off(inside, user, wishes, theirs)
        return
    changes = {
        "categories": {one.slug: wish == ON for one in wishes if (wish := _chosen(form, f"c:{one.slug}", OFF))},
        **_quiet_change(form),
        **_pause_change(form, work.now, _zone(holder.row, theirs, app)),
    }
    _put(inside, user, changes)
    for device in theirs:
        name = f"d:{ids.public(work, ids.DEVICE, device.id)}"
        said = {one.slug: wish for one in wishes if (wish := _chosen(form, f"{name}:{one.slug}", FOLLOW))}
        words = {slug: None if wish == FOLLOW else wish == ON for slug, wish in said.items()}
        _put_device(inside, user, device, words)


def _app(work: Work) -> App:
    app = accounts.app(work.session, work.app_id)
    if app is None or app.archived_at is not None:
        raise Gone("This app is no longer here.")
    return app


def _devices(work: Work, user: int) -> list[Any]:
    """The rows of the person's devices that get pushes, the one used last first."""
    rows = audience.devices_of(work.session, work.app_id, user)
    theirs = [one for one in rows if one.state == DeviceState.ACTIVE and one.ephemeral_until is None]
    return sorted(theirs, key=lambda one: one.last_seen, reverse=True)


def _quiet(own: Mapping[str, Any] | None, usual: Sequence[Mapping[str, Any]]) -> QuietForm:
    never = own is not None and own["start"] == own["end"]
    mode = NEVER if never or (own is None and not usual) else DEFAULT if own is None else OWN
    shown = own if own is not None and not never else usual[0] if usual else NIGHT
    zone = (own or {}).get("timezone") or ""
    days = tuple(shown.get("days") or quiet.WEEKDAYS)
    return QuietForm(mode, shown["start"], shown["end"], days, zone, tuple(usual))


def _chosen(form: Form, name: str, missing: str) -> str | None:
    """What was chosen, None where that is what the form showed. A box that is not ticked is not sent."""
    was = form.get(f"was:{name}")
    now = form.get(name, [missing])[-1]
    return None if was is None or was[-1] == now or now not in (ON, OFF, FOLLOW) else now


def _quiet_change(form: Form) -> dict[str, Any]:
    """Raises `Invalid` where no day is chosen; wrong times are found by whoever takes them."""
    sent = QuietForm(
        _one(form, "quiet"), _one(form, "start"), _one(form, "end"), tuple(form.get("day", ())), _one(form, "zone"), ()
    )
    if not sent.mode or sent.told == _one(form, "was:quiet"):
        return {}
    if sent.mode == OWN:
        if not sent.days:
            raise Invalid("quiet_hours.days", "must name one day at least")
        own = {"start": sent.start, "end": sent.end, "days": sent.days, "timezone": sent.zone or None}
        return {"quiet_hours": own}
    if sent.mode == _one(form, "was:quiet").split(" ")[0]:
        return {}  # the hours of one's own were touched, and not chosen
    return {"quiet_hours": NEVER_QUIET if sent.mode == NEVER else None}


def _pause_change(form: Form, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """By the person's own clock: tomorrow is the same time of the next day, also when clocks change."""
    chosen = _one(form, "pause")
    if chosen == OFF:
        return {"paused_until": None}
    if chosen not in PAUSES:
        return {}
    wall = now.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    return {"paused_until": zones.instant(wall + PAUSES[chosen], zone)}


def _zone(person: Any, theirs: Sequence[Any], app: App) -> ZoneInfo:
    return zones.zone(person.timezone, *(one.timezone for one in theirs), app.default_timezone)


def _one(form: Form, name: str) -> str:
    return form.get(name, [""])[-1]


def _put(work: Work, user: int, changes: Mapping[str, Any]) -> None:
    preferences.put(work, user, fields.parse(PreferencesIn, {**changes, "record_consent": HOW}))


def _put_device(work: Work, user: int, device: Any, words: Mapping[str, bool | None]) -> None:
    """A word for one device is a consent for that device alone, and says so."""
    if not words:
        return
    public = ids.public(work, ids.DEVICE, device.id)
    preferences.put_device(work, public, DevicePreferencesIn(categories=dict(words)))
    for slug, wish in words.items():
        if wish is not None:
            purpose = f"{slug[:30]} on {device.model or device.platform}"[:PURPOSE].strip()
            consents.add(work, user, ConsentIn(purpose=purpose, given=wish, how=HOW))


def _switch_all_off(work: Work, user: int, wishes: Sequence[WishRow], theirs: Sequence[Any]) -> None:
    """All that can be, also where single devices were to get it."""
    free = [one for one in wishes if not one.mandatory]
    _put(work, user, {"categories": {one.slug: False for one in free if one.opted_in}})
    for device in theirs:
        public = ids.public(work, ids.DEVICE, device.id)
        _put_device(work, user, device, dict.fromkeys(one.slug for one in free if one.on(public)))
