"""Dataset versions compared, proven, looked at and given back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.frozen_files import HOW
from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.filters import check_page
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.checks import (
    Checkout,
    VersionFinding,
    VersionStatus,
    VersionVerification,
)
from mlmcsc.domain.versions.diff import (
    Change,
    Changes,
    Sample,
    VersionDiff,
    checked_change,
    histogram,
    sample_rows,
)
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.services.version_checks.checking_out import CheckingOut
from mlmcsc.services.version_checks.comparing import changes_between
from mlmcsc.services.version_checks.image_files import Depth
from mlmcsc.services.version_checks.verifying import Verifying
from mlmcsc.services.version_checks.watching import status_since
from mlmcsc.store.queries import version_checks as queries
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Store

SAMPLES = 20
PAGE = 20_000
"""Samples whose paths are looked up at once."""
MOST_SAMPLES = 100_000
"""In one result; `samples` streams any number."""
MOST_WORKERS = 256


@dataclass(frozen=True, slots=True)
class VersionChecks:
    """Compare, prove, watch and check out versions, in one actor's name.

    Attributes:
        db: The database.
        actor: In whose name.
        versions: Its folder of versions.
        auto_new_labels: Label changes that make the next version by themselves; None: none do.
    """

    db: Store
    actor: Actor
    versions: VersionFolder
    auto_new_labels: int | None

    @requires(Permission.READ)
    def diff(
        self,
        old: str,
        new: str,
        *,
        only: str | None = None,
        limit: int = SAMPLES,
        after_id: int = 0,
    ) -> VersionDiff:
        """What differs between two versions: counts, label differences, and samples by image id.

        Files that both versions share are read once, and no more of them than can differ.

        Args:
            old: Name or tag of one version.
            new: Name or tag of the other.
            only: Samples that changed so: `added`, `removed`, `relabelled`, `moved` (to another
                split) or `redacted`. The counts are of all.
            limit: Samples, 0 to 100,000; see `samples` for any number.
            after_id: Only samples with a higher image id, for the next page.

        Raises:
            UnknownRecordError: There is no such version.
            UnsupportedError: A version was recorded without its images.
            IntegrityError: A version's files are missing or damaged.
            ValidationError: Another wrong argument.
        """
        change = checked_change(only)
        check_page(after_id, max(limit, 1))
        if limit > MOST_SAMPLES:
            raise ValidationError(f"limit={limit}: at most {MOST_SAMPLES:,}; see samples().")
        a, b, found = self._compared(old, new)
        differences = found.differences()
        chosen = found.only(change).after(after_id, limit)
        more = len(found.only(change).after(int(chosen.ids[-1]), 1).ids) if len(chosen.ids) else 0
        return VersionDiff(
            old=a.version,
            new=b.version,
            old_rows=a.total_images or 0,
            new_rows=b.total_images or 0,
            added=found.count(Change.ADDED),
            removed=found.count(Change.REMOVED),
            relabelled=found.count(Change.RELABELLED),
            moved=found.count(Change.MOVED),
            redacted=found.count(Change.REDACTED),
            mean_difference=float(differences.mean()) if len(differences) else None,
            histogram=histogram(differences),
            samples=self._samples(chosen),
            next_after_id=int(chosen.ids[-1]) if more else None,
        )

    @requires(Permission.READ)
    def samples(
        self, old: str, new: str, *, only: str | None = None
    ) -> Iterator[tuple[Sample, ...]]:
        """All images that differ, by id, a page at a time; see `diff`."""
        found = self._compared(old, new)[2].only(checked_change(only))
        after_id = 0
        while len((page := found.after(after_id, PAGE)).ids):
            yield self._samples(page)
            after_id = int(page.ids[-1])

    def _compared(self, old: str, new: str) -> tuple[DataVersionRecord, DataVersionRecord, Changes]:
        with self.db.read() as view:
            a, b = (version_queries.frozen(view, name) for name in (old, new))
        layers = (read_layers(record.layers) for record in (a, b))
        return a, b, changes_between(self.versions, *layers)

    def _samples(self, chosen: Changes) -> tuple[Sample, ...]:
        with self.db.read() as view:
            return sample_rows(chosen, queries.paths(view, chosen.ids))

    @requires(Permission.READ)
    def verify(
        self,
        version: str,
        *,
        images: bool = True,
        quick: bool = False,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> VersionVerification:
        """Look again at everything that a version promised; whatever is wrong is a finding.

        Checked are the manifest's signature, its file, the files of rows, every row's leaf and
        the Merkle root of all, the columns of `data_versions`, redactions against the audit
        trail, the digests of feature sets, and every image file.

        Args:
            version: Name or tag.
            images: Whether to look at image files.
            quick: Do not read image files whose size and time have not changed.
            workers: Threads that read image files.
            progress: Called with the stage, what is done and what there is (bytes for images).

        Raises:
            UnknownRecordError: There is no such version.
            UnsupportedError: It was recorded without its images, so nothing was promised.
        """
        _check_workers(workers)
        began = time.perf_counter()
        try:
            with self.db.read() as view:
                record = version_queries.find(view, version)
                promised = record.manifest is not None or record.backup_checksum is not None
                if not promised:
                    record = version_queries.frozen(view, version)
        except (ValueError, TypeError) as error:  # JSON, or a time, that is none
            return _unreadable(version, error, began)
        work = Verifying(self.db, self.versions, record, progress or quiet)
        depth = Depth.DOUBTFUL if quick else Depth.CONTENT
        return work.run(images=images, depth=depth, workers=workers, began=began)

    @requires(Permission.READ)
    def status(self, version: str | None = None) -> VersionStatus:
        """What has happened since a version was made; image files are looked at, not read.

        Args:
            version: Name or tag; None: the newest.

        Raises:
            UnknownRecordError: There is no such version, or none at all.
            IntegrityError: Its files are missing or damaged.
        """
        began = time.perf_counter()
        with self.db.read() as view:
            name = queries.newest(view) if version is None else version
            if name is None:
                raise UnknownRecordError("There is no version yet. Make one: version create NAME.")
            record = version_queries.frozen(view, name)
            events = queries.since(view, record.id)
        return status_since(self.db, self.versions, record, events, self.auto_new_labels, began)

    @requires(Permission.TRAIN)
    def checkout(
        self,
        version: str,
        target: str | os.PathLike[str],
        *,
        images: str = "copy",
        overwrite: bool = False,
        splits: Sequence[str] | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> Checkout:
        """A folder with the data exactly as of a version.

        It holds `labels.parquet` and `labels.csv`, the signed `manifest.json`, and
        `images/SPLIT/ID_NAME`, each hashed while it is copied. An image whose own file has changed
        or vanished is taken from another path that has its content; where none has, it is listed
        in `missing.csv`. Rows of people whose data may not be processed (GDPR Art. 18) are left
        out and counted. The folder appears whole; the audit trail names it.

        Args:
            version: Name or tag.
            target: A new or empty folder.
            images: `copy` (sharing blocks where the file system can), `hardlink`, `symlink`, or
                `none` for labels alone. What is written through a link changes the original.
            overwrite: Renew an earlier checkout there; unchanged copies in it are kept.
            splits: Only these of `train`, `val` and `test`.
            workers: Threads that copy.
            progress: Called with the stage, and bytes done and in all.

        Raises:
            UnknownRecordError: There is no such version.
            UnsupportedError: It was recorded without its images.
            IntegrityError: Manifest or rows are not those that were frozen; nothing is written.
            ConflictError: The folder holds something else.
            ValidationError: It cannot be written, or another wrong argument.
        """
        _check_workers(workers)
        if images not in {*HOW, "none"}:
            raise ValidationError(f"images={images!r}: must be one of {', '.join(HOW)}, none.")
        work = CheckingOut(
            self.db,
            self.actor,
            self.versions,
            Path(os.path.abspath(target)),
            images,
            _checked_splits(splits),
            workers,
            progress or quiet,
        )
        return work.run(version, overwrite=overwrite)


def _check_workers(workers: int | None) -> None:
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise ValidationError(f"workers={workers}: must be from 1 to {MOST_WORKERS}.")


def _checked_splits(splits: Sequence[str] | None) -> tuple[Split, ...]:
    names = {split.name.lower(): split for split in Split}
    wanted = tuple(names) if splits is None else tuple(splits)
    unknown = [name for name in wanted if name not in names]
    if unknown or not wanted:
        raise ValidationError(f"splits={list(wanted)}: name some of {', '.join(names)}.")
    return tuple(sorted({names[name] for name in wanted}))


def _unreadable(version: str, error: Exception, began: float) -> VersionVerification:
    what = f"The row of this version holds a value that is none ({type(error).__name__})."
    finding = VersionFinding("columns", what, "data_versions")
    seconds = time.perf_counter() - began
    return VersionVerification(version, None, (finding,), 1, 0, 0, 0, 0, 0, 0, 0, seconds)
