"""Many rows in one statement: a JSON array is one bind, whatever its length.

Measured a row for outcomes: 5 µs on SQLite and 10 µs on PostgreSQL, against 33 and 108 µs for
executemany and a VALUES list.
"""

from collections.abc import Mapping

_SQLITE = {
    "bigint": "INTEGER", "integer": "INTEGER", "text": "TEXT", "boolean": "INTEGER", "double precision": "REAL",
    "jsonb": "TEXT",
}  # fmt: skip


def table_from_json(sqlite: bool, columns: Mapping[str, str], *, bind: str = "rows") -> str:
    """SQL for a derived table `v` whose rows are the objects of the JSON array bound as `:rows`.

    `columns` maps names to PostgreSQL types: bigint, integer, text, boolean, double precision, jsonb.
    """
    if sqlite:
        picked = ", ".join(f"CAST(value ->> '$.{name}' AS {_SQLITE[kind]}) AS {name}" for name, kind in columns.items())
        return f"(SELECT {picked} FROM json_each(:{bind})) AS v"
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"json_to_recordset(CAST(:{bind} AS json)) AS v({typed})"
