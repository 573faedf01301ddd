"""A person's copy of their data (GDPR Art. 15), in memory or written to files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mlmcsc.adapters.exported_files import Export, exporting
from mlmcsc.adapters.subject_copies import CsvDraft, csv_draft, write_copy
from mlmcsc.adapters.tabular import file_sha256
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.domain.privacy.access import AUTOMATED_DECISIONS, RIGHTS, explained
from mlmcsc.domain.privacy.others import ANOTHER
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.domain.privacy.subject_copy import (
    ARCHIVED,
    FORMAT,
    FROZEN,
    MENTIONED,
    PARTS,
    WHILE_IT_LIVES,
    CopyReport,
    Part,
)
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.retention import TYPES, Periods
from mlmcsc.domain.versions.redaction import Contribution
from mlmcsc.errors import IntegrityError, PermissionDeniedError, UnknownRecordError
from mlmcsc.services.privacy.copying import EXTRA, Copying, Row
from mlmcsc.store.queries.holds import held_subjects, restricted_subjects
from mlmcsc.store.queries.persons import admit, living, of_login
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.spellings import whole
from mlmcsc.store.uow import Store

Called = Callable[[str | None], bool]
Archived = Callable[
    [View, int | None, Called, str], Iterable[Callable[[], list[Mapping[str, Any]]]]
]
"""From a technician's id, their names and a part to what reads its rows from each archive."""
Frozen = Callable[[View, int | None], Iterable[Contribution]]
"""From a technician's id to the data versions that rest on their labels."""
Path_ = str | os.PathLike[str]

NOTES = (
    f"Colleagues are left out (GDPR Art. 15(4)): {ANOTHER} stands where one is named.",
    (
        "Times are in UTC. `kept_until` is when the retention period of a row ends; while a legal "
        "hold or a restriction is in force it is kept beyond."
    ),
    (
        "Backups of the database may hold earlier states of these rows until they are deleted "
        "themselves."
    ),
)


