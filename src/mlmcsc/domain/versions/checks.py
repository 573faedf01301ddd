"""What a look at a version, or a checkout of it, says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from mlmcsc.domain.records import Record

MOST_FINDINGS: Final = 1000
"""Findings that a report lists; more are counted."""

FROM_BACKUP: Final = "Restore the database and its folder of versions from a backup."


@dataclass(frozen=True, slots=True)
class VersionFinding(Record):
    """One thing that is not as it was frozen.

    Attributes:
        kind: `manifest`, `layer`, `row`, `root`, `columns`, `trail`, `redactions`, `kept`,
            `features` or `image`.
        what: What is wrong.
        where: The file, table or column.
        image_id: The image, where it is about one.
        repair: What to do.
    """

    kind: str
    what: str
    where: str
    image_id: int | None = None
    repair: str = FROM_BACKUP


@dataclass(slots=True)
class Findings:
    """What was found so far; beyond `MOST_FINDINGS` they are only counted."""

    listed: list[VersionFinding] = field(default_factory=list)
    count: int = 0

    def take(self, found: Iterable[VersionFinding]) -> None:
        """Note more."""
        for each in found:
            self.count += 1
            if len(self.listed) < MOST_FINDINGS:
                self.listed.append(each)


@dataclass(frozen=True, slots=True)
class VersionVerification(Record):
    """The result of `VersionChecks.verify`.

    Attributes:
        version: Which.
        root: The Merkle root that its manifest promises; None where that cannot be read.
        findings: What is wrong, at most 1,000.
        n_findings: How many there are.
        rows: Rows read.
        redacted: How many of them are redacted, as the audit trail tells.
        layers: Files of rows read.
        features: Feature sets compared.
        images: Image files looked at.
        images_read: How many of them were read and hashed.
        bytes_read: Bytes of rows and images read.
        seconds: How long it took.
    """

    version: str
    root: str | None
    findings: tuple[VersionFinding, ...]
    n_findings: int
    rows: int
    redacted: int
    layers: int
    features: int
    images: int
    images_read: int
    bytes_read: int
    seconds: float

    @property
    def intact(self) -> bool:
        """Whether all is as it was frozen."""
        return self.n_findings == 0


@dataclass(frozen=True, slots=True)
class VersionStatus(Record):
    """What has happened since a version was made.

    Attributes:
        version: Which.
        created_at: When it was made.
        rows: Images in it.
        new_labels: Labels stored since.
        changed_labels: Labels corrected or verified since.
        deleted_labels: Labels deleted since.
        new_images: Images stored since.
        deleted_images: Images deleted since.
        files: Image files of the version that were looked at.
        changed_files: Files with another size or time than when they were stored.
        missing_files: Files that are not there, nor at any other known path.
        next_auto_in: New or changed labels still to come before a version is made by itself;
            None where none will be.
        seconds: How long the look took.
    """

    version: str
    created_at: datetime
    rows: int
    new_labels: int
    changed_labels: int
    deleted_labels: int
    new_images: int
    deleted_images: int
    files: int
    changed_files: int
    missing_files: int
    next_auto_in: int | None
    seconds: float

    @property
    def changed(self) -> bool:
        """Whether the version's files, or the labels it was made from, are others by now."""
        since = (self.new_labels, self.changed_labels, self.deleted_labels, self.new_images)
        return any((*since, self.deleted_images, self.changed_files, self.missing_files))


@dataclass(frozen=True, slots=True)
class Missing(Record):
    """An image whose content is nowhere any more; nothing was put in its place."""

    image_id: int
    path: str
    content_hash: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Checkout(Record):
    """The result of `VersionChecks.checkout`.

    Attributes:
        version: Which.
        path: The folder.
        rows: Rows in `labels.csv` and `labels.parquet`.
        redacted: How many of them have no label any more.
        restricted: Rows left out, as a person's data may not be processed (GDPR Art. 18).
        images: Image files in the folder.
        kept: How many of them were there from an earlier checkout.
        bytes: Their size.
        missing: Images that are nowhere any more; also in `missing.csv`.
        seconds: How long it took.
    """

    version: str
    path: str
    rows: int
    redacted: int
    restricted: int
    images: int
    kept: int
    bytes: int
    missing: tuple[Missing, ...]
    seconds: float
