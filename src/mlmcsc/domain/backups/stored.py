"""Files as they lie in a backup, and the tables that were copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlmcsc.domain.records import Record

Coding = Literal["plain", "zstd", "aes-256-gcm", "zstd+aes-256-gcm"]
"""How a file's bytes were written: as they are, packed, encrypted, or packed and then encrypted."""

Part = Literal["database", "versions", "archives", "images", "configuration"]
"""What a file belongs to; the first segment of its name."""


@dataclass(frozen=True, slots=True)
class StoredFile(Record):
    """One file of a backup.

    Attributes:
        name: Relative, with `/`, its first segment a `Part`: `database/mlmcsc.db`,
            `images/ab/<sha256>.jpg`, `versions/objects/….parquet`.
        key: Where it lies: `SET NAME/…` for the set's own, `objects/ab/<sha256>[.KEY ID].<ending>`
            for what sets share.
        n_bytes: Size of the original.
        sha256: SHA-256 (hex) of the original.
        stored_bytes: Size of what lies there.
        stored_sha256: SHA-256 (hex) of what lies there: checked without any key.
        coding: How it was written.
        key_id: Master key that opens it, when encrypted.
    """

    name: str
    key: str
    n_bytes: int
    sha256: str
    stored_bytes: int
    stored_sha256: str
    coding: Coding
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class TableDigest(Record):
    """What a table held in the snapshot.

    Attributes:
        rows: How many rows.
        sha256: SHA-256 (hex) over the rows by primary key, in the engine's own text of them;
            comparable between databases of the same product and schema only. Data keys of people
            (`subjects.wrapped_key`, `subjects.key_id`) are left out: they never go into a backup.
    """

    rows: int
    sha256: str
