"""Where what contents share is used: campaigns that have yet to end, and templates."""

from collections.abc import Iterator
from typing import Any

from backend.db import Work
from backend.queries import segment_shelf as campaigns
from backend.queries import templates as queries
from backend.services import ids, rendering
from backend.services import template_engine as engine
from backend.services.segment_uses import UNFROZEN, Use


def of_blocks(work: Work) -> dict[str, tuple[Use, ...]]:
    """What calls blocks, itself or through a template, by the block's name: campaigns first, newest first, then
    templates."""
    found: dict[str, list[Use]] = {}
    kept = [
        (Use("template", ids.public(work, ids.TEMPLATE, number), name, "", False), _called(content))
        for number, name, content in queries.every(work.session, work.app_id)
    ]
    through = {use.id: called for use, called in kept}
    for use, variants in _waiting(work):
        said = (through.get(one.get("template_id") or "", set()) | _called(one.get("content")) for one in variants)
        for name in set().union(*said):
            found.setdefault(name, []).append(use)
    for use, called in kept:
        for name in called:
            found.setdefault(name, []).append(use)
    return {name: tuple(uses) for name, uses in found.items()}


def of_templates(work: Work) -> dict[str, tuple[Use, ...]]:
    """The campaigns that name templates, newest first, by the template."""
    found: dict[str, list[Use]] = {}
    for use, variants in _waiting(work):
        for one in {variant.get("template_id") for variant in variants} - {None}:
            found.setdefault(str(one), []).append(use)
    return {template_id: tuple(uses) for template_id, uses in found.items()}


def _waiting(work: Work) -> Iterator[tuple[Use, list[dict[str, Any]]]]:
    """The campaigns that have yet to end, with their variants."""
    for number, name, state, definition in campaigns.waiting_campaigns(work.session, work.app_id):
        use = Use("campaign", ids.public(work, ids.CAMPAIGN, number), name, state, state not in UNFROZEN)
        yield use, definition.get("variants") or []


def _called(content: Any) -> set[str]:
    return {use.path[1] for _, text in rendering.texts(content, "") for use in engine.blocks(text)}
