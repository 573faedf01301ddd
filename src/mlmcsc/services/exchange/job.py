"""What decides an import's fate: repetition, wrong rows, a dry run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.errors import ConflictError, RejectedRowsError
from mlmcsc.services.exchange.importing import Import, Tally
from mlmcsc.services.exchange.tables import EXPORTED
from mlmcsc.store.queries import exchange as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

OnError = Literal["collect", "raise"]
SHOWN = 5


class Undone(Exception):  # noqa: N818  # no error: it ends a dry run's transaction
    """Ends a dry run; the service catches it."""


@dataclass(frozen=True)
class Job:
    """One import with everything that decides its fate."""

    what: Import
    stamp: tuple[int, int]
    sha256: str
    rejected_to: Path
    on_error: OnError
    dry_run: bool
    again: bool

    @property
    def table(self) -> str:
        """Where the rows go."""
        return self.what.mapper.spec.table

    def refuse_repetition(self, view: View) -> None:
        """Refuse content that this table has seen.

        Raises:
            ConflictError: Naming when that was, and who did it.
        """
        if self.again:
            return
        earlier = queries.earlier_exchange(view, EXPORTED[self.table], self.sha256)
        if earlier is None:
            return
        imported = earlier.operation == Operation.IMPORT
        done = "imported to" if imported else "exported from"
        raise ConflictError(
            f"{self.what.path}: this content was {done} {self.table} on "
            f"{earlier.timestamp:%Y-%m-%d %H:%M:%S} UTC by {earlier.user_id!r}; its rows would be "
            f"stored twice. {self._refused_then(earlier) if imported else ''}"
            "Pass again=True if storing them twice is meant."
        )

    def _refused_then(self, earlier: queries.Earlier) -> str:
        """Where the rows are that were not stored then: they are what may be imported now."""
        count = earlier.facts.get("rejected", 0)
        if not count:
            return ""
        told = f"Of its rows {count:,} were refused then"
        written = earlier.facts.get("rejected_to", f"{self.what.path}.rejected.csv")
        if os.path.exists(written):
            return f"{told}: import {written} in its place, which holds those alone. "
        return f"{told}, and {written} is gone: import a file of those alone. "

    def finish(self, tx: Transaction, tally: Tally) -> None:
        """Record the import, unless it must be undone.

        Raises:
            RejectedRowsError: With `raise`, when any row is wrong.
            ConflictError: When the file changed meanwhile.
            Undone: At the end of a dry run.
        """
        if stamp_of(self.what.path) != self.stamp:
            raise ConflictError(f"{self.what.path} changed while it was read. Import it again.")
        if self.on_error == "raise" and tally.rejects.count:
            raise self._refusal(tally)
        if self.dry_run:
            raise Undone
        if tally.stored == 0:
            return
        told = {
            "path": str(self.what.path),
            "sha256": self.sha256,
            "read": tally.read,
            "unchanged": tally.unchanged,
            "rejected": tally.rejects.count,
            "mapping": dict(self.what.mapper.mapping),
        }
        if tally.rejects.count:
            told["rejected_to"] = str(self.rejected_to)
        tx.record(
            AuditEvent(
                Operation.IMPORT,
                self.table,
                new_values=told,
                n_rows=tally.stored,
                digest=self.sha256,
            )
        )

    def _refusal(self, tally: Tally) -> RejectedRowsError:
        shown = "; ".join(f"{r.where}: {r.reason}".rstrip(".") for r in tally.rejected[:SHOWN])
        return RejectedRowsError(
            f"{tally.rejects.count} of {tally.read} rows of {self.what.path} are wrong, nothing "
            f"was stored: {shown}. All of them are in {self.rejected_to}; mend them, or pass "
            "on_error='collect' to store the others.",
            [(int(r.where.removeprefix("line ")), r.reason) for r in tally.rejected],
        )


def stamp_of(path: Path) -> tuple[int, int]:
    """Size and time of change, by which a file is known not to have changed."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns
