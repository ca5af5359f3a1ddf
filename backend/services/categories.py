"""Categories: the kinds of push that an app offers, which its people may switch off unless they are mandatory.

A category is never deleted, since what was sent belongs to it: it is archived. Then no campaign may choose it, no
preference page shows it, and what people said on it waits for its return.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from backend.db import Work
from backend.domain.vocabulary import CampaignState, CategoryKind
from backend.errors import Conflict, FieldError, Invalid, NotFound
from backend.models import Category
from backend.queries import accounts
from backend.queries import categories as queries
from backend.services import audit, ids, policy_shapes
from backend.services.fields import Name, clean
from backend.services.policy_shapes import Caps

MAX_DESCRIPTION: Final = 300
FIRST: Final = (
    ("transactional", "Transactional", CategoryKind.MANDATORY),
    ("updates", "Updates", CategoryKind.INFORMATIONAL),
    ("marketing", "Marketing", CategoryKind.MARKETING),
)
IN_USE: Final = (CampaignState.SCHEDULED, CampaignState.ACTIVE, CampaignState.RUNNING, CampaignState.PAUSED)
OPTED_OUT: Final = "must be opted_in: nobody can switch a mandatory category off"

Description = Annotated[
    str, StringConstraints(max_length=MAX_DESCRIPTION, strip_whitespace=True), AfterValidator(clean)
]
Default = Literal["opted_in", "opted_out"]


class CategoryIn(BaseModel):
    """A new kind of push."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$"),
        Field(description="1 to 64 of a-z, 0-9 and -, beginning and ending with a letter or digit."),
    ]
    name: Name
    kind: CategoryKind
    default: Default = Field("opted_in", description="What holds for people who have said nothing.")
    description: Description = Field("", description="What the preference page says of it.")
    caps: Caps = Field(default_factory=list, description="How many of its pushes a person gets at most.")


class CategoryChange(BaseModel):
    """A change of a category: what is not given stays. One that becomes mandatory goes to everybody, whatever they
    said; their words are kept and hold again when it is mandatory no more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name | None = None
    kind: CategoryKind | None = None
    default: Default | None = None
    description: Description | None = None
    caps: Caps | None = None


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """A kind of push. `archived_at` is set while it is out of use."""

    id: str
    slug: str
    name: str
    kind: CategoryKind
    opted_in_by_default: bool
    description: str
    caps: tuple[dict[str, Any], ...]
    archived_at: datetime | None


def add_first(work: Work) -> None:
    """The three categories of a new app, all opted in."""
    for slug, name, kind in FIRST:
        _add(work, Category(app_id=work.app_id, slug=slug, name=name, kind=kind, opted_in_by_default=True))


def listing(work: Work, *, archived: bool = False) -> list[CategoryRow]:
    """The app's categories in the order they were made; with `archived`, those out of use too."""
    return [_row(work, row) for row in queries.listing(work.session, work.app_id, archived=archived)]


def create(work: Work, given: CategoryIn) -> CategoryRow:
    """Makes a category. Raises `Invalid`, and `Conflict` for a slug that is taken, also by an archived one."""
    opted_in = given.default == "opted_in"
    _check_default(given.kind, opted_in)
    row = Category(
        app_id=work.app_id, slug=given.slug, name=given.name.strip(), kind=given.kind, opted_in_by_default=opted_in,
        description=given.description, caps=policy_shapes.kept_caps(given.caps),
    )  # fmt: skip
    made = _add(work, row)
    audit.record(work, "category.created", made.id, slug=given.slug, kind=str(given.kind))
    return made


def change(work: Work, slug: str, given: CategoryChange) -> CategoryRow:
    """Changes what is given, for pushes from now on. Raises `NotFound`, `Invalid`."""
    row = _found(work, slug)
    values = dict(_values(given))
    kind = CategoryKind(values.get("kind", row.kind))
    _check_default(kind, values.get("opted_in_by_default", row.opted_in_by_default))
    before = {name: getattr(row, name) for name in values}
    for name, value in values.items():
        setattr(row, name, value)
    work.session.add(row)
    work.session.flush()
    changed = sorted(name for name, value in values.items() if value != before[name])
    if changed:
        made = {"kind": str(kind)} if "kind" in changed else {}
        audit.record(work, "category.changed", _id(work, row), slug=slug, fields=changed, **made)
    return _row(work, row)


def archive(work: Work, slug: str) -> CategoryRow:
    """Takes a category out of use. Raises `NotFound`, and `Conflict` naming a campaign that still needs it."""
    row = _found(work, slug)
    if row.archived_at is None:
        _check_unused(work, slug)
        row.archived_at = work.now
        _store(work, row, "category.archived")
    return _row(work, row)


def restore(work: Work, slug: str) -> CategoryRow:
    """Takes an archived category back into use, with all that people have said on it. Raises `NotFound`."""
    row = _found(work, slug)
    if row.archived_at is not None:
        row.archived_at = None
        _store(work, row, "category.restored")
    return _row(work, row)


def _check_default(kind: CategoryKind, opted_in: bool) -> None:
    if kind is CategoryKind.MANDATORY and not opted_in:
        raise Invalid([FieldError("default", OPTED_OUT)])


def _values(given: CategoryChange) -> Iterator[tuple[str, Any]]:
    for name in sorted(given.model_fields_set):
        value = getattr(given, name)
        if value is None:
            raise Invalid(name, "cannot be null")
        if name == "default":
            yield "opted_in_by_default", value == "opted_in"
        elif name == "caps":
            yield name, policy_shapes.kept_caps(value)
        else:
            yield name, value.strip() if name == "name" else value


def _check_unused(work: Work, slug: str) -> None:
    using = queries.campaigns_in(work.session, work.app_id, slug, IN_USE)
    if using:
        others = f" and {len(using) - 1} more" if len(using) > 1 else ""
        raise Conflict(f"The campaign {using[0]!r}{others} still sends in this category: end it, or choose another.")


def _found(work: Work, slug: str) -> Category:
    row = queries.by_slug(work.session, work.app_id, slug)
    if row is None:
        raise NotFound(f"There is no category {slug[:64]!r}.")
    return row


def _add(work: Work, row: Category) -> CategoryRow:
    if not accounts.added(work.session, row):
        raise Conflict(f"There is already a category {row.slug!r}.")
    return _row(work, row)


def _store(work: Work, row: Category, action: str) -> None:
    work.session.add(row)
    work.session.flush()
    audit.record(work, action, _id(work, row), slug=row.slug)


def _id(work: Work, row: Category) -> str:
    return ids.public(work, ids.CATEGORY, row.id or 0)


def _row(work: Work, row: Category) -> CategoryRow:
    return CategoryRow(
        _id(work, row), row.slug, row.name, CategoryKind(row.kind), row.opted_in_by_default, row.description,
        tuple(row.caps), row.archived_at,
    )  # fmt: skip
