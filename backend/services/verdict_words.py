"""Why a push went out or did not, in words: the one place where a rule's answer becomes a sentence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from backend.domain import caps, quiet
from backend.domain.caps import Cap
from backend.domain.experiment import slot
from backend.domain.policy import Defer, Expire, Policy, Quiet, Rule, Skip, Target, Verdict
from backend.domain.vocabulary import CampaignState, DeviceState, Permission
from backend.services import policy_words
from backend.services.words import REASONS


@dataclass(frozen=True, slots=True)
class Counted:
    """A push that caps count: of which campaign, in which category, when it was due."""

    name: str
    category: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What the sentences about one device are made from; `windows` are those that hold, as they are kept."""

    target: Target
    policy: Policy
    now: datetime
    category: str
    windows: Sequence[Mapping[str, object]]
    counted: Sequence[Counted]


TITLES: Final = {
    Rule.LAST_MOMENT: "Last moment",
    Rule.MISSED: "In time",
    Rule.ERASED: "Known person",
    Rule.STATE: "Device",
    Rule.PERMISSION: "Permission",
    Rule.TWIN: "One phone once",
    Rule.CATEGORY: "Category",
    Rule.PAUSE: "Pause",
    Rule.HOLDOUT: "Holdout",
    Rule.STALE: "Seen lately",
    Rule.QUIET_HOURS: "Quiet hours",
    Rule.CAPS: "Caps",
}
YET: Final = (CampaignState.DRAFT, CampaignState.SCHEDULED)
OVER: Final = (CampaignState.FINISHED, CampaignState.CANCELLED, CampaignState.ARCHIVED)
LAUNCHED: Final = {
    CampaignState.DRAFT: "It is a draft: nothing goes out before it is launched.",
    CampaignState.SCHEDULED: "It is scheduled; its time has not come yet.",
    CampaignState.ACTIVE: "It is active, and sends again and again.",
    CampaignState.RUNNING: "It is being sent now.",
    CampaignState.PAUSED: "It is paused: nothing goes out before it is resumed.",
    CampaignState.FINISHED: "It has been sent and is over.",
    CampaignState.CANCELLED: "It was cancelled: nothing more goes out.",
    CampaignState.ARCHIVED: "It is over and has been archived.",
}
PERMISSIONS: Final = {
    Permission.GRANTED: "The person has allowed notifications.",
    Permission.PROVISIONAL: "Notifications come quietly: the person has not been asked yet.",
    Permission.DENIED: "The person has not allowed notifications on this device.",
    Permission.UNKNOWN: "The app has not told whether notifications are allowed.",
}
ADDRESSABLE: Final = {
    "no_credential": "No credential of this app serves this device: nothing can be sent to it.",
    DeviceState.UNSUBSCRIBED: "It has unsubscribed: it is left out when a send is planned.",
    DeviceState.INVALID: "Its address is dead: it is left out when a send is planned.",
}


def look(rule: Rule, verdict: Verdict | None, seen: Seen) -> str:
    """What a rule found, as a sentence."""
    return _LOOKS[rule](verdict, seen)


def verdict(given: Verdict | None, where: ZoneInfo, now: datetime) -> str:
    """The answer of all rules together."""
    match given:
        case None:
            return "Would be sent now."
        case Defer(until):
            return f"Would be held until {moment(until, where, now)}."
        case Skip(reason):
            return f"Would be skipped: {_lower(REASONS[reason])}"
        case Expire(missed):
            return "Would not be sent: its time is long over." if missed else "Would not be sent: it is too late."
        case _:
            return "Would be sent now."


def moment(at: datetime, where: ZoneInfo, now: datetime) -> str:
    """`08:07`, or `22 Nov, 08:07` on another day than today."""
    local, today = at.astimezone(where), now.astimezone(where)
    return f"{local:%H:%M}" if local.date() == today.date() else f"{local.day} {local:%b}, {local:%H:%M}"


def _last_moment(found: Verdict | None, seen: Seen) -> str:
    if seen.policy.not_after is None:
        return "The campaign has no last moment."
    at = moment(seen.policy.not_after, seen.target.day_zone, seen.now)
    return f"Its last moment, {at}, has passed." if found else f"Its last moment is {at}."


def _missed(found: Verdict | None, seen: Seen) -> str:
    due, since = seen.target.due_at, seen.policy.missed_before
    if since is None or due is None:
        return "Nothing is too late for it."
    where, now = seen.target.day_zone, seen.now
    return f"Due {moment(due, where, now)}; what was due before {moment(since, where, now)} is {'too late' if found else 'left out'}."


def _erased(found: Verdict | None, _seen: Seen) -> str:
    return "The person has been erased." if found else "Person and device are known."


def _state(found: Verdict | None, seen: Seen) -> str:
    return f"It is {seen.target.state}." if found else "It is active."


def _permission(_found: Verdict | None, seen: Seen) -> str:
    return PERMISSIONS[Permission(seen.target.permission)]


def _twin(found: Verdict | None, _seen: Seen) -> str:
    if found:
        return "The same phone is in the audience under an earlier registration."
    return "No earlier registration of the same phone is in the audience."


def _category(_found: Verdict | None, seen: Seen) -> str:
    target, name = seen.target, f"“{seen.category}”"
    if seen.policy.mandatory:
        return f"{name} is mandatory: it goes to everybody."
    if target.device_opted_in is not None:
        return f"This device has been switched {_on(target.device_opted_in)} for {name}."
    if target.opted_in is not None:
        return f"The person has switched {name} {_on(target.opted_in)}."
    return f"The person has said nothing on {name}; its default is {_on(seen.policy.opted_in_by_default)}."


