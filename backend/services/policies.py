"""An app's policies: when and how often its people may be sent to, what stops a send, what asks first."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from backend.db import Work
from backend.errors import NotFound
from backend.models import App, Category
from backend.queries import accounts as queries
from backend.queries import categories
from backend.services import audit, ids
from backend.services.policy_shapes import Caps, Windows, kept_caps, kept_windows

Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]


class PoliciesIn(BaseModel):
    """Policies as they shall be; what is not named stays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quiet_hours: Windows = Field(default=[], description="For people who named none; by the device's own clock.")
    caps: Caps = Field(default=[], description="How many pushes a person gets at most, over devices and campaigns.")
    launch_threshold: int = Field(10_000, ge=1, le=2**31 - 1, description="Launches to more devices ask for the count.")
    error_limit_percent: int = Field(20, ge=0, le=100, description="A send with more errors pauses itself; 0 never.")
    color: Color | None = Field(None, description="`#rrggbb`, for the pages that the app's people see.")


@dataclass(frozen=True, slots=True)
class CategoryPolicy:
    """A category's own caps; they are changed with the category."""

    slug: str
    name: str
    kind: str
    caps: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Policies:
    """What is in force in an app now. `timezone` is whose midnight the app's days begin at."""

    quiet_hours: tuple[dict[str, Any], ...]
    caps: tuple[dict[str, Any], ...]
    launch_threshold: int
    error_limit_percent: int
    color: str | None
    timezone: str
    categories: tuple[CategoryPolicy, ...]


def get(work: Work) -> Policies:
    """The app's policies."""
    app = found(work)
    return Policies(
        quiet_hours=tuple(app.quiet_hours),
        caps=tuple(app.caps),
        launch_threshold=app.launch_threshold,
        error_limit_percent=app.error_limit_percent,
        color=app.color,
        timezone=app.default_timezone,
        categories=tuple(_category(row) for row in categories.listing(work.session, work.app_id, archived=False)),
    )


def put(work: Work, given: PoliciesIn) -> Policies:
    """Sets what is named; the audit trail keeps what each was before."""
    app = found(work)
    new = stored(given)
    changed = {name: value for name, value in new.items() if getattr(app, name) != value}
    before = {name: getattr(app, name) for name in changed}
    for name, value in changed.items():
        setattr(app, name, value)
    work.session.add(app)
    work.session.flush()
    if changed:
        audit.record(work, "policies.changed", ids.public(work, ids.APP, work.app_id), before=before, after=changed)
    return get(work)


def stored(given: PoliciesIn) -> dict[str, Any]:
    """What is named, as the app keeps it."""
    values = given.model_dump(include=given.model_fields_set)
    if "quiet_hours" in values:
        values["quiet_hours"] = kept_windows(given.quiet_hours)
    if "caps" in values:
        values["caps"] = kept_caps(given.caps)
    return values


def found(work: Work) -> App:
    """The app acted in. Raises `NotFound`."""
    if (app := queries.app(work.session, work.app_id)) is None:
        raise NotFound("There is no such app.")
    return app


def _category(row: Category) -> CategoryPolicy:
    return CategoryPolicy(row.slug, row.name, row.kind, tuple(row.caps))
