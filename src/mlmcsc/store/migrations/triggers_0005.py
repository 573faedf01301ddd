"""Triggers that mark the images whose sums of quality are no longer right, whoever writes.

Not on the inserts of SQLite: a trigger there makes a row cost four times as much, even one that
does nothing. New rows have larger ids than any before, and are found by them.
"""

from __future__ import annotations

CHUNK = 4096
"""Images per chunk: `store.models.quality.IMAGES_PER_CHUNK` when this migration was written."""

MARKING = {
    "images": "id",
    "predictions": "image_id",
    "labels": "image_id",
}
"""Table to the column that names the image."""


def marking(dialect: str) -> list[str]:
    """The statements that make the triggers."""
    made = _sqlite if dialect == "sqlite" else _postgresql
    return [statement for table, column in MARKING.items() for statement in made(table, column)]


def unmarking(dialect: str) -> list[str]:
    """The statements that remove them."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER {t}_quality_{event}" for t in MARKING for event in _CHANGES]
    events = (*_EVENTS, "truncate")
    names = [(table, f"{table}_quality_{event}") for table in MARKING for event in events]
    dropped = [f"DROP TRIGGER {name} ON {table}" for table, name in names]
    functions = [f"DROP FUNCTION mlmcsc_{name}()" for _, name in names]
    return [*dropped, *functions]


_CHANGES = {"update": ("OLD", "NEW"), "delete": ("OLD",)}
_EVENTS = {"insert": ("NEW",), **_CHANGES}


def _sqlite(table: str, column: str) -> list[str]:
    """One look into a tiny index for each row; a row is written for the first of a chunk only."""

    def mark(row: str) -> str:
        chunk = f"{row}.{column} / {CHUNK}"
        return (
            f"INSERT INTO quality_marks (chunk) SELECT {chunk} "
            f"WHERE NOT EXISTS (SELECT 1 FROM quality_marks WHERE chunk = {chunk});"
        )

    return [
        f"CREATE TRIGGER {table}_quality_{event} AFTER {event.upper()} ON {table} "
        f"BEGIN {' '.join(map(mark, rows))} END"
        for event, rows in _CHANGES.items()
    ]


def _postgresql(table: str, column: str) -> list[str]:
    """One insert for each statement, of the chunks that it touched; TRUNCATE tells of no rows."""
    emptied = f"{table}_quality_truncate"
    made = [
        (
            f"CREATE FUNCTION mlmcsc_{emptied}() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO quality_marks (chunk) SELECT chunk FROM quality_aggregates; "
            "RETURN NULL; END $$"
        ),
        (
            f"CREATE TRIGGER {emptied} AFTER TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION mlmcsc_{emptied}()"
        ),
    ]
    for event, rows in _EVENTS.items():
        name = f"{table}_quality_{event}"
        touched = " UNION ".join(
            f"SELECT DISTINCT {column} / {CHUNK} FROM {row}_rows" for row in rows
        )
        tables = " ".join(f"{row} TABLE AS {row}_rows" for row in rows)
        made += [
            (
                f"CREATE FUNCTION mlmcsc_{name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN INSERT INTO quality_marks (chunk) {touched}; RETURN NULL; END $$"
            ),
            (
                f"CREATE TRIGGER {name} AFTER {event.upper()} ON {table} REFERENCING {tables} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION mlmcsc_{name}()"
            ),
        ]
    return made
