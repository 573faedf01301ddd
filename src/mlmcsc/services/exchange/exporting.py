"""One export: rows by id, into a file that appears whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mlmcsc.adapters.exported_files import exporting
from mlmcsc.adapters.tabular import Format, write_table
from mlmcsc.adapters.tabular.formats import compression_of
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.places import sealed_places
from mlmcsc.domain.progress import OpenTally
from mlmcsc.errors import UnknownKeywordError, ValidationError
from mlmcsc.services.exchange.reports import ExportReport
from mlmcsc.services.exchange.tables import exported_columns
from mlmcsc.store.queries import exchange as queries
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store


@dataclass(frozen=True)
class Export:
    """The checked arguments of one export; see `Exchange.export_file`."""

    table: Any
    path: Path
    kind: Format
    columns: Sequence[str]
    natural_keys: bool
    after_id: int
    since: datetime | None
    progress: OpenTally | None
    overwrite: bool

    def run(self, db: Store, actor: Actor) -> ExportReport:
        """Write the audit event, then the file.

        Raises:
            ConflictError: The file exists and must not be overwritten.
        """
        began = time.perf_counter()
        with exporting(self.path, overwrite=self.overwrite) as made:
            with db.read() as view:
                count = write_table(
                    made.path,
                    self.kind,
                    compression_of(self.path) if self.kind != "parquet" else "",
                    queries.kinds(self.table, self.columns, natural_keys=self.natural_keys),
                    self._pages(view, actor),
                    wide_vectors=queries.has_wide_vectors(view),
                )
            sha256, size = made.measured()
            with db.write(actor) as tx:
                tx.record(self._event(count, sha256))
        return ExportReport(
            self.table.name, count, str(self.path), size, sha256, time.perf_counter() - began
        )

    def _pages(self, view: View, actor: Actor) -> Iterator[list[tuple[Any, ...]]]:
        whole = self.after_id == 0 and self.since is None
        total = rows.count(view, self.table) if whole and self.progress is not None else None
        done = 0
        for page in queries.pages(
            view,
            self.table,
            self.columns,
            natural_keys=self.natural_keys,
            after_id=self.after_id,
            since=self.since,
        ):
            yield self._revealed(view, actor, page)
            done += len(page)
            if self.progress is not None:
                self.progress(done, total)

    def _revealed(
        self, view: View, actor: Actor, page: list[tuple[Any, ...]]
    ) -> list[tuple[Any, ...]]:
        """The page with personal texts in clear, as far as the actor may see them."""
        sealed = sealed_places()
        columns = list(zip(*page, strict=True))
        for index, name in enumerate(self.columns):
            if f"{self.table.name}.{name}" in sealed:
                columns[index] = tuple(view.vault.reveal(view, actor, columns[index]))
            elif name in {"old_values", "new_values"}:  # audit events seal names inside
                columns[index] = tuple(view.vault.reveal_json(view, actor, columns[index]))
        return list(zip(*columns, strict=True))

    def _event(self, count: int, sha256: str) -> AuditEvent:
        told = {
            "path": str(self.path),
            "format": self.kind,
            "sha256": sha256,
            "columns": list(self.columns),
            "natural_keys": self.natural_keys,
            "after_id": self.after_id,
            "since": None if self.since is None else self.since.isoformat(),
        }
        return AuditEvent(
            Operation.EXPORT, self.table.name, new_values=told, n_rows=count, digest=sha256
        )


def chosen_columns(table: Any, asked: Sequence[str] | None) -> list[str]:
    """The columns to export, in the order asked for.

    Raises:
        UnknownKeywordError: For a column that the table does not have.
        ValidationError: For none, or one named twice.
    """
    every = exported_columns(table)
    if asked is None:
        return every
    unknown = [name for name in asked if name not in every]
    if unknown:
        raise UnknownKeywordError(
            f"{table.name} has no column {', '.join(map(repr, unknown))}. "
            f"Allowed: {', '.join(every)}."
        )
    if not asked or len(set(asked)) != len(asked):
        raise ValidationError(f"columns={list(asked)}: name each column once, and at least one.")
    return list(asked)
