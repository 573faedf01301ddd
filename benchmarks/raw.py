"""The bare driver on a copy of the same database: what nobody on top of it can beat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as driver

PRAGMAS = (
    "journal_mode=wal",
    "synchronous=full",
    "foreign_keys=on",
    "trusted_schema=off",
    "secure_delete=on",
    "cache_size=-65536",
    "busy_timeout=30000",
)
"""Those of the product, whose page size is in the file."""

PREDICTION = (
    "INSERT INTO predictions (image_id, model_version_id, prediction, confidence, timestamp) "
    "VALUES (?, ?, ?, ?, ?)"
)
LABEL = "INSERT INTO labels (image_id, technician_id, label, timestamp) VALUES (?, ?, ?, ?)"


class Raw:
    """One driver connection."""

    def __init__(self, path: Path) -> None:
        self._connection = driver.connect(str(path), isolation_level=None)
        for pragma in PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")

    def one(self, statement: str, row: Sequence[Any]) -> None:
        """One row in a transaction of its own."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(statement, row)
        self._connection.execute("COMMIT")

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """All rows by `executemany` in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(statement, rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def now() -> str:
    """The time as the database keeps it."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