def _pause(found: Verdict | None, seen: Seen) -> str:
    until = seen.target.paused_until
    if until is None or until <= seen.now:
        return "The person has not paused notifications."
    paused = f"The person has paused notifications until {moment(until, seen.target.day_zone, seen.now)}"
    return f"{paused}." if found else f"{paused}; mandatory ones come all the same."


def _holdout(found: Verdict | None, seen: Seen) -> str:
    percent = seen.policy.holdout_percent
    if seen.policy.test or not percent:
        return "Nobody is held out."
    place = slot(seen.target.bucket, seen.policy.holdout) / 100
    place_in = f"the person's place is {place:.2f} of 100"
    return f"{percent:g} % are held out; {place_in}, {'among' if found else 'outside'} them."


def _stale(_found: Verdict | None, seen: Seen) -> str:
    days, last = seen.policy.unseen_days, seen.target.last_seen
    gone = f"Last seen {_ago((seen.now - last).days)}" if last else "Never seen"
    if days is None or seen.policy.test:
        return f"{gone}; the campaign does not mind."
    return f"{gone}; the campaign leaves out what was not seen for {policy_words.plural(days, 'day')}."


def _quiet_hours(found: Verdict | None, seen: Seen) -> str:
    target, policy = seen.target, seen.policy
    if policy.test or policy.mandatory:
        return "Mandatory pushes and tests pass through quiet hours."
    if policy.quiet_hours is Quiet.IGNORE:
        return "The campaign sends in quiet hours too."
    asked = policy.quiet if target.quiet is None else target.quiet
    if not asked:
        return "The app has no quiet hours, and the person has named none."
    whose = "the app's" if target.quiet is None else "the person's own"
    clock = f"{seen.now.astimezone(target.quiet_zone):%H:%M}"
    told = f"Quiet hours {policy_words.windows(seen.windows)} ({whose}), {target.quiet_zone.key}: it is {clock}"
    if isinstance(found, Defer):
        return f"{told}, held until {moment(found.until, target.quiet_zone, seen.now)}."
    if found is None:
        return f"{told}."
    endless = quiet.until(asked, target.quiet_zone, seen.now)
    held = policy.quiet_hours is not Quiet.DROP and endless is not None
    return f"{told}, and waiting would take too long." if held else f"{told}, and the campaign does not wait."


def _caps(_found: Verdict | None, seen: Seen) -> str:
    policy = seen.policy
    if policy.mandatory or policy.test:
        return "Mandatory pushes and tests are not capped."
    if policy.ignore_caps:
        return "The campaign does not mind caps."
    if not policy.capped:
        return "Neither the app nor the category has a cap."
    alike = [one for one in seen.counted if one.category == policy.category]
    told = [_cap(one, seen.counted, seen, "") for one in policy.app_caps]
    told += [_cap(one, alike, seen, f" of “{seen.category}”") for one in policy.category_caps]
    return " ".join(told)


def _cap(cap: Cap, given: Sequence[Counted], seen: Seen, of: str) -> str:
    where = seen.target.day_zone
    inside = [one for one in given if caps.count(cap, (caps.Sent(one.at, one.category),), where, seen.now)]
    named = ", ".join(f"{one.name} {moment(one.at, where, seen.now)}" for one in inside[-5:])
    full = len(inside) >= caps.room(cap)
    told = f"Cap: {policy_words.cap(cap)}{of}: {len(inside)} counted{f' ({named})' if named else ''}"
    return f"{told}, which leaves no room." if full else f"{told}."


def _ago(days: int) -> str:
    return f"{policy_words.plural(days, 'day')} ago" if days > 0 else "today"


def _on(value: bool) -> str:
    return "on" if value else "off"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


_LOOKS: Final[Mapping[Rule, Callable[[Verdict | None, Seen], str]]] = {
    Rule.LAST_MOMENT: _last_moment,
    Rule.MISSED: _missed,
    Rule.ERASED: _erased,
    Rule.STATE: _state,
    Rule.PERMISSION: _permission,
    Rule.TWIN: _twin,
    Rule.CATEGORY: _category,
    Rule.PAUSE: _pause,
    Rule.HOLDOUT: _holdout,
    Rule.STALE: _stale,
    Rule.QUIET_HOURS: _quiet_hours,
    Rule.CAPS: _caps,
}


def overall(answers: Sequence[str], state: CampaignState, in_audience: bool, whom: str) -> str:
    """The sentence on top; `answers` are send, hold, skip, expire or unreachable, one a device."""
    if not in_audience:
        return f"{whom} is not in the audience."
    if not answers:
        return f"{whom} has no device: there is nowhere to send to."
    told = [policy_words.plural(answers.count(key), "device") + word for key, word in _SUMS if key in answers]
    begun = "Not sent yet. Asked now: " if state in YET else "It is over. Asked again now: " if state in OVER else ""
    return f"{begun}{'; '.join(told)}."


_SUMS: Final = (
    ("send", " would get it"),
    ("hold", " would be held for later"),
    ("skip", " would be skipped"),
    ("expire", " would be too late"),
    ("unreachable", " cannot be reached"),
    ("outside", " outside the audience"),
)
