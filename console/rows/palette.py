"""What the palette found, as lines to go to."""

from dataclasses import dataclass

from backend.domain.vocabulary import CampaignState
from backend.services.finder import Named, Things
from backend.services.people_search import PersonRow
from console import routes, theme, words
from console.rows.people import ANONYMOUS


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing: its name, where it is, and what tells it from its like."""

    label: str
    href: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hits:
    """A few things of each kind; `some` when there is any."""

    people: tuple[Hit, ...] = ()
    segments: tuple[Hit, ...] = ()
    lists: tuple[Hit, ...] = ()
    templates: tuple[Hit, ...] = ()
    campaigns: tuple[Hit, ...] = ()
    some: bool = False


def hits(found: Things, *, edits: bool) -> Hits:
    """The lines of what was found; `edits` when the member may write: then a draft opens for that, and templates are
    for them."""
    templates = found.templates if edits else ()
    return Hits(
        people=tuple(_person(row) for row in found.people),
        segments=tuple(Hit(row.name, routes.segment(row.id)) for row in found.segments),
        lists=tuple(
            Hit(row.name, routes.static_list(row.id), words.plural(row.members, "person", "people"))
            for row in found.lists
        ),
        templates=tuple(Hit(row.name, routes.template(row.id)) for row in templates),
        campaigns=tuple(_campaign(row, edits=edits) for row in found.campaigns),
        some=bool(found.people or found.segments or found.lists or templates or found.campaigns),
    )


def _person(row: PersonRow) -> Hit:
    return Hit(row.user_id or ANONYMOUS, routes.person(row.id), words.plural(len(row.devices), "device"))


def _campaign(row: Named, *, edits: bool) -> Hit:
    writing = edits and row.state == CampaignState.DRAFT
    href = routes.edit_campaign(row.id) if writing else routes.campaign(row.id)
    return Hit(row.name, href, theme.CAMPAIGN[row.state].word)
