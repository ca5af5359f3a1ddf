"""What is launched: checked once more, and frozen as an immutable revision."""

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from backend.db import Work
from backend.domain import schedule
from backend.errors import FieldError, Invalid, NotFound
from backend.models import Campaign, Revision, Variant
from backend.queries import campaigns as queries
from backend.services import (
    blocks,
    categories,
    content,
    content_rules,
    definition,
    segmentation,
    templates,
    topic_audience,
)

WHEN = {"at": "schedule.at", "local_time": "schedule.wall", "best_hour": "schedule.date", "recurring": "schedule.rrule"}
"""The field that says when, by the kind of schedule."""


def freeze(work: Work, data: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The definition as it would be launched, templates, blocks and segments copied into it, and its hash."""
    frozen = copy.deepcopy(dict(data))
    for variant in frozen["variants"]:
        if variant.get("template_id"):
            variant["content"] = templates.content_of(work, variant["template_id"])
        variant["content"] = blocks.expand(work, variant["content"])
    frozen["audience"] = segmentation.freeze(work, frozen["audience"])
    return frozen, hashlib.sha256(json.dumps(frozen, sort_keys=True).encode()).hexdigest()


def revise(work: Work, campaign: Campaign, data: Mapping[str, Any]) -> Revision:
    """The immutable revision with exactly this definition."""
    frozen, digest = freeze(work, data)
    known = queries.same_revision(work.session, campaign.id, digest)
    return known or _new_revision(work, campaign, frozen, digest)


def _new_revision(work: Work, campaign: Campaign, frozen: dict[str, Any], digest: str) -> Revision:
    revision = Revision(
        campaign_id=campaign.id,
        number=queries.next_revision_number(work.session, campaign.id),
        definition=frozen,
        content_hash=digest,
        created_at=work.now,
        created_by=str(work.actor),
    )
    work.session.add(revision)
    work.session.flush()
    for position, variant in enumerate(frozen["variants"]):
        named = {"name": variant["name"], "weight": variant["weight"], "content": variant["content"]}
        work.session.add(Variant(revision_id=revision.id, position=position, **named))
    work.session.flush()
    return revision


def check_launchable(work: Work, data: Mapping[str, Any], *, awaited: datetime | None = None) -> None:
    """Checked again at launch: segments, templates and categories may have gone since the draft was saved.

    `awaited` is when an occasion is due that has not begun, of a campaign under way.
    """
    check_content(work, data)
    _data_given(work, data)
    topic_audience.check_reachable(work, data["audience"].get("topics") or (), "audience.topics")
    when = data["schedule"]
    if awaited is None and schedule.has_passed(when, work.now):
        raise Invalid(WHEN[when["kind"]], "has passed; choose a time to come, or send it now")
    due = awaited or schedule.due(when, work.now) or work.now
    not_after = data.get("not_after")
    if not_after and datetime.fromisoformat(not_after) <= max(due, work.now):
        raise Invalid("not_after", "is before the send would begin")


def check_content(work: Work, data: Mapping[str, Any]) -> None:
    """What a test send needs as well: everything named exists, and there is something to say."""
    definition.parse(data)
    check_references(work, data)
    _says_something(work, data["variants"])


def check_references(work: Work, data: Mapping[str, Any]) -> None:
    """What the definition names must exist in this app, and its links must be such as the app allows."""
    slugs = [category.slug for category in categories.listing(work)]
    if data["category"] not in slugs:
        raise Invalid("category", f"is not a category of this app; it has {', '.join(slugs)}")
    schemes = frozenset(queries.app(work.session, work.app_id).link_schemes)
    for position, variant in enumerate(data["variants"]):
        path = f"variants[{position}].content"
        said = _text_of(work, variant, f"variants[{position}].template_id")
        if wrong := content_rules.problems(said, schemes, path):
            raise Invalid(wrong)
        blocks.expand(work, said, path)
    segmentation.audience_where(work, data["audience"])


def _text_of(work: Work, variant: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """What a variant says: its own content, or its template's."""
    if not variant.get("template_id"):
        own: Mapping[str, Any] = variant["content"]
        return own
    try:
        return templates.content_of(work, variant["template_id"])
    except NotFound as error:
        raise Invalid(field, "is not a template of this app") from error


def _data_given(work: Work, data: Mapping[str, Any]) -> None:
    """A template that needs data of whoever sends it is for events and for the API, never for a campaign alone."""
    if data["schedule"]["kind"] == "event":
        return
    for position, variant in enumerate(data["variants"]):
        if variant.get("template_id") and (needed := templates.required_data(work, variant["template_id"])):
            named = ", ".join(f"data.{name}" for name in needed[:3])
            why = f"needs {named}, which only an event or the API gives: send it by POST /messages, or on an event"
            raise Invalid(f"variants[{position}].template_id", why)


def _says_something(work: Work, variants: Sequence[Mapping[str, Any]]) -> None:
    """A push that shows nothing is a mistake unless it is silent on purpose."""
    wrong: list[FieldError] = []
    for position, variant in enumerate(variants):
        text = _text_of(work, variant, f"variants[{position}].template_id")
        wrong += content.wordless(text, f"variants[{position}].content")
    if wrong:
        raise Invalid(wrong)
