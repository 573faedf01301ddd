"""Import and export of tables as CSV, JSON Lines and Parquet."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mlmcsc.adapters.tabular import Format, RejectedRows, file_sha256, format_of, open_reader
from mlmcsc.domain.fields import RowSpec
from mlmcsc.domain.filters import check_page
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import OpenTally
from mlmcsc.errors import PermissionDeniedError, UnknownKeywordError, ValidationError
from mlmcsc.services.exchange.exporting import Export, chosen_columns
from mlmcsc.services.exchange.importing import Import, Tally, folder_of
from mlmcsc.services.exchange.job import Job, OnError, Undone, stamp_of
from mlmcsc.services.exchange.mapping import Mapper
from mlmcsc.services.exchange.references import Lookup
from mlmcsc.services.exchange.reports import ExportReport, ImportReport, TableInfo
from mlmcsc.services.exchange.tables import (
    EXPORT_NEEDS,
    check_importable,
    every_table,
    exported_table,
    read_only,
)
from mlmcsc.services.exchange.values import Cells
from mlmcsc.services.exchange.writers import (
    Doors,
    Writer,
    feature_rows,
    image_rows,
    in_bulk,
    metric_rows,
    one_by_one,
    specimen_rows,
)
from mlmcsc.store.joined import JoinedStore
from mlmcsc.store.queries import exchange as queries
from mlmcsc.store.uow import Store, Transaction


@dataclass(frozen=True, slots=True)
class Exchange:
    """Import and export tables, in one actor's name."""

    db: Store
    actor: Actor
    specs: Mapping[str, RowSpec]
    doors: Callable[[Store], Doors]

    def tables(self) -> tuple[TableInfo, ...]:
        """Every table, whether it can be imported and exported, and why not."""
        return every_table()

    @requires(Permission.READ)
    def import_file(
        self,
        /,
        table: str,
        path: str | os.PathLike[str],
        *,
        mapping: Mapping[str, str] | None = None,
        format: Format | None = None,  # noqa: A002  # the documented keyword
        on_error: OnError = "collect",
        rejected_to: str | os.PathLike[str] | None = None,
        dry_run: bool = False,
        again: bool = False,
        ignore_unmapped: bool = False,
        timezone: str | None = None,
        delimiter: str | None = None,
        progress: OpenTally | None = None,
        **common: Any,
    ) -> ImportReport:
        """Store the rows of a file, and account for every one of them.

        One file is one transaction: a crash leaves nothing behind, and the file's SHA-256 is
        written with its rows, so that the same content is never stored twice by mistake. The
        price: other writers of a SQLite file wait meanwhile. Images are the exception, because
        reading many files takes long: with `collect` each is stored at once, and importing the
        file again goes on where it stopped (stored content is recognised).

        Columns bear the names of fields, or are mapped to them. An image may be given as
        `image_id`, `image_path` (relative to the file's folder), `filename` or `content_hash`; a
        technician as `technician` (staff number) or `technician_id` (whole numbers are ids, other
        text is a staff number); a model as `model_version_id` or `model_version` (its name).
        Columns of an export that mlmcsc fills itself (`id`, `created_at` …) are passed over and
        noted: rows get new ids. Exports name other rows by ids of their own database; for another
        one, export with `natural_keys=True`.

        CSV is UTF-8, or UTF-16 with its mark, with `,`, `;` or tab between cells; empty cells are
        missing values, lines of nothing else are passed over and counted in a note; where `;`
        separates, `0,5` is a number; an apostrophe before `= + - @` is a spreadsheet's text mark
        and not part of the text.

        Args:
            table: One of `tables()`.
            path: `.csv`, `.jsonl` or `.parquet`; the first two also `.gz` and `.zst`.
            mapping: File column to field, `{"SFA %": "label*0.01"}` to scale, `"-"` to skip.
            format: When the suffix does not tell.
            on_error: `collect` stores the good rows; `raise` stores all or none.
            rejected_to: Where refused rows go, as CSV with `_line` and `_reason`; by default
                `<file>.rejected.csv`. Written only if there are any; replaces an earlier one.
            dry_run: Do everything, keep nothing but the file of refused rows.
            again: Store content that was imported to, or exported from, this table before.
            ignore_unmapped: Pass over columns that fit no field.
            timezone: IANA zone of times written without one.
            delimiter: Between CSV cells; told from the header when left out.
            progress: Called with rows done, and rows in all where the format tells.
            **common: A field or key with one value for all rows, e.g. `technician="T-07"`.

        Raises:
            ValidationError: The file, its header, the mapping or an argument is wrong.
            RejectedRowsError: With `raise`, when any row is wrong; nothing is stored.
            ConflictError: The same content was imported before.
            UnsupportedError: The table cannot be imported; the message says why.
        """
        check_importable(table)
        source = Path(os.path.abspath(path))
        if on_error not in {"collect", "raise"}:
            raise ValidationError(f"on_error={on_error!r}: must be 'collect' or 'raise'.")
        mapper = Mapper(
            self.specs[table], mapping or {}, frozenset(common), read_only(table), ignore_unmapped
        )
        _known(mapper, common)
        mapper.check()
        reader = open_reader(source, format_of(source, format), delimiter)
        cells = Cells(reader.text, reader.json_text, reader.decimal_comma, _zone(timezone))
        job = Job(
            Import(source, reader, mapper, cells, common, progress),
            stamp_of(source),  # before hashing: a change while we read must show
            file_sha256(source),
            _reject_path(source, rejected_to),
            on_error,
            dry_run=dry_run,
            again=again,
        )
        job.what.check_header()  # before asking whether the content was imported: this mends a call
        return self._import(job)

    def _import(self, job: Job) -> ImportReport:
        began = time.perf_counter()
        with RejectedRows() as rejects:
            tally = Tally(rejects)
            try:
                if job.table == "images" and job.on_error == "collect" and not job.dry_run:
                    self._import_images(job, tally)
                else:
                    self._import_whole(job, tally)
            finally:
                if rejects.count:
                    rejects.publish(job.rejected_to)
        return ImportReport(
            table=job.table,
            path=str(job.what.path),
            sha256=job.sha256,
            read=tally.read,
            stored=tally.stored,
            unchanged=tally.unchanged,
            rejected=tuple(tally.rejected),
            rejected_count=rejects.count,
            rejected_file=str(job.rejected_to) if rejects.count else None,
            notes=tuple(tally.notes),
            dry_run=job.dry_run,
            seconds=time.perf_counter() - began,
        )

    def _import_whole(self, job: Job, tally: Tally) -> None:
        """All rows in one transaction."""
        try:
            with self.db.write(self.actor) as tx:
                queries.lock_content(tx, job.sha256)
                job.refuse_repetition(tx)
                store = JoinedStore(tx)
                lookup = Lookup(tx, folder_of(job.what.path))
                job.what.feed(lookup, self._writer(job, tx, store), tally)
                job.finish(tx, tally)
        except Undone:
            return

    def _import_images(self, job: Job, tally: Tally) -> None:
        """Each file in its own transaction: known content is recognised when it is repeated."""
        folder = folder_of(job.what.path)
        with self.db.read() as view:
            job.refuse_repetition(view)
            lookup = Lookup(view, folder)  # never asked: images refer to nothing
        job.what.feed(lookup, image_rows(self.doors(self.db), folder), tally)
        with self.db.write(self.actor) as tx:
            job.finish(tx, tally)

    def _writer(self, job: Job, tx: Transaction, store: JoinedStore) -> Writer:
        doors = self.doors(store)
        writers: dict[str, Callable[[], Writer]] = {
            "specimens": lambda: specimen_rows(doors, tx, store),
            "images": lambda: image_rows(doors, folder_of(job.what.path)),
            "technicians": lambda: one_by_one(doors.register_technician, store),
            "model_versions": lambda: one_by_one(doors.register_model, store),
            "predictions": lambda: in_bulk(doors.add_predictions),
            "labels": lambda: in_bulk(doors.add_labels),
            "features": lambda: feature_rows(doors),
            "system_metrics": lambda: metric_rows(tx),
        }
        if job.table == "system_metrics":
            self._need(Permission.ADMINISTER, "import system_metrics")
        return writers[job.table]()

    def _need(self, permission: Permission, what: str) -> None:
        if permission not in self.actor.permissions:
            raise PermissionDeniedError(
                f"{self.actor.subject!r} may not {what}: it needs the permission "
                f"{permission.value!r}. Ask an administrator for a role that has it."
            )

    @requires(Permission.READ)
    def export_file(
        self,
        table: str,
        path: str | os.PathLike[str],
        *,
        format: Format | None = None,  # noqa: A002  # the documented keyword
        columns: Sequence[str] | None = None,
        natural_keys: bool = False,
        after_id: int = 0,
        since: datetime | None = None,
        progress: OpenTally | None = None,
        overwrite: bool = False,
    ) -> ExportReport:
        """Write a table's rows, by id, as they are at one moment.

        The file appears whole or not at all, and the audit trail names it. CSV cells that a
        spreadsheet program would take for formulas get an apostrophe before them, which
        `import_file` takes away again.

        Args:
            table: One of `tables()`.
            path: `.csv`, `.jsonl` or `.parquet`; the first two also `.gz` and `.zst`.
            format: When the suffix does not tell.
            columns: Which, in which order; all when left out.
            natural_keys: Name images by path, technicians by staff number and models by version
                instead of by id, so that the file can be imported into another database.
            after_id: Only rows with a higher id.
            since: Only rows from this time on.
            progress: Called with rows done, and rows in all where it is known.
            overwrite: Whether an existing file is replaced.

        Raises:
            ConflictError: The file exists.
            UnsupportedError: The table must not leave the database; the message says why.
            ValidationError: An argument is wrong.
        """
        found = exported_table(table)
        check_page(after_id, 1)
        if table in EXPORT_NEEDS:
            self._need(EXPORT_NEEDS[table], f"export {table}")
        if since is not None and since.utcoffset() is None:
            raise ValidationError(f"since={since}: give it a time zone, e.g. UTC.")
        if since is not None and queries.time_column(found) is None:
            raise ValidationError(f"since={since}: {table} has no times. Leave it out.")
        target = Path(os.path.abspath(path))
        return Export(
            found,
            target,
            format_of(target, format),
            chosen_columns(found, columns),
            natural_keys,
            after_id,
            since,
            progress,
            overwrite,
        ).run(self.db, self.actor)


def _known(mapper: Mapper, common: Mapping[str, Any]) -> None:
    allowed = mapper.targets()
    unknown = [name for name in common if name not in allowed]
    if unknown:
        raise UnknownKeywordError(
            f"{mapper.spec.table} has no field {', '.join(map(repr, unknown))}. "
            f"Allowed: {', '.join(allowed)}."
        )


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError(
            f"timezone={name!r}: no such zone. Use an IANA name such as Europe/Berlin or UTC."
        ) from None


def _reject_path(source: Path, asked: str | os.PathLike[str] | None) -> Path:
    if asked is None:
        return source.with_name(source.name + ".rejected.csv")
    target = Path(os.path.abspath(asked))
    if target.exists() and target.samefile(source):
        raise ValidationError(f"rejected_to={target}: is the file that is imported. Name another.")
    return target
