"""What is misconfigured, one sentence each: for `tocsin check` and the readiness probe."""

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from sqlalchemy.exc import OperationalError, ProgrammingError

from backend import migrate
from backend.bootstrap import Core
from backend.db import OPERATOR, Work
from backend.services import apps, credentials

_HOST = re.compile(r"[A-Za-z0-9.*\[\]:-]+")


def problems(core: Core) -> list[str]:
    """Everything that an operator should mend; empty when all is well."""
    return [*_settings(core), *_database(core)]


def _settings(core: Core) -> Iterator[str]:
    base = urlsplit(core.settings.base_url)
    if base.scheme not in {"http", "https"} or not base.hostname:
        yield f"TOCSIN_BASE_URL is not an address that a browser can open: {core.settings.base_url}"
    elif base.scheme == "http" and base.hostname not in {"127.0.0.1", "localhost", "::1"}:
        yield "TOCSIN_BASE_URL is http on a public host: sign-in cookies would travel unencrypted"
    if not os.access(core.settings.data_dir, os.W_OK):
        yield f"TOCSIN_DATA_DIR cannot be written to: {core.settings.data_dir}"
    for host in core.settings.push_hosts:
        if not _HOST.fullmatch(host):
            yield f"TOCSIN_PUSH_HOSTS: {host!r} is not host or host:port"


def _database(core: Core) -> Iterator[str]:
    try:
        behind = migrate.behind(core.engine)
    except OperationalError as error:
        yield f"TOCSIN_DATABASE_URL: the database does not answer: {error.orig}"
        return
    if behind:
        yield f"The database schema is at {behind}; run `tocsin migrate`"
        return
    try:
        with core.reading(OPERATOR) as work:
            yield from _credentials(work)
    except ProgrammingError as error:
        yield f"The database schema is not ours: {error.orig}"


def _credentials(work: Work) -> Iterator[str]:
    for app in apps.list_apps(work):
        inside = work.within(app.number)
        for row in credentials.list_credentials(inside):
            if row.reason:
                yield f"{app.slug}: {row.provider} {row.environment}: {row.reason}"
            try:
                credentials.load(inside, credentials.number_of(inside, row.id))
            except (KeyError, InvalidTag):
                yield f"{app.slug}: the {row.provider} credential cannot be opened with TOCSIN_SECRET_KEYS"
