"""Files as they lie in a backup, and the tables that were copied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

import orjson

from mlmcsc.domain.records import Record

Coding = Literal["plain", "zstd", "aes-256-gcm", "zstd+aes-256-gcm"]
"""How a file's bytes were written: as they are, packed, encrypted, or packed and then encrypted."""

LONGEST_LINE: Final = 64 << 10
"""Bytes of a file's line in a list."""

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

    def __post_init__(self) -> None:
        """Refuse what no list of ours says: others write lists too.

        Raises:
            ValueError: A member is of another kind.
        """
        texts = (self.name, self.key, self.sha256, self.stored_sha256, self.key_id or "")
        sizes = (self.n_bytes, self.stored_bytes)
        if (
            not all(isinstance(each, str) for each in texts)
            or not all(type(each) is int and each >= 0 for each in sizes)
            or self.coding not in get_args(Coding)
        ):
            raise ValueError("a file is listed as none can be")


def listed(pieces: Iterable[bytes]) -> Iterator[StoredFile]:
    """The files of a list, as its bytes come; nothing more than a line is kept.

    Raises:
        ValueError: It is no list of files.
        TypeError: Likewise.
    """
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (StoredFile(**orjson.loads(line)) for line in lines)
        if len(rest) > LONGEST_LINE:
            raise ValueError("a line is too long")
    if rest:
        raise ValueError("the last line has no end")


@dataclass(frozen=True, slots=True)
class TableDigest(Record):
    """What a table held in the snapshot.

    Attributes:
        rows: How many rows.
        sha256: SHA-256 (hex) over the columns' names and every cell of the rows by primary key.
            SQLite: a line of JSON for each row, with each real as two integers that tell it
            exactly, and each blob as its length; then SHA-256 over that hash and the hash of all
            blobs. PostgreSQL: the rows as `COPY … (FORMAT BINARY)` writes them. Comparable
            between databases of the same product and schema only. Data keys of people
            (`subjects.wrapped_key`, `subjects.key_id`) are left out: they never go into a backup.
    """

    rows: int
    sha256: str

    def __post_init__(self) -> None:
        """Refuse what no manifest of ours says.

        Raises:
            ValueError: A member is of another kind.
        """
        if type(self.rows) is not int or not isinstance(self.sha256, str):
            raise ValueError("a table has other members")
