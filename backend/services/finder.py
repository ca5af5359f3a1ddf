"""Things by name, a few of each kind: what a member means who types into the palette."""

from dataclasses import dataclass
from typing import Final

from backend.db import Work
from backend.domain.content import clean
from backend.queries import campaigns, templates
from backend.queries import segment_shelf as shelf
from backend.queries.patience import limited
from backend.services import ids, lists, people_search
from backend.services.lists import ListRow
from backend.services.people_search import PersonRow
from backend.services.segment_shelf import OWN

FEW: Final = 5
SECONDS: Final = 2.0
"""So long somebody looks at a list that does not come."""


@dataclass(frozen=True, slots=True)
class Named:
    """A segment, template or campaign in no more than its name; `state` is the campaign's."""

    id: str
    name: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Things:
    """What was found of each kind, `FEW` at most: people in the order of their ids, all else the newest first."""

    people: tuple[PersonRow, ...] = ()
    segments: tuple[Named, ...] = ()
    lists: tuple[ListRow, ...] = ()
    templates: tuple[Named, ...] = ()
    campaigns: tuple[Named, ...] = ()


def find(work: Work, text: str) -> Things:
    """People whom the text names, and what of the app has it in its name; without a text the newest campaigns.

    Raises `TooSlow`.
    """
    words = clean(text).strip()
    with limited(work.session, SECONDS):
        if not words:
            return Things(campaigns=_campaigns(work, words))
        return Things(
            people=people_search.named(work, words, limit=FEW),
            segments=_segments(work, words),
            lists=lists.listing(work, search=words, limit=FEW).items,
            templates=_templates(work, words),
            campaigns=_campaigns(work, words),
        )


def _segments(work: Work, words: str) -> tuple[Named, ...]:
    found = shelf.shelf(work.session, work.app_id, search=words, archived=False, own=OWN, sort="-updated_at", limit=FEW)
    return tuple(Named(ids.public(work, ids.SEGMENT, one.id or 0), one.name) for one in found)


def _templates(work: Work, words: str) -> tuple[Named, ...]:
    found = templates.listing(work.session, work.app_id, words, None, FEW)
    return tuple(Named(ids.public(work, ids.TEMPLATE, one.id or 0), one.name) for one, _ in found[:FEW])


def _campaigns(work: Work, words: str) -> tuple[Named, ...]:
    """Without the progress of their runs, which takes most of a second while a million pushes are on their way."""
    found = campaigns.listing(work.session, work.app_id, search=words, states=(), before=None, limit=FEW)
    return tuple(Named(ids.public(work, ids.CAMPAIGN, one.id or 0), one.name, one.state) for one in found[:FEW])
