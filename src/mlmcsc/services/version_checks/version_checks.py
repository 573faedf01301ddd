"""Dataset versions compared, proven, looked at and given back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.frozen_files import HOW
from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.attempts import repeated
from mlmcsc.domain.fields import Field, Kind
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
from mlmcsc.domain.versions.diff import Change, Changes, checked_change, histogram
from mlmcsc.domain.versions.differences import (
    Sample,
    VersionDiff,
    other_features,
    other_settings,
    sample_rows,
    transitions,
)
from mlmcsc.domain.versions.exports import RECIPIENT
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.domain.versions.manifest import Manifest, trusted
from mlmcsc.errors import IntegrityError, UnknownRecordError, ValidationError
from mlmcsc.services.version_checks.checking_out import CheckingOut
from mlmcsc.services.version_checks.comparing import changes_between
from mlmcsc.services.version_checks.image_files import Depth
from mlmcsc.services.version_checks.verifying import verify_version
from mlmcsc.services.version_checks.watching import status_since
from mlmcsc.store.queries import automatic_versions as automatic_queries
from mlmcsc.store.queries import version_checks as queries
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Store

SAMPLES = 20
PAGE = 20_000
"""Samples whose paths are looked up at once."""
MOST_SAMPLES = 100_000
"""In one result; `samples` streams any number."""
MOST_WORKERS = 256
_NAMES = Field("names", Kind.FLAG, "whether paths and annotations are given", required=True)
TRIES = 3
"""How often a version is read in which rows are redacted meanwhile."""


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
                split), `details` (content, specimen, boxes …) or `redacted`, which cannot be
                compared. The counts are of all.
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
        one, other = self._manifests(a, b)
        differences = found.differences()
        chosen = found.only(change).after(after_id, limit)
        more = len(found.only(change).after(int(chosen.ids[-1]), 1).ids) if len(chosen.ids) else 0
        return VersionDiff(
            old=a.version,
            new=b.version,
            old_rows=a.total_images or 0,
            new_rows=b.total_images or 0,
            **{each.value: found.count(each) for each in Change},
            settings=other_settings(one, other),
            features=other_features(one, other),
            mean_difference=float(differences.mean()) if len(differences) else None,
            histogram=histogram(differences),
            transitions=transitions(found, one.label_range, other.label_range),
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
        tries = TRIES
        while True:
            with self.db.read() as view:
                a, b = (version_queries.frozen(view, name) for name in (old, new))
            try:
                layers = (read_layers(record.layers) for record in (a, b))
                return a, b, changes_between(self.versions, *layers)
            except IntegrityError:
                tries -= 1
                if not tries or (self._now(a.version), self._now(b.version)) == (a, b):
                    raise

    def _manifests(self, *records: DataVersionRecord) -> list[Manifest]:
        with self.db.read() as view:
            key, verify = view.vault.public_key(view), view.vault.crypto.verify
        return [trusted(each.manifest, key, verify) for each in records]

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
        the Merkle root of all, the columns of `data_versions`, the event of its making and those
        of redactions, the images kept from deletion, the feature sets, and every image file. The
        audit trail itself is proven by `AuditTrail.verify`.

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
        depth = (Depth.DOUBTFUL if quick else Depth.CONTENT) if images else None
        tell, tries = progress or quiet, TRIES
        while True:
            try:
                record = self._promising(version)
            except (ValueError, TypeError) as error:  # JSON, or a time, that is none
                return _unreadable(version, error)
            found = verify_version(
                self.db, self.versions, record, tell, depth=depth, workers=workers
            )
            tries -= 1
            if found.intact or not tries or self._now(record.version) == record:
                return found

    def _promising(self, version: str) -> DataVersionRecord:
        with self.db.read() as view:
            record = version_queries.find(view, version)
            promised = record.manifest is not None or record.layers is not None
            return record if promised else version_queries.frozen(view, version)

    def _now(self, version: str) -> DataVersionRecord | None:
        """The version as it is by now, to see whether rows of it were redacted meanwhile."""
        try:
            with self.db.read() as view:
                return version_queries.find(view, version)
        except (ValueError, TypeError, UnknownRecordError):
            return None

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
            judged = automatic_queries.judged(view, record.id)
        to_next = None if self.auto_new_labels is None else self.auto_new_labels + judged
        return status_since(self.db, self.versions, record, events, to_next, began)

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
        names: bool = False,
        recipient: str | None = None,
        progress: Progress | None = None,
    ) -> Checkout:
        """A folder with the data exactly as of a version.

        It holds `labels.parquet` and `labels.csv`, the signed `manifest.json`, and
        `images/SPLIT/ID.ENDING`, each hashed where it lies then. An image whose own file has
        changed or vanished is taken from another path that has its content; where none has, it is
        listed in `missing.csv`. Rows of people whose data may not be processed (GDPR Art. 18) are
        left out and counted. The folder appears whole; it is listed among the exports, so that an
        erasure can name it.

        Args:
            version: Name or tag.
            target: A new or empty folder.
            images: `copy` (sharing blocks where the file system can), `hardlink`, `symlink`, or
                `none` for labels alone. What is written through a link changes the original.
            overwrite: Renew an earlier checkout there; unchanged copies in it are kept.
            splits: Only these of `train`, `val` and `test`.
            workers: Threads that copy.
            names: Give paths and annotations too, which may name people.
            recipient: To whom it goes; kept in the list of exports.
            progress: Called with the stage, and bytes done and in all.

        Raises:
            UnknownRecordError: There is no such version.
            UnsupportedError: It was recorded without its images.
            IntegrityError: Manifest or rows are not those that were frozen; nothing is written.
            ConflictError: The folder holds something else.
            ValidationError: It cannot be written, or another wrong argument.
            OvertakenError: Rows were redacted, or people restricted, each time it was tried.
        """
        _check_workers(workers)
        _NAMES.check(names)
        whom = RECIPIENT.check(recipient)
        if images not in {*HOW, "none"}:
            raise ValidationError(f"images={images!r}: must be one of {', '.join(HOW)}, none.")
        place, parts = Path(os.path.abspath(target)), _checked_splits(splits)

        def attempt() -> Checkout:
            work = CheckingOut(
                self.db,
                self.actor,
                self.versions,
                place,
                images,
                parts,
                workers,
                names,
                whom,
                progress or quiet,
            )
            return work.run(version, overwrite=overwrite)

        return repeated(attempt)


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


def _unreadable(version: str, error: Exception) -> VersionVerification:
    what = f"The row of this version holds a value that is none ({type(error).__name__})."
    finding = VersionFinding("columns", what, "data_versions")
    return VersionVerification(version, None, (finding,), 1, 0, 0, 0, 0, 0, 0, 0, 0.0)
