"""One export of the trail: events by id, into a file that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mlmcsc.adapters.exported_files import exporting
from mlmcsc.adapters.tabular import Format, write_table
from mlmcsc.adapters.tabular.formats import compression_of
from mlmcsc.domain.audit.records import AuditExport, AuditRecord
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.fields import Kind
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import OpenTally
from mlmcsc.services.audit.revealing import revealed
from mlmcsc.store.queries import audit as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

PAGE = 5_000
"""Events held in memory."""
KINDS = {
    "id": Kind.INTEGER,
    "timestamp": Kind.TIMESTAMP,
    "record_id": Kind.INTEGER,
    "n_rows": Kind.INTEGER,
    "seq": Kind.INTEGER,
    "old_values": Kind.JSON,
    "new_values": Kind.JSON,
    "redacted": Kind.JSON,
    "damaged": Kind.JSON,
}
COLUMNS = {f.name: KINDS.get(f.name, Kind.TEXT) for f in fields(AuditRecord)}


@dataclass(frozen=True)
class Export:
    """The checked arguments of one export; see `Audit.export`."""

    path: Path
    kind: Format
    conditions: Sequence[Any]
    told: Mapping[str, Any]
    progress: OpenTally | None
    overwrite: bool

    def run(self, db: Store, actor: Actor) -> AuditExport:
        """Write the event, then the file that it names.

        Raises:
            ConflictError: The file exists and must not be overwritten.
        """
        with exporting(self.path, overwrite=self.overwrite) as made:
            with db.read() as view:
                count = write_table(
                    made.path,
                    self.kind,
                    compression_of(self.path) if self.kind != "parquet" else "",
                    COLUMNS,
                    self._pages(view, actor),
                )
            sha256, size = made.measured()
            told = {
                "path": str(self.path),
                "format": self.kind,
                "sha256": sha256,
                "filter": dict(self.told),
            }
            with db.write(actor) as tx:
                tx.record(
                    AuditEvent(
                        Operation.EXPORT,
                        "audit_logs",
                        new_values=told,
                        n_rows=count,
                        digest=sha256,
                    )
                )
        return AuditExport(count, str(self.path), size, sha256)

    def _pages(self, view: View, actor: Actor) -> Iterator[list[tuple[Any, ...]]]:
        last, done = 0, 0
        while True:
            rows = queries.page(
                view, self.conditions, after=last, before=None, oldest_first=True, limit=PAGE
            )
            if not rows:
                return
            events = revealed(view, actor, [queries.record_of(row) for row in rows])
            yield [tuple(getattr(event, name) for name in COLUMNS) for event in events]
            last, done = rows[-1].id, done + len(rows)
            if self.progress is not None:
                self.progress(done, None)
