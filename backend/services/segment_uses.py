"""Where segments are used: campaigns that have yet to end, and segments that build on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.db import Work
from backend.domain.segment import Subject, rules_of
from backend.domain.vocabulary import CampaignState
from backend.queries import segment_rows as rows
from backend.queries import segment_shelf as queries
from backend.services import ids
from backend.services.segment_library import read_rules

UNFROZEN = (CampaignState.DRAFT,)


@dataclass(frozen=True, slots=True)
class Use:
    """A campaign or segment that names a segment. A `frozen` campaign goes on with the rules it was launched with."""

    kind: str
    id: str
    name: str
    state: str
    frozen: bool


def uses_of(work: Work, segment_id: str) -> tuple[Use, ...]:
    """Campaigns first, newest first, then segments."""
    return all_uses(work).get(segment_id, ())


def all_uses(work: Work) -> dict[str, tuple[Use, ...]]:
    """Every use of the app's segments, by the id of the segment used."""
    found: dict[str, list[Use]] = {}
    for number, name, state, definition in queries.waiting_campaigns(work.session, work.app_id):
        use = Use("campaign", ids.public(work, ids.CAMPAIGN, number), name, state, state not in UNFROZEN)
        for one in audience_names(definition.get("audience") or {}):
            found.setdefault(one, []).append(use)
    for segment in rows.live(work.session, work.app_id):
        use = Use("segment", ids.public(work, ids.SEGMENT, segment.id or 0), segment.name, "", False)
        for one in _named(segment.rules):
            found.setdefault(one, []).append(use)
    return {segment_id: tuple(uses) for segment_id, uses in found.items()}


def audience_names(audience: Mapping[str, Any]) -> list[str]:
    """The segments that an audience names, each once."""
    return list(dict.fromkeys([*audience.get("include", ()), *audience.get("exclude", ())]))


def _named(rules: Mapping[str, Any]) -> set[str]:
    """The segments that rules name directly."""
    found = (rule for rule in rules_of(read_rules(rules)) if rule.subject is Subject.SEGMENT)
    return {one for rule in found for one in rule.value}
