"""Archives: old rows out of the live database, findable, erasable, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from mlmcsc.adapters.archives import ArchiveFolder
from mlmcsc.domain.archives import (
    ArchiveEntry,
    ArchiveErasure,
    ArchivePlan,
    ArchiveRecord,
    ArchiveReport,
    FoundRow,
    RestoreReport,
    check_table,
)
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import IntegrityError, ValidationError
from mlmcsc.services.archives.erasing import Person, erase, planned
from mlmcsc.services.archives.finding import find
from mlmcsc.services.archives.making import make
from mlmcsc.services.archives.of_person import OfPerson, Page, readers
from mlmcsc.services.archives.restoring import restore
from mlmcsc.services.archives.shelf import Shelf
from mlmcsc.store.queries import archives as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Archives:
    """Move old rows into signed Parquet files and bring them back, in one actor's name."""

    db: Store
    actor: Actor
    folder: ArchiveFolder

    @property
    def _shelf(self) -> Shelf:
        return Shelf(self.db, self.actor, self.folder)

    @requires(Permission.RETAIN)
    def plan(self, table: str, older_than: timedelta) -> ArchivePlan:
        """What `create` would move now; nothing is changed.

        Args:
            table: One of `mlmcsc.domain.archives.TIMES`.
            older_than: Age of the youngest row that goes, at least a day.

        Raises:
            ValidationError: Another table, or too short an age.
        """
        before = self.db.clock() - _age(older_than)
        with self.db.read() as view:
            return queries.plan(view, check_table(table), before)

    @requires(Permission.RETAIN)
    def create(
        self,
        table: str,
        older_than: timedelta,
        *,
        compact: bool = True,
        progress: Progress | None = None,
    ) -> ArchiveReport:
        """Move old rows into a new archive, and make the database smaller.

        Rows that a legal hold keeps stay. Labels take their earlier states with them; no image
        changes its split. Whenever this is interrupted, every row is in the database or in the
        archive, and the next run removes what was left half done.

        Args:
            table: One of `mlmcsc.domain.archives.TIMES`.
            older_than: Age of the youngest row that goes, at least a day.
            compact: Give the freed space back to the disk, if there is room to do so.
            progress: Told the table, rows done and rows in all.

        Raises:
            ValidationError: Another table, or too short an age.
            UnsupportedError: The database has no folder for archives.
            ConflictError: The rows changed meanwhile, or another process archives.
            IntegrityError: What was written could not be read back; nothing was moved.
        """
        before = self.db.clock() - _age(older_than)
        check_table(table)
        shelf = self._shelf
        with self.folder.locked():
            cleaned = shelf.tidy(after_death=True)
            with self.db.read() as view:
                plan, unknown = queries.plan(view, table, before), shelf.unknown(view)
            archive = make(shelf, table, before, progress)
        report = ArchiveReport(plan, archive, cleaned, unknown)
        if archive is None or not compact:
            return report
        smaller = self.db.dialect.compact(
            self.db.engine, [file["table"] for file in archive.manifest["files"]]
        )
        return replace(
            report,
            bytes_before=smaller.bytes_before,
            bytes_after=smaller.bytes_after,
            not_compacted=smaller.refused,
        )

    @requires(Permission.READ)
    def list(self, *, verify: bool = False, progress: Progress | None = None) -> list[ArchiveEntry]:
        """Every archive, oldest first.

        Args:
            verify: Check signatures, every file and every row; findings are told, not raised.
            progress: Told how many archives are verified.
        """
        with self.db.read() as view:
            every = queries.every(view)
            entries = []
            for number, archive in enumerate(every, 1):
                entries.append(self._entry(view, archive, verify=verify))
                if progress is not None:
                    progress("archives", number, len(every))
        return entries

    @requires(Permission.READ)
    def unknown(self) -> Sequence[str]:
        """Folders among the archives that this database knows nothing of; they are left alone."""
        with self.db.read() as view:
            return self._shelf.unknown(view)

    def _entry(self, view: View, archive: ArchiveRecord, *, verify: bool) -> ArchiveEntry:
        size = archive.n_bytes
        if archive.restored_at is not None:
            return ArchiveEntry(archive, size, "restored")
        if archive.path not in self.folder.present():
            place = self.folder.place(archive.path)
            told = f"{place} is missing. Put the archive's folder back from a copy."
            return ArchiveEntry(archive, size, "missing", problem=told)
        if not verify:
            return ArchiveEntry(archive, size, "archived")
        try:
            self._shelf.check(view, archive, rows=True)
        except IntegrityError as error:
            return ArchiveEntry(archive, size, "damaged", verified=True, problem=str(error))
        return ArchiveEntry(archive, size, "archived", verified=True)

    @requires(Permission.READ)
    def find(
        self, table: str, record_id: int | None = None, *, image_id: int | None = None
    ) -> Sequence[FoundRow]:
        """Archived rows by their id, or by their image.

        Args:
            table: One of `mlmcsc.domain.archives.TIMES`.
            record_id: The row's id.
            image_id: Instead, the image that rows speak of.

        Raises:
            ValidationError: Not one of the two, or the table has no images.
            IntegrityError: An archive that may hold such a row is missing or was changed.
        """
        if (record_id is None) == (image_id is None):
            raise ValidationError("Say which rows: by record_id, or by image_id.")
        check_table(table)
        ID.check(record_id)
        ID.check(image_id)
        if image_id is not None and "image_id" not in queries.columns(table):
            raise ValidationError(f"Rows of {table} speak of no image; find them by id.")
        wanted = {"id": record_id} if image_id is None else {"image_id": image_id}
        equal = {name: value for name, value in wanted.items() if value is not None}
        return find(self._shelf, table, equal)

    def labels_of(
        self, view: View, technician: int | None, called: Callable[[str | None], bool], kind: str
    ) -> Iterator[Callable[[], Page]]:
        """A person's rows in archives, for the copy of their data, which asks for the right.

        For each archive what reads them; see `of_person.readers`. It raises IntegrityError where
        the archive is missing or was changed.
        """
        return readers(self._shelf, view, OfPerson(technician, called), kind)

    @requires(Permission.RETAIN)
    def restore(
        self, name: str, *, dry_run: bool = False, progress: Progress | None = None
    ) -> RestoreReport:
        """Bring an archive's rows back under their own ids; its files then go.

        Notes of people who were erased meanwhile come back empty.

        Args:
            name: The archive.
            dry_run: Do all of it but keep nothing.
            progress: Told the table, rows done and rows in all.

        Raises:
            UnknownRecordError: There is no such archive.
            ConflictError: It was restored already, an id is taken, or what a row refers to is
                gone; nothing is changed.
            IntegrityError: It is missing, was changed, or is of another database.
        """
        return restore(self._shelf, name, progress, dry_run=dry_run)

    @requires(Permission.PRIVACY)
    def erase_person(
        self,
        technician_row: int | None,
        subject_id: str,
        identifiers: Sequence[str],
        pseudonym: str,
        *,
        labels: Literal["keep", "delete"],
        dry_run: bool = False,
    ) -> ArchiveErasure:
        """Erase a person in all archives; again, it finds nothing left to do.

        Archives that hold something of the person are written and signed anew; the old files are
        overwritten and removed. Labels of specimens under a legal hold stay, without notes.

        Args:
            technician_row: The id in `technicians`; None for a person who never labelled.
            subject_id: Their random id in the vault.
            identifiers: The names by which rows speak of them in clear.
            pseudonym: What stands in the place of these names.
            labels: `keep` leaves the measurements, `delete` removes them.
            dry_run: Say what would be done, and do nothing; an archive that cannot be read is
                named among those to be written anew, with the reason.

        Raises:
            ValidationError: `labels` is neither.
            IntegrityError: An archive is missing or was changed, so that nobody can tell what it
                holds; those before it are done.
        """
        if labels not in {"keep", "delete"}:
            raise ValidationError(f"labels={labels!r}: must be 'keep' or 'delete'.")
        with self.db.read() as view:
            if not any(archive.restored_at is None for archive in queries.every(view)) and not (
                queries.unfinished(view)
            ):
                return ArchiveErasure(0, (), 0, 0, 0, self._shelf.unknown(view))
            held = queries.held_images(view) if labels == "delete" else set()
        person = Person(
            technician_row,
            subject_id,
            frozenset(identifiers),
            pseudonym,
            labels == "delete",
            frozenset(held),
        )
        return planned(self._shelf, person) if dry_run else erase(self._shelf, person)


ID = Field("record_id or image_id", Kind.INTEGER, "id of a row", minimum=1)
SHORTEST, LONGEST = timedelta(days=1), timedelta(days=36_500)


def _age(older_than: object) -> timedelta:
    if not isinstance(older_than, timedelta) or not SHORTEST <= older_than <= LONGEST:
        raise ValidationError(
            f"older_than={older_than}: give a timedelta from one day to {LONGEST.days} days."
        )
    return older_than
