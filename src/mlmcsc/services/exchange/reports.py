"""What an import or export did."""

from __future__ import annotations

from dataclasses import dataclass

from mlmcsc.domain.records import Record
from mlmcsc.domain.results import Rejection

MOST_REJECTIONS = 1000
"""Rejections kept in a report; the file of rejected rows has them all."""
MOST_NOTES = 100


@dataclass(frozen=True, slots=True)
class TableInfo(Record):
    """One table and what may be done with it.

    Attributes:
        name: Table name.
        importable: Whether `import_file` accepts it.
        exportable: Whether `export_file` does.
        reason: Why not, where one of them is refused.
    """

    name: str
    importable: bool
    exportable: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ImportReport(Record):
    """What an import did.

    Attributes:
        table: Where the rows went.
        path: The file, absolute.
        sha256: Of the file's bytes, as the audit trail has it.
        read: Rows in the file.
        stored: Rows written (for a dry run: that would be).
        unchanged: Rows that were there already.
        rejected: The first 1,000 rows that were refused, with line and reason.
        rejected_count: How many were refused.
        rejected_file: Where all of them are, with their reasons; None when there are none.
        notes: What was passed over on purpose, and contradictions that were stored as given.
        dry_run: Whether nothing was kept.
        seconds: Wall time.
    """

    table: str
    path: str
    sha256: str
    read: int
    stored: int
    unchanged: int
    rejected: tuple[Rejection, ...]
    rejected_count: int
    rejected_file: str | None
    notes: tuple[str, ...]
    dry_run: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class ExportReport(Record):
    """What an export did.

    Attributes:
        table: Where the rows come from.
        rows: How many.
        path: The file, absolute.
        bytes: Its size.
        sha256: Of its bytes, as the audit trail has it.
        seconds: Wall time.
    """

    table: str
    rows: int
    path: str
    bytes: int
    sha256: str
    seconds: float
