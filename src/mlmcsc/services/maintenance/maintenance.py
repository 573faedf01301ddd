"""`database validate`: look at everything, mend only what is safe to mend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.results import Finding, Repair
from mlmcsc.errors import StoreError
from mlmcsc.services.maintenance import caches
from mlmcsc.services.maintenance.files import Depth, look_at_files
from mlmcsc.services.maintenance.moves import with_moves
from mlmcsc.services.maintenance.places import Places
from mlmcsc.services.maintenance.progress import teller
from mlmcsc.services.maintenance.repairs import MENDS, Bench
from mlmcsc.services.maintenance.verdicts import OF_ALIASES, OF_IMAGES, file_findings
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.validation import files as file_queries
from mlmcsc.store.queries.validation import (
    relations,
    row_rules,
    rules,
    sequences,
    structure,
    vectors,
)
from mlmcsc.store.uow import Store

Step = Callable[[], list[Finding]]
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Validate and repair a database, in one actor's name."""

    db: Store
    actor: Actor
    label_range: tuple[float, float]
    places: Places

    @requires(Permission.READ)
    def validate(
        self, *, hash_files: bool = False, progress: Progress | None = None
    ) -> tuple[Finding, ...]:
        """Everything that is wrong with the database, its files and its caches; reads only.

        Args:
            hash_files: Whether the content of every image file is read and compared, and every
                number of every feature vector looked at.
            progress: Called with the stage (`tables`, `files`, `aliases`, `caches`), the steps
                done and the steps in all.

        Returns:
            The findings; empty when all is well. A finding whose `repair` is not None can be
            handed to `repair`.

        Raises:
            StoreError: The database cannot be read, although its own integrity check found
                nothing.
        """
        tell = progress or quiet
        with self.db.read() as view:
            found = structure.storage(view)
        with self.db.read() as view:
            drift, tables = structure.drift(view)
        damaged = bool(found)
        found += drift
        for step in self._steps(tables, hash_files=hash_files, tell=tell):
            try:
                found += step()
            except StoreError as error:
                if not damaged:
                    raise
                # Damaged pages fail one check; what the others find must still be told.
                told = f"A check could not be made, because the storage is damaged: {error}"
                found.append(Finding("not_checked", "database", (), 1, told))
        return tuple(found)

    def _steps(self, tables: frozenset[str], *, hash_files: bool, tell: Progress) -> Iterator[Step]:
        """The checks in order; those of tables that are not whole are left out."""
        of_tables = self._table_checks(tables)
        if hash_files and {"features", "feature_sets"} <= tables:
            of_tables.append(vectors.not_finite)
        for done, check in enumerate(of_tables, start=1):
            yield lambda check=check: self._ask(check)  # type: ignore[misc]  # bound now
            tell("tables", done, len(of_tables))
        if "images" in tables:
            depth = Depth.CONTENT if hash_files else Depth.STATUS
            yield lambda: self._image_files(depth, tell)
            if "image_aliases" in tables:
                yield lambda: self._alias_files(depth, tell)
        of_caches = self._cache_checks(tables)
        for done, step in enumerate(of_caches, start=1):
            yield step
            tell("caches", done, len(of_caches))

    def _table_checks(self, tables: frozenset[str]) -> list[Callable[[View], list[Finding]]]:
        clock, dialect = self.db.clock(), self.db.dialect
        every = row_rules.row_rules(tables, self.label_range, clock, dialect)
        checks: list[Callable[[View], list[Finding]]] = [
            lambda view: rules.broken_rules(view, every),
            lambda view: relations.orphans(view, tables),
            lambda view: relations.contradictions(view, tables),
            lambda view: sequences.findings(view, tables),
        ]
        if "settings" in tables:
            checks.append(structure.missing_settings)
        return checks

    def _ask(self, check: Callable[[View], list[Finding]]) -> list[Finding]:
        with self.db.read() as view:
            return check(view)

    def _image_files(self, depth: Depth, tell: Progress) -> list[Finding]:
        with self.db.read() as view:
            heard = teller(tell, "files", file_queries.counts(view)[0])
        seen = look_at_files(self.db, file_queries.image_files, depth, heard)
        followed = with_moves(self.db, seen, depth)
        return file_findings(followed, "images", OF_IMAGES, depth)

    def _alias_files(self, depth: Depth, tell: Progress) -> list[Finding]:
        with self.db.read() as view:
            heard = teller(tell, "aliases", file_queries.counts(view)[1])
        seen = look_at_files(self.db, file_queries.alias_files, depth, heard)
        return file_findings(seen, "image_aliases", OF_ALIASES, depth)

    def _cache_checks(self, tables: frozenset[str]) -> list[Step]:
        checks: list[Step] = []
        if {"features", "feature_sets"} <= tables:
            checks.append(lambda: caches.matrix_findings(self.db, self.places))
        if "images" in tables:
            checks.append(lambda: caches.thumbnail_findings(self.db, self.places))
            checks.append(lambda: caches.store_findings(self.db, self.places, self.db.clock()))
        return checks

    @requires(Permission.ADMINISTER)
    def repair(self, findings: Iterable[Finding], *, dry_run: bool = False) -> tuple[Repair, ...]:
        """Mend the findings that have a safe repair; the others are passed over.

        Counters, id sequences, file times after equal content, paths of moved files, missing
        file facts, stale aliases
        and derived caches are mended. No image and no measured value is ever changed or deleted.
        Each kind is one transaction with its audit event; what a finding says is looked up again
        first, so that nothing is mended that is no longer wrong.

        Args:
            findings: From `validate`.
            dry_run: Whether to say only what would be done.

        Raises:
            StoreError: The database cannot be written; repairs made before it stay.
        """
        wanted = {(f.check, f.table): f for f in findings if f.repair is not None}
        if dry_run:
            return tuple(_planned(finding) for finding in wanted.values())
        bench = Bench(self.db, self.actor, self.places)
        return tuple(_mend(bench, finding) for finding in wanted.values())


def _planned(finding: Finding) -> Repair:
    told = str(finding.repair)
    return Repair(finding.check, finding.table, finding.ids, finding.count, 0, told, done=False)


def _mend(bench: Bench, finding: Finding) -> Repair:
    outcome = MENDS[finding.check](bench, finding.table)
    told = str(finding.repair)
    if outcome.left:
        told += f"; {outcome.left} left alone: {outcome.why}"
    ids = tuple(outcome.ids[:SHOWN])
    return Repair(finding.check, finding.table, ids, outcome.count, outcome.left, told, done=True)
