"""Every change of a delivery's state, noted by the database itself."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from backend.bootstrap import Core
from tests.soak.books import FINAL
from tests.soak.fleet import change, rows

_SQLITE = (
    "CREATE TABLE transition (id INTEGER PRIMARY KEY, delivery_id INTEGER, before TEXT, after TEXT)",
    "CREATE TRIGGER note_transition AFTER UPDATE OF state ON delivery BEGIN "
    "INSERT INTO transition (delivery_id, before, after) VALUES (old.id, old.state, new.state); END",
)
_POSTGRESQL = (
    "CREATE TABLE transition (id bigserial PRIMARY KEY, delivery_id bigint, before text, after text)",
    "CREATE FUNCTION note_transition() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "INSERT INTO transition (delivery_id, before, after) VALUES (OLD.id, OLD.state, NEW.state); RETURN NULL; END $$",
    "CREATE TRIGGER note_transition AFTER UPDATE OF state ON delivery FOR EACH ROW EXECUTE FUNCTION note_transition()",
)


@contextlib.contextmanager
def noted(core: Core) -> Iterator[None]:
    """Notes every write of a state, also one that changes nothing, for as long as the block runs."""
    for statement in _SQLITE if core.settings.is_sqlite else _POSTGRESQL:
        change(core, statement)
    try:
        yield
    finally:
        change(core, "DROP TRIGGER note_transition" + ("" if core.settings.is_sqlite else " ON delivery"))
        change(core, "DROP TABLE transition")
        if not core.settings.is_sqlite:
            change(core, "DROP FUNCTION note_transition")


def doubled(core: Core) -> list[tuple[int, str, str]]:
    """Deliveries that were written to after their end: (delivery, before, after). A receipt may turn unknown into
    accepted; nothing else may."""
    wrong = [
        (number, before, after)
        for number, before, after in rows(core, "SELECT delivery_id, before, after FROM transition")
        if before in FINAL and (before, after) != ("unknown", "accepted")
    ]
    ends = Counter(
        number for number, after in rows(core, "SELECT delivery_id, after FROM transition") if after in FINAL
    )
    return wrong + [(number, "final", "final") for number, times in ends.items() if times > 1]
