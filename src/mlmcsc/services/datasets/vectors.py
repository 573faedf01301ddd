"""The feature vectors of a version: found, checked against its digest, laid out for reading."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.feature_matrix import FeatureMatrix
from mlmcsc.adapters.frozen_tables import FrozenMatrix, FrozenTable, write_matrix
from mlmcsc.adapters.frozen_tables.matrix import ABSENT, OVERLAY, Vectors, linkable
from mlmcsc.domain.records import VersionFeatureRecord
from mlmcsc.domain.versions.digests import VectorDigest
from mlmcsc.domain.versions.manifest import FrozenFeatures
from mlmcsc.errors import IntegrityError
from mlmcsc.store.queries import frozen_features
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

LiveMatrix = Callable[[str, str], FeatureMatrix | None]
"""Gives the up-to-date matrix of a live feature set; None where none is kept."""
TRIES = 3
PIECE = 1 << 13
EXACT = ("float16", "float32")
"""Formats that float32 holds exactly: the matrix tells what was stored."""


def place(table: FrozenTable, chosen: FrozenFeatures) -> Path:
    """Where the vectors of this set lie, opened."""
    name = "\0".join(str(each) for each in astuple(chosen))
    return table.folder / f"features-{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def lay_out(db: Store, live: LiveMatrix, table: FrozenTable, held: VersionFeatureRecord) -> None:
    """Write the files of the set `held`, checked against its digest.

    Raises:
        IntegrityError: The vectors are not those that the version promises.
    """
    for attempt in range(1, TRIES + 1):
        matrix = live(held.feature_type, held.extractor_version)
        try:
            with db.read() as view:
                return _lay_out(view, matrix, table, held)
        except IntegrityError:
            if attempt == TRIES:  # else: vectors were replaced between matrix and snapshot
                raise
    return None


def _lay_out(
    view: View, matrix: FeatureMatrix | None, table: FrozenTable, held: VersionFeatureRecord
) -> None:
    # Vectors of redacted rows are laid behind the others: the digest covers them.
    images = _Images.of(table)
    ids = images.ids
    base = _base(matrix, table, held)
    beside = frozen_features.replaced(view, held)
    if matrix is not None and base is not None:
        row_of = matrix.rows_of(ids)
        later = frozen_features.later_images(view, held)
        for first in range(0, len(ids) if len(later) else 0, PIECE):
            part = slice(first, first + PIECE)
            row_of[part][np.isin(ids[part], later)] = ABSENT
    else:
        row_of = np.full(len(ids), ABSENT, dtype=np.int64)
        beside = _both(frozen_features.still_live(view, held), beside)
    rest = _Beside(images)
    write_matrix(
        place(table, FrozenFeatures(**{n: getattr(held, n) for n in _NAMED})),
        held.feature_dimension,
        held.dtype,
        base,
        row_of,
        rest.vectors(beside),
        lambda written: _check(written, images, row_of, rest.hashes, held),
    )


_NAMED = ("feature_type", "extractor_version", "feature_dimension", "dtype", "n_vectors", "digest")


def _base(
    matrix: FeatureMatrix | None, table: FrozenTable, held: VersionFeatureRecord
) -> tuple[Path, int] | None:
    """The live matrix' file, where it can serve."""
    if matrix is None or held.dtype not in EXACT or not matrix.rows:
        return None
    if matrix.vectors.shape[1] != held.feature_dimension:
        return None
    file = matrix.vectors_file
    return (file, matrix.rows) if linkable(file, table.folder) else None


def _both(first: Iterator[Any], second: Iterator[Any]) -> Iterator[Any]:
    yield from first
    yield from second


@dataclass(frozen=True, slots=True)
class _Images:
    """The images of a version's rows; those of redacted rows last.

    Attributes:
        ids: int64, shape (N,); the mapped file itself where nothing was redacted.
        order: Their places by ascending id; None where they ascend already.
    """

    ids: NDArray[np.int64]
    order: NDArray[np.int64] | None

    @classmethod
    def of(cls, table: FrozenTable) -> _Images:
        if not len(table.redacted):
            return cls(table.image_ids, None)
        ids = np.concatenate([table.image_ids, table.redacted])
        return cls(ids, np.argsort(ids, kind="stable"))

    def pieces(self) -> Iterator[NDArray[np.int64]]:
        """All places by ascending id, some at a time."""
        for first in range(0, len(self.ids), PIECE):
            last = min(first + PIECE, len(self.ids))
            yield np.arange(first, last) if self.order is None else self.order[first:last]

    def places(self, wanted: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where the images that are among these are, and which of `wanted` they are."""
        if not len(self.ids):
            return np.empty(0, np.int64), np.zeros(len(wanted), bool)
        at = np.searchsorted(self.ids, wanted, sorter=self.order)
        at = np.minimum(at, len(self.ids) - 1)
        at = at if self.order is None else self.order[at]
        mine = np.asarray(self.ids[at] == wanted)
        return at[mine], mine


@dataclass(slots=True)
class _Beside:
    """Vectors from the database, sorted to the version's rows.

    Attributes:
        images: Of the rows.
        hashes: SHA-256 of each vector that was handed out, one behind the other.
    """

    images: _Images
    hashes: bytearray = field(default_factory=bytearray)

    def vectors(self, chunks: Iterable[Sequence[Any]]) -> Vectors:
        """Row numbers and raw vectors; those of images outside the version are passed over."""
        for chunk in chunks:
            wanted = np.fromiter((row[0] for row in chunk), np.int64, len(chunk))
            places, mine = self.images.places(wanted)
            raw = [row[1] for row, here in zip(chunk, mine.tolist(), strict=True) if here]
            for vector in raw:
                self.hashes += hashlib.sha256(vector).digest()
            yield places, b"".join(raw)


def _check(
    written: FrozenMatrix,
    images: _Images,
    row_of: NDArray[np.int64],
    hashes: bytearray,
    held: VersionFeatureRecord,
) -> None:
    """Refuse vectors that are not those of the version; see `FrozenFeatures.digest`."""
    stored = np.dtype(held.dtype).newbyteorder("<")
    digest = VectorDigest()
    fetched = np.frombuffer(hashes, "V32")
    for every in images.pieces():
        rows = every[row_of[every] != ABSENT]
        hashes_of = np.empty(len(rows), "V32")
        number = OVERLAY - row_of[rows]  # among those of the database
        known = (number >= 0) & (number < len(fetched))
        hashes_of[known] = fetched[number[known]]
        vectors, _ = written.take(rows[~known])
        raw = vectors.astype(stored, copy=False)
        hashes_of[~known] = np.frombuffer(
            b"".join(hashlib.sha256(vector).digest() for vector in raw), "V32"
        )
        digest.add(images.ids[rows], hashes_of.tolist())
    if (digest.count, digest.hexdigest()) != (held.n_vectors, held.digest):
        raise IntegrityError(
            f"The {held.feature_type} {held.extractor_version} vectors ({digest.count}) are not "
            f"those that the version holds ({held.n_vectors}): they were changed past mlmcsc. "
            "Restore a backup."
        )
