"""Who went where: one entry for every original row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mlmcsc.domain.adoption import LeftBehind, TableAccount
from mlmcsc.errors import AdoptionError


class Ledger:
    """The running account of one adoption.

    Args:
        found: Rows of each original table, counted by SQL, independently of the copying.
    """

    def __init__(self, found: Mapping[str, int]) -> None:
        self.found = dict(found)
        self.adopted: Counter[str] = Counter()
        self.added: Counter[str] = Counter()
        """Rows of the new database that the original does not have."""
        self.superseded: list[LeftBehind] = []
        self.rejected: list[LeftBehind] = []
        self.notes: list[str] = []
        self._counted: Counter[str] = Counter()

    def adopt(self, table: str) -> None:
        """A row is in the new database."""
        self.adopted[table] += 1

    def supersede(self, table: str, row_id: int, by: int) -> None:
        """A newer row of the new database stands for this one."""
        self.superseded.append(LeftBehind(table, row_id, f"replaced by the newer {table} {by}"))

    def reject(self, table: str, row_id: int, reason: str) -> None:
        """The new schema cannot hold a row."""
        self.rejected.append(LeftBehind(table, row_id, reason))

    def note(self, text: str) -> None:
        """Something that readers of the report must know."""
        self.notes.append(text)

    def count(self, text: str) -> None:
        """A change made to many rows; the report tells how many."""
        self._counted[text] += 1

    def all_notes(self) -> tuple[str, ...]:
        """Notes, then counted changes."""
        return (*self.notes, *(f"{text}: {n} rows" for text, n in self._counted.items()))

    def accounts(self) -> tuple[TableAccount, ...]:
        """One account per table.

        Raises:
            AdoptionError: A row is unaccounted for.
        """
        superseded = Counter(row.table for row in self.superseded)
        rejected = Counter(row.table for row in self.rejected)
        accounts = tuple(
            TableAccount(table, found, self.adopted[table], superseded[table], rejected[table])
            for table, found in self.found.items()
        )
        for account in accounts:
            if not account.balanced:
                raise AdoptionError(
                    f"{account}: the rows do not add up. Please report this with the file"
                )
        return accounts
