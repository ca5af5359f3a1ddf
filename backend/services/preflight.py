"""Before launch: what would happen to every device, by the code that sends, and what stands in the way.

Nothing is written. `preflight` gives the whole answer, `steps` the same with how far it has come on the way.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from backend.db import Work
from backend.domain import topic
from backend.errors import FieldError, Invalid, NotFound
from backend.models import Campaign
from backend.queries import campaigns as apps
from backend.services import campaigns, preflight_checks, preflight_past, segmentation
from backend.services import topics as following
from backend.services.preflight_checks import Checked, Problem
from backend.services.preflight_past import SinceLast
from backend.services.preflight_tally import Tally, histogram
from backend.services.preflight_walk import Walk
from backend.services.segmentation import AudienceSize

SHOWN_INSTANTS: Final = 24


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pre-flight is: so many devices of about `of`, after so many seconds."""

    done: int
    of: int
    seconds: float


@dataclass(frozen=True, slots=True)
class HeldUntil:
    """How many are held until this quarter of an hour; without an instant: all that wait longer than those told."""

    at: datetime | None
    devices: int


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a launch now would do. `audience` = send + deferred + skipped; people without a device stand beside it.

    `skipped_later` (reason → devices) is of those deferred: what would keep them from getting it when their time
    comes. So `send + deferred` less these get the push. `by_locale` is the language that these read, `lacking` the
    devices whose own language the content does not speak, by that language. `largest_payload` (platform → bytes) is
    what counts against `payload_limit`. `since_last` compares with the last run of the same campaign. `version` is
    the campaign's: name it at the launch to launch exactly what was checked.

    Of a send to topics `audience` counts messages, `members` the devices that are known to follow one of
    them (0 otherwise), and `notes` say what this means.
    """

    audience: int
    send: int
    deferred: int
    skipped: dict[str, int]
    people_unreachable: dict[str, int]
    by_platform: dict[str, int]
    largest_payload: dict[str, int]
    problems: list[Problem]
    notes: list[str]
    members: int
    skipped_later: dict[str, int]
    deferred_until: list[HeldUntil]
    by_locale: dict[str, int]
    lacking: dict[str, int]
    payload_limit: dict[str, int]
    since_last: SinceLast | None
    version: int

    @property
    def reached(self) -> int:
        """How many get the push, now or when their hold ends."""
        return self.send + self.deferred - sum(self.skipped_later.values())


def preflight(work: Work, campaign_id: str) -> Preflight:
    """Walks decide → render → encode over the whole audience, with the clock at the time it would go out."""
    *_, last = steps(work, campaign_id)
    assert isinstance(last, Preflight)
    return last


def steps(work: Work, campaign_id: str) -> Iterator[Progress | Preflight]:
    """The pre-flight page by page: each tells how far it is, the last is the answer. Raises `NotFound`."""
    campaign = campaigns.find(work, campaign_id, lock=False)
    refused = _refused(work, campaign.definition)
    try:
        walk, size = Walk(work, campaign), segmentation.audience_size(work, campaign.definition["audience"])
    except (Invalid, NotFound):
        if not refused:
            raise
        yield _unwalked(campaign, refused)  # what it names is gone: there is no audience to walk over
        return
    app = apps.app(work.session, work.app_id)
    tally, begun = Tally(), time.monotonic()
    yield Progress(0, size.devices, 0.0)
    for page in walk.pages():
        for fate in page:
            tally.add(fate)
        yield Progress(tally.audience, max(size.devices, tally.audience), time.monotonic() - begun)
    yield _answer(Checked(work, app, campaign.definition, walk, tally), campaign, size, refused)


def _refused(work: Work, data: Mapping[str, Any]) -> list[FieldError]:
    """What a launch would refuse."""
    try:
        campaigns.check_launchable(work, data)
    except Invalid as error:
        return error.errors
    return []


def _answer(checked: Checked, campaign: Campaign, size: AudienceSize, refused: Sequence[FieldError]) -> Preflight:
    work, tally = checked.work, checked.tally
    topics = campaign.definition["audience"].get("topics") or ()
    return Preflight(
        audience=tally.audience,
        send=tally.send,
        deferred=tally.deferred,
        skipped=dict(tally.skipped),
        people_unreachable=dict(size.people_unreachable),
        by_platform=dict(tally.platforms),
        largest_payload={platform: size for platform, (size, _) in tally.largest.items()},
        problems=[*preflight_checks.refused(refused), *preflight_checks.problems(checked)],
        notes=_notes(topics, tally.audience),
        members=following.followers(work, topics),
        skipped_later=dict(tally.later),
        deferred_until=[HeldUntil(at, devices) for at, devices in histogram(tally.until, SHOWN_INSTANTS)],
        by_locale=dict(tally.locales.most_common()),
        lacking=dict(tally.lacking.most_common()),
        payload_limit={platform: limit for platform, (_, limit) in tally.largest.items()},
        since_last=preflight_past.since_last(work, campaign.id, tally),
        version=campaign.version,
    )


def _unwalked(campaign: Campaign, refused: Sequence[FieldError]) -> Preflight:
    return Preflight(
        audience=0, send=0, deferred=0, skipped={}, people_unreachable={}, by_platform={}, largest_payload={},
        problems=preflight_checks.refused(refused), notes=[], members=0, skipped_later={}, deferred_until=[],
        by_locale={}, lacking={}, payload_limit={}, since_last=None, version=campaign.version,
    )  # fmt: skip


def _notes(topics: Sequence[str], messages: int) -> list[str]:
    """What is to be known of a send to topics."""
    if not topics or not messages:
        return []
    plural = "" if messages == 1 else "s"
    return [
        f"{messages} message{plural} to {topic.in_words(topics)}: topics give no per-device result.",
        "Whoever follows a topic gets it; categories, pauses and quiet hours of single people are not asked.",
    ]