@dataclass(frozen=True, slots=True)
class Access:
    """Give people copies of what is held about them, in one actor's name.

    With the right `privacy` of anybody; without it of oneself. A restriction of processing does not
    stand in the way: it protects the person (Art. 18(2)).
    """

    db: Store
    actor: Actor
    periods: Periods
    archived: Archived
    frozen: Frozen

    def export_user_data(self, person: int | str) -> dict[str, Any]:
        """Everything about and by a person, in memory.

        Colleagues are named nowhere: `[another person]` stands in their place, in free text too.
        An event records that the copy was given.

        Args:
            person: Staff number, login, written name, subject id, or the technician's id.

        Returns:
            `format`, `generated_at`, `person`, `rights`, `automated_decisions`, `notes`, `parts`,
            `counts`, and `incomplete`: what could not be read, and why. Each part has `table`,
            `meaning`, `kept_days`, `kept_from`, `columns`, `explained` (purpose, legal basis,
            recipients, retention and source by column), `n_rows`, and `rows`, each with the date
            `kept_until`. Times are ISO 8601 in UTC.

        Raises:
            PermissionDeniedError: The actor is somebody else, without the right `privacy`.
            UnknownRecordError: There is no such person, or they were erased.
            MissingKeyError: The master key is not here.
        """
        with self.db.read() as view:
            who = self._require(view, person)
            document = self._head(view, who)
            parts = {}
            incomplete: list[str] = []
            for name, facts, pages in self._parts(view, who, incomplete, None):
                rows = [row for page in pages for row in page]
                parts[name] = {**facts, "rows": rows, "n_rows": len(rows)}
        counts = {name: part["n_rows"] for name, part in parts.items()}
        with self.db.write(self.actor) as tx:
            told = {"subject_id": admit(tx, who), "format": "in memory"}
            n_rows = sum(counts.values())
            tx.record(AuditEvent(Operation.EXPORT, "subjects", None, None, told, n_rows=n_rows))
        return {**document, "parts": parts, "counts": counts, "incomplete": incomplete}

    def write(
        self,
        person: int | str,
        output: Path_,
        *,
        csv: Path_ | None = None,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> CopyReport:
        """Write what `export_user_data` returns to a file, whatever its size.

        The file appears whole or not at all, readable by its owner only (mode 0600). An event
        records its path and digest, so that the person's erasure finds it again. An archive that
        cannot be read is told in the report and in the file; the rest is there.

        Args:
            person: See `export_user_data`.
            output: The JSON file.
            csv: A folder for one CSV file each part, new or empty.
            overwrite: Replace `output` if it is there.
            progress: Called with the part and, twice, its rows so far: how many come is not known.

        Raises:
            ConflictError: `output` is there, or `csv` is there and not empty.
            ValidationError: One of them cannot be written.
            PermissionDeniedError: See `export_user_data`; as the next two.
            UnknownRecordError: Nothing was written.
            MissingKeyError: Nothing was written.
        """
        path = Path(os.path.abspath(output))
        with self.db.read() as view:
            self._require(view, person)
        files = nullcontext() if csv is None else csv_draft(Path(os.path.abspath(csv)))
        with exporting(path, overwrite=overwrite) as made, files as folder:
            return self._write(person, made, folder, progress)

    def _write(
        self, person: int | str, made: Export, folder: CsvDraft | None, progress: Progress | None
    ) -> CopyReport:
        incomplete: list[str] = []
        with self.db.read() as view:
            who = self._require(view, person)
            head = self._head(view, who)
            parts = self._parts(view, who, incomplete, progress)
            place = None if folder is None else folder.path
            counts = write_copy(made.path, head, parts, incomplete, place)
        sha256, _ = made.measured()
        told: dict[str, Any] = {"path": str(made.target), "format": "json", "sha256": sha256}
        if folder is not None:
            told["files"] = [
                {"path": str(folder.target / file.name), "sha256": file_sha256(file)}
                for file in sorted(folder.path.iterdir())
            ]
        with self.db.write(self.actor) as tx:
            told["subject_id"] = subject_id = admit(tx, who)
            rows = sum(counts.values())
            tx.record(
                AuditEvent(
                    Operation.EXPORT, "subjects", None, None, told, n_rows=rows, digest=sha256
                )
            )
            now = tx.now
        if folder is not None:
            folder.publish()
        csv = None if folder is None else str(folder.target)
        return CopyReport(subject_id, str(made.target), sha256, csv, counts, now, tuple(incomplete))

    def _require(self, view: View, person: int | str) -> Person:
        if Permission.PRIVACY in self.actor.permissions:
            who = living(view, person)
        else:
            who = of_login(view, self.actor.subject, lambda texts: view.vault.unseal(view, texts))
            if who is None or not who.is_meant(person):
                raise PermissionDeniedError(
                    f"{self.actor.subject!r} may export their own data only: for those of others "
                    "it needs the permission 'privacy'. Ask whoever answers privacy requests."
                )
        if who is None:
            raise UnknownRecordError(
                f"person {person!r} is not known, or was erased; nothing was done. Give a staff "
                "number, a login, a name as it was written, or a subject id."
            )
        return whole(view, who)

    def _head(self, view: View, who: Person) -> dict[str, Any]:
        ids = set(who.subject_ids)
        return {
            "format": FORMAT,
            "generated_at": self.db.clock().isoformat(),
            "person": {
                "names": list(who.identifiers),
                "subject_ids": list(who.subject_ids),
                "technician_row": who.technician_row,
                "restricted": bool(ids & restricted_subjects(view)),
                "legal_hold": bool(ids & held_subjects(view)),
            },
            "rights": dict(RIGHTS),
            "automated_decisions": AUTOMATED_DECISIONS,
            "notes": list(NOTES),
        }

    def _parts(
        self, view: View, who: Person, incomplete: list[str], progress: Progress | None
    ) -> Iterator[tuple[str, Mapping[str, Any], Iterator[list[Row]]]]:
        copying = Copying(view, who, self.periods)
        archived = partial(self._archived, view, who, incomplete)
        for part in PARTS:
            moved: list[int] = []
            if part.name == "audit" and who.technician_row is not None:
                moved = [int(row["id"]) for page in archived("labels") for row in page]
            pages = copying.pages(part, moved)
            yield part.name, self._facts(part), self._told(part, pages, progress)
        notes = explained("labels", ("notes",), self.periods)["notes"]
        facts = {**self._facts(MENTIONED), "explained": {"text": notes}}
        yield MENTIONED.name, facts, self._told(MENTIONED, copying.mentions(), progress)
        facts = {**self._facts(FROZEN), "explained": self._frozen_explained()}
        yield (
            FROZEN.name,
            facts,
            self._told(FROZEN, self._in_versions(copying, incomplete), progress),
        )
        for kind, part in ARCHIVED.items():
            pages = copying.archived(part, archived(kind))
            yield part.name, self._facts(part, "archive"), self._told(part, pages, progress)

    def _archived(
        self, view: View, who: Person, incomplete: list[str], kind: str
    ) -> Iterator[list[Mapping[str, Any]]]:
        """Archived rows; why those of an archive cannot be read is added to `incomplete`."""
        for read in self.archived(view, who.technician_row, _called(who), kind):
            try:
                yield read()
            except IntegrityError as error:
                why = f"Archived labels are missing here: {error}"
                if why not in incomplete:
                    incomplete.append(why)

    def _in_versions(self, copying: Copying, incomplete: list[str]) -> Iterator[list[Row]]:
        """Data versions; why one cannot be read is added to `incomplete`."""
        try:
            for each in self.frozen(copying.view, copying.who.technician_row):
                yield [copying.contribution(each)]
        except IntegrityError as error:
            incomplete.append(f"Data versions are missing here: {error}")

    def _frozen_explained(self) -> dict[str, Any]:
        rows = explained(FROZEN.table, ("layers",), self.periods)["layers"]
        given = explained("dataset_exports", ("recipient",), self.periods)["recipient"]
        return {"rows": rows, "recipients": given}

    def _facts(self, part: Part, *further: str) -> dict[str, Any]:
        days = None if part.period is None else self.periods[part.period]
        counted = None if part.period is None else TYPES[part.period].since
        return {
            "table": part.table,
            "meaning": part.meaning,
            "kept_days": days,
            "kept_from": counted if days is not None else WHILE_IT_LIVES,
            "columns": [*further, *part.columns, *EXTRA.get(part.name, ()), "kept_until"],
            "explained": {}
            if part in {MENTIONED, FROZEN}
            else explained(part.table, part.columns, self.periods),
        }

    def _told(
        self, part: Part, pages: Iterator[list[Row]], progress: Progress | None
    ) -> Iterator[list[Row]]:
        done = 0
        for page in pages:
            yield page
            done += len(page)
            if progress is not None:
                progress(f"copying {part.name}", done, done)


def _called(who: Person) -> Called:
    return lambda name: name is not None and who.is_meant(name)
