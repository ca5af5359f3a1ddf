"""Apps: the products of a team."""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from backend.db import Work
from backend.domain import content
from backend.errors import Conflict, FieldError, Invalid, NotFound
from backend.models import App
from backend.queries import accounts as queries
from backend.services import audit, categories, ids, retention

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
MAX_NAME = 200
MAX_ORIGINS = 50
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}")
MAX_SCHEMES = 20
ALWAYS = frozenset({"http", "https"})
MAX_WEBSITE = 500
CHANGEABLE = (
    "name",
    "default_locale",
    "default_timezone",
    "identity_verification",
    "allowed_origins",
    "launch_threshold",
    "error_limit_percent",
    "retention",
    "website",
    "link_schemes",
    "approval_required",
)
TOLD = ("approval_required",)
"""Changes whose new value the audit trail keeps as well: they decide who may do what."""


@dataclass(frozen=True, slots=True)
class AppRow:
    """An app as people see it; `number` is for the code's own use and never leaves the installation.

    `retention` has the days for which each kind of thing is kept (`services.retention`), None for ever.
    `website` is where a browser's push leads that names no link; `color` (`#rrggbb`) is the product's own.
    `link_schemes` are the schemes that links may have beside http and https; empty allows every one that is
    harmless. With `approval_required` a second member approves
    each launch.
    """

    id: str
    number: int
    slug: str
    name: str
    default_locale: str
    default_timezone: str
    identity_verification: bool
    allowed_origins: tuple[str, ...]
    launch_threshold: int
    error_limit_percent: int
    retention: Mapping[str, int | None]
    website: str | None
    color: str | None
    link_schemes: tuple[str, ...]
    approval_required: bool
    created_at: datetime


def create_app(
    work: Work,
    *,
    slug: str,
    name: str | None = None,
    default_locale: str = "en",
    default_timezone: str = "UTC",
    identity_verification: bool = True,
    allowed_origins: Sequence[str] = (),
) -> AppRow:
    """Makes an app with its first three categories, all opted in. Raises `Invalid`, `Conflict`."""
    values: dict[str, Any] = {
        "name": (name or slug.replace("-", " ").capitalize()).strip(),
        "default_locale": default_locale,
        "default_timezone": default_timezone,
        "identity_verification": identity_verification,
        "allowed_origins": list(allowed_origins),
    }
    _check({"slug": slug, **values})
    sealed = work.core.keyring.encrypt(secrets.token_urlsafe(32), _context(slug))
    row = App(slug=slug, sealed_identity_secret=sealed, created_at=work.now, **values)
    if not queries.added(work.session, row):
        raise Conflict(f"There is already an app {slug!r}.")
    made = _row(work, row)
    inside = work.within(made.number)
    categories.add_first(inside)
    audit.record(inside, "app.created", made.id, slug=slug)
    return made


def list_apps(work: Work) -> list[AppRow]:
    """Every app of the installation, by name."""
    return [_row(work, row) for row in queries.all_apps(work.session)]


def get_app(work: Work, number: int) -> AppRow:
    return _row(work, _found(work, number))


def app_by_slug(work: Work, slug: str) -> AppRow:
    row = queries.app_by_slug(work.session, slug)
    if row is None:
        raise NotFound(f"There is no app {slug[:64]!r}.")
    return _row(work, row)


def update_app(work: Work, number: int, **changes: Any) -> AppRow:
    """Changes some of `CHANGEABLE`; of `retention`, the kinds that are named.

    Raises `Invalid` for a wrong value or a field that is not one of them.
    """
    row = _found(work, number)
    _check(changes, changeable_only=True)
    for name, value in changes.items():
        setattr(row, name, _stored(row, name, value))
    work.session.add(row)
    work.session.flush()
    told = {name: changes[name] for name in TOLD if name in changes}
    audit.record(work.within(number), "app.changed", ids.public(work, ids.APP, number), fields=sorted(changes), **told)
    return _row(work, row)


def _stored(row: App, name: str, value: Any) -> Any:
    if name == "retention":
        return retention.merged(row.retention, value)
    if name == "link_schemes":
        return list(dict.fromkeys(one.lower() for one in value))
    return list(value) if name == "allowed_origins" else value


def identity_secret(work: Work, number: int) -> str:
    """The secret by which the app's own back end proves its users (HS256); shown to admins only."""
    row = _found(work, number)
    return work.core.keyring.decrypt(row.sealed_identity_secret, _context(row.slug))


def allowed_origins(work: Work) -> set[str]:
    """Every origin that any app allows its client keys from."""
    return queries.allowed_origins(work.session)


