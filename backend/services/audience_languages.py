"""Which languages an audience reads: what a message should speak."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.db import Work
from backend.domain.content import locale_chain
from backend.queries import languages as queries
from backend.queries.patience import roomy
from backend.services import campaigns, segmentation

MOST = 200


@dataclass(frozen=True, slots=True)
class Readers:
    """Devices that are set to the same languages, best first, each followed by its wider forms.

    Empty for those that tell none: like the ones whose languages a message does not speak, they read the app's
    default language.
    """

    languages: tuple[str, ...]
    devices: int


@dataclass(frozen=True, slots=True)
class AudienceLanguages:
    """The devices that a campaign takes, by the languages they are set to, the most first; at most 200 rows.

    `devices` counts those beyond the rows as well.
    """

    devices: int
    readers: tuple[Readers, ...]


def of_audience(work: Work, audience: Mapping[str, Any]) -> AudienceLanguages:
    """Raises `Invalid` naming a segment or list that is gone. Of topics no followers are known."""
    found: Counter[tuple[str, ...]] = Counter()
    if not audience.get("topics"):
        condition = segmentation.audience_where(work, audience, whole=True)
        with roomy(work.session):
            told = queries.of_audience(work.session, condition)
        for locale, language, devices in told:
            found[locale_chain(locale, language)] += devices
    rows = tuple(Readers(languages, devices) for languages, devices in found.most_common(MOST))
    return AudienceLanguages(found.total(), rows)


def of_campaign(work: Work, campaign_id: str) -> AudienceLanguages:
    """Of the audience as it is now. Raises `NotFound`."""
    return of_audience(work, campaigns.get(work, campaign_id).definition["audience"])
