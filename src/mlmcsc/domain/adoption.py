"""What became of a database of the original system: every row accounted for."""

from __future__ import annotations

from dataclasses import dataclass

from mlmcsc.domain.records import Record


@dataclass(frozen=True, slots=True)
class TableAccount(Record):
    """The rows of one original table.

    Attributes:
        table: Table name.
        found: Rows in the original.
        adopted: Rows in the new database, under the same ids.
        superseded: Older feature vectors that a newer one of the same image replaces.
        rejected: Rows that the new schema cannot hold; each has its reason.
    """

    table: str
    found: int
    adopted: int
    superseded: int
    rejected: int

    @property
    def balanced(self) -> bool:
        """Whether every row found is accounted for."""
        return self.found == self.adopted + self.superseded + self.rejected


@dataclass(frozen=True, slots=True)
class LeftBehind(Record):
    """An original row that is in the backup only, and why."""

    table: str
    id: int
    reason: str


@dataclass(frozen=True, slots=True)
class AdoptionReport(Record):
    """How an original database was adopted.

    Attributes:
        source: The database file.
        source_sha256: SHA-256 (hex) of the original file's bytes.
        backup_path: The verified copy of the original, beside it.
        backup_sha256: SHA-256 (hex) of that copy.
        time_rule: How the original's local times became UTC.
        label_range: Lowest and highest label of the new database.
        tables: One account per documented table.
        superseded: The rows that a newer one replaces.
        rejected: The rows that could not be adopted.
        notes: Everything else that was decided or noticed.
    """

    source: str
    source_sha256: str
    backup_path: str
    backup_sha256: str
    time_rule: str
    label_range: tuple[float, float]
    tables: tuple[TableAccount, ...]
    superseded: tuple[LeftBehind, ...]
    rejected: tuple[LeftBehind, ...]
    notes: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        """Whether every row of every table is accounted for."""
        return all(account.balanced for account in self.tables)


_COLUMNS = ("found", "adopted", "superseded", "rejected")


def render(report: AdoptionReport) -> str:
    """The report as plain text: facts, the table of rows, and each row left behind."""
    low, high = report.label_range
    lines = [
        f"Adopted the original database {report.source}",
        f"  SHA-256      {report.source_sha256}",
        f"  backup       {report.backup_path}",
        f"  its SHA-256  {report.backup_sha256}",
        f"  times        {report.time_rule}",
        f"  label range  {low:g} to {high:g}",
        "",
        *_table(report.tables),
    ]
    lines += ["", "Notes:", *(f"  - {note}" for note in report.notes)] if report.notes else []
    for title, rows in (("Superseded", report.superseded), ("Rejected", report.rejected)):
        if rows:
            lines += ["", f"{title} (still in the backup):"]
            lines += [f"  {row.table} {row.id}: {row.reason}" for row in rows]
    return "\n".join(lines) + "\n"


def _table(accounts: tuple[TableAccount, ...]) -> list[str]:
    total = TableAccount("total", *(sum(getattr(a, c) for a in accounts) for c in _COLUMNS))
    rows = [("table", *_COLUMNS)] + [
        (account.table, *(str(getattr(account, c)) for c in _COLUMNS))
        for account in (*accounts, total)
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    rule = "-" * len(lines[0])
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]
