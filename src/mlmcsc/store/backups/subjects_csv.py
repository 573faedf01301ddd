"""People without their data keys, as a PostgreSQL set has them beside the dump."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Cursor


def copy_subjects(cursor: Cursor[Any], file: Path, owner: str | None) -> None:
    """Fill the table `subjects` from `subjects.csv`, as its owner where that is another role."""
    from psycopg import sql  # noqa: PLC0415  # an extra

    if owner is not None:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
    with file.open("rb") as lines:
        names = lines.readline().decode().strip().split(",")
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        query = sql.SQL("COPY subjects ({}) FROM STDIN (FORMAT csv)").format(columns)
        with cursor.copy(query) as copy:
            while block := lines.read(1 << 20):
                copy.write(block)
