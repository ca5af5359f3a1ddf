"""The catalogue of what an app told before there was one: learnt from what is stored, once a process and app.

An app is looked through again only where the catalogue knows less than it might: kinds of events that it has
not, or people who were there long before the first attribute. So what is told meanwhile hides nothing.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from backend.again import anew
from backend.bootstrap import Core
from backend.db import CLOCK, Work
from backend.queries import audience, retention
from backend.queries import catalogue_past as queries
from backend.services import catalogue
from backend.services.catalogue_memory import MOST_NAMES

LATER: Final = timedelta(days=1)
"""So long after its first user an app may first tell an attribute."""
EACH: Final = 200
"""Events of a kind that are looked at."""
PAGE: Final = 50
"""Kinds of events that are learnt in one transaction."""
_seen: "WeakKeyDictionary[Engine, set[int]]" = WeakKeyDictionary()


def tick(core: Core) -> None:
    """Looks through the apps that this process has not looked through. Any number of processes may tick."""
    with core.reading(CLOCK) as work:
        there = queries.apps(work.session)
    seen = _seen.setdefault(core.engine, set())
    for app_id in there:
        if app_id not in seen:
            _attributes(core, app_id)
            _events(core, app_id)
            seen.add(app_id)


def _attributes(core: Core, app_id: int) -> None:
    with core.reading(CLOCK, app_id) as work:
        since = queries.first_user_at(work.session, app_id)
        known = queries.first_attribute_at(work.session, app_id)
        if since is None or (known is not None and known < since + LATER):
            return
        numbers = queries.newest_users(work.session, app_id) | queries.examples(work.session, app_id, 2 * MOST_NAMES)
        told = [row.attributes for row in audience.users(work.session, app_id, sorted(numbers, reverse=True))]
    _learn(core, app_id, lambda work: catalogue.learn_attributes(replace(work, now=since), told))


def _events(core: Core, app_id: int) -> None:
    with core.reading(CLOCK, app_id) as work:
        known = queries.event_names(work.session, app_id)
        missing = [name for name in retention.event_names(work.session, app_id) if name not in known]
    missing = missing[: max(0, MOST_NAMES - len(known))]
    for start in range(0, len(missing), PAGE):
        with core.reading(CLOCK, app_id) as work:
            rows = [_row(one) for name in missing[start : start + PAGE] for one in _newest(work, name)]
        _learn(core, app_id, lambda work, rows=rows: catalogue.learn_events(work, rows))


def _newest(work: Work, name: str) -> Any:
    return queries.newest_events(work.session, work.app_id, name, EACH)


def _row(row: Any) -> dict[str, Any]:
    return {"name": row.name, "properties": row.properties, "value": row.value}


@anew
def _learn(core: Core, app_id: int, learn: Any) -> None:
    with core.work(CLOCK, app_id) as work:
        learn(work)