def _check(values: Mapping[str, Any], *, changeable_only: bool = False) -> None:
    problems = [problem for name, value in values.items() for problem in _problems(name, value)]
    if changeable_only:
        unknown = [name for name in values if name not in CHANGEABLE]
        problems += [FieldError(name, "cannot be changed") for name in unknown]
    if problems:
        raise Invalid(problems)


def _problems(name: str, value: Any) -> Iterator[FieldError]:
    if name == "slug" and not SLUG.fullmatch(value):
        yield FieldError(name, "must be 1 to 64 of a-z, 0-9 and -, beginning and ending with a letter or digit")
    elif name == "name" and not 1 <= len(str(value).strip()) <= MAX_NAME:
        yield FieldError(name, f"must have 1 to {MAX_NAME} characters")
    elif name == "default_locale" and not (len(value) <= 35 and LOCALE.fullmatch(value)):
        yield FieldError(name, "must be a language tag such as en or pt-BR")
    elif name == "default_timezone" and value not in _zones():
        yield FieldError(name, "must be a time zone such as Europe/Warsaw")
    elif name == "launch_threshold" and not 1 <= value <= 2**31 - 1:
        yield FieldError(name, "must be a whole number of at least 1")
    elif name == "error_limit_percent" and not 0 <= value <= 100:
        yield FieldError(name, "must be a whole number from 0 (never pause) to 100")
    elif name == "allowed_origins":
        yield from _origin_problems(value)
    elif name == "retention":
        yield from retention.problems(value)
    elif name == "website" and value is not None and (wrong := _website_problem(value)):
        yield FieldError(name, wrong)
    elif name == "link_schemes":
        yield from _scheme_problems(value)


def _origin_problems(origins: Sequence[str]) -> Iterator[FieldError]:
    if len(origins) > MAX_ORIGINS:
        yield FieldError("allowed_origins", f"may have at most {MAX_ORIGINS}")
    for index, origin in enumerate(origins):
        if origin != "*" and not _is_origin(origin):
            yield FieldError(f"allowed_origins[{index}]", "must be an origin such as https://shop.example, or *")


def _website_problem(url: str) -> str | None:
    """It is what a browser opens, so it is held to what any link is, to https, and to the form that people know."""
    odd = any(character.isspace() for character in url) or len(url) > MAX_WEBSITE
    if odd or not url.startswith("https://") or content.link_problem(url) or "@" in urlsplit(url).netloc:
        return f"must be an address such as https://www.example.com, of at most {MAX_WEBSITE} characters"
    return None


def _scheme_problems(schemes: Sequence[str]) -> Iterator[FieldError]:
    if len(schemes) > MAX_SCHEMES:
        yield FieldError("link_schemes", f"may have at most {MAX_SCHEMES}")
    for position, name in enumerate(schemes):
        field = f"link_schemes[{position}]"
        if not SCHEME.fullmatch(name):
            yield FieldError(field, f"{name[:40]!r} is no scheme; write it such as myapp, without ://")
        elif name.lower() in content.REFUSED_SCHEMES:
            yield FieldError(field, f"{name} is not allowed in any push")
        elif name.lower() in ALWAYS:
            yield FieldError(field, f"{name} is always allowed and need not be listed")


@lru_cache(maxsize=1)
def _zones() -> set[str]:
    """Asking costs 50 ms: the whole database of zones is walked through."""
    return available_timezones()


def _is_origin(text: str) -> bool:
    """Exactly what a browser writes into `Origin`: scheme, host in lower case, the port unless usual."""
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return False
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return usual is not None and bool(host) and parts.port != usual and text == f"{parts.scheme}://{host}{port}"


def _found(work: Work, number: int) -> App:
    row = queries.app(work.session, number)
    if row is None:
        raise NotFound("There is no such app.")
    return row


def _context(slug: str) -> str:
    return f"identity:{slug}"


def _row(work: Work, row: App) -> AppRow:
    number = row.id or 0
    return AppRow(
        id=ids.public(work, ids.APP, number),
        number=number,
        slug=row.slug,
        name=row.name,
        default_locale=row.default_locale,
        default_timezone=row.default_timezone,
        identity_verification=row.identity_verification,
        allowed_origins=tuple(row.allowed_origins),
        launch_threshold=row.launch_threshold,
        error_limit_percent=row.error_limit_percent,
        retention=retention.effective(row.retention),
        website=row.website,
        color=row.color,
        link_schemes=tuple(row.link_schemes),
        approval_required=row.approval_required,
        created_at=row.created_at,
    )
