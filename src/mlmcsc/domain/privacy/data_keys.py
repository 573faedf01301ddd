"""The wrapped data keys of people, as they are kept apart from the database and its backups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlmcsc.errors import IntegrityError

WrappedKey = tuple[str, bytes]
"""Id of the master key, and the data key that it wraps."""


@dataclass(frozen=True, slots=True)
class DataKeys:
    """Data keys of one database and its copies; no names.

    Attributes:
        database_id: What the database calls itself, and its copies.
        public_key: Ed25519 key of its audit trail, 64 hex digits: by it backups are recognised
            where the database itself is gone.
        keys: Subject id to the wrapped key.
        forgotten: Subject ids of people who were erased; they never get an entry again.
    """

    database_id: str
    public_key: str
    keys: Mapping[str, WrappedKey]
    forgotten: frozenset[str] = frozenset()


def merged(before: DataKeys | None, now: DataKeys) -> DataKeys:
    """What is kept after a database has told what it holds.

    People whom it does not know stay: they belong to a copy of it, or were admitted after the
    backup from which it was restored, and later backups need their keys. Whoever was erased in any
    copy goes, and does not come back through another, which has the erasure yet to replay.

    Args:
        before: What was kept; None for the first time.
        now: Living people, and those who were erased, of the database.

    Raises:
        IntegrityError: What was kept is another database's.
    """
    if before is None:
        before = DataKeys(now.database_id, now.public_key, {})
    if (before.database_id, before.public_key) != (now.database_id, now.public_key):
        raise IntegrityError(
            f"The data keys kept for {before.database_id} belong to the audit key "
            f"{before.public_key[:16]}…, and this database {now.database_id} signs with "
            f"{now.public_key[:16]}…: one of them was exchanged. Nothing was changed. Check the "
            "database with `mlmcsc audit verify`; if the file is the wrong one, move it away: "
            "`mlmcsc backup create` writes it anew."
        )
    forgotten = before.forgotten | now.forgotten
    every = {**before.keys, **now.keys}
    left = {who: key for who, key in every.items() if who not in forgotten}
    return DataKeys(now.database_id, now.public_key, left, forgotten)
