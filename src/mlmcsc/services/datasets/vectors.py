"""The feature vectors of a version: found, checked against its digest, laid out for reading."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.feature_matrix import FeatureMatrix
from mlmcsc.adapters.frozen_tables import FrozenMatrix, FrozenTable, write_matrix
from mlmcsc.adapters.frozen_tables.matrix import ABSENT, OVERLAY, Vectors, linkable
from mlmcsc.domain.records import VersionFeatureRecord
from mlmcsc.domain.versions.manifest import FrozenFeatures, Manifest
from mlmcsc.errors import AmbiguousError, IntegrityError, UnknownRecordError
from mlmcsc.store.queries import frozen_features
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

LiveMatrix = Callable[[str, str], FeatureMatrix | None]
"""Gives the up-to-date matrix of a live feature set; None where none is kept."""
TRIES = 3
PIECE = 1 << 13
EXACT = ("float16", "float32")
"""Formats that float32 holds exactly: the matrix tells what was stored."""
_HASHED = np.dtype([("image_id", "<i8"), ("sha256", "V32")])


def choose(manifest: Manifest, feature_type: str, extractor_version: str | None) -> FrozenFeatures:
    """The set of a version that is meant.

    Raises:
        UnknownRecordError: It holds no such vectors; the message lists what it holds.
        AmbiguousError: It holds them of several extractors; the message lists them.
    """
    of_type = [each for each in manifest.features if each.feature_type == feature_type]
    found = [each for each in of_type if extractor_version in {None, each.extractor_version}]
    if len(found) == 1:
        return found[0]
    if found:
        told = ", ".join(repr(each.extractor_version) for each in found)
        raise AmbiguousError(
            f"Version {manifest.version!r} holds {feature_type!r} features by several extractors: "
            f"{told}. Say which with extractor_version=."
        )
    known = ", ".join(f"{each.feature_type} {each.extractor_version}" for each in manifest.features)
    asked = f"{feature_type} {extractor_version}" if extractor_version else feature_type
    raise UnknownRecordError(
        f"Version {manifest.version!r} holds no {asked!r} features. It holds: {known or 'none'}."
    )


def place(table: FrozenTable, chosen: FrozenFeatures) -> Path:
    """Where the vectors of this set lie, opened."""
    name = f"{chosen.feature_type}\0{chosen.extractor_version}\0{chosen.digest}"
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
    ids = np.concatenate([table.image_ids, table.redacted])
    row_of = np.full(len(ids), ABSENT, dtype=np.int64)
    base = _base(matrix, table, held)
    beside = frozen_features.replaced(view, held)
    if matrix is not None and base is not None:
        row_of = matrix.rows_of(ids)
        row_of[np.isin(ids, frozen_features.later_images(view, held))] = ABSENT
    else:
        beside = _both(frozen_features.still_live(view, held), beside)
    rest = _Beside(ids)
    write_matrix(
        place(table, FrozenFeatures(**{n: getattr(held, n) for n in _NAMED})),
        held.feature_dimension,
        held.dtype,
        base,
        row_of,
        rest.vectors(beside),
        lambda written: _check(written, ids, row_of, rest.hashes, held),
    )


_NAMED = ("feature_type", "extractor_version", "feature_dimension", "dtype", "n_vectors", "digest")


def _base(
    matrix: FeatureMatrix | None, table: FrozenTable, held: VersionFeatureRecord
) -> tuple[Path, int] | None:
    """The live matrix' file, where it can serve."""
    if matrix is None or held.dtype not in EXACT or not matrix.rows:
        return None
    file = matrix.vectors_file
    return (file, matrix.rows) if linkable(file, table.folder) else None


def _both(first: Iterator[Any], second: Iterator[Any]) -> Iterator[Any]:
    yield from first
    yield from second


@dataclass(slots=True)
class _Beside:
    """Vectors from the database, sorted to the version's rows.

    Attributes:
        ids: Image ids of the rows; those of redacted rows last.
        hashes: SHA-256 of each vector that was handed out, in that order.
    """

    ids: NDArray[np.int64]
    hashes: list[bytes] = field(default_factory=list)

    def vectors(self, chunks: Iterable[Sequence[Any]]) -> Vectors:
        """Row numbers and raw vectors; those of images outside the version are passed over."""
        order = np.argsort(self.ids, kind="stable")
        ascending = self.ids[order]
        for chunk in chunks:
            wanted = np.fromiter((row[0] for row in chunk), np.int64, len(chunk))
            at = np.minimum(np.searchsorted(ascending, wanted), max(len(ascending) - 1, 0))
            mine = ascending[at] == wanted if len(ascending) else np.zeros(len(wanted), bool)
            raw = [row[1] for row, here in zip(chunk, mine.tolist(), strict=True) if here]
            self.hashes.extend(hashlib.sha256(vector).digest() for vector in raw)
            yield order[at[mine]], b"".join(raw)


def _check(
    written: FrozenMatrix,
    ids: NDArray[np.int64],
    row_of: NDArray[np.int64],
    hashes: Sequence[bytes],
    held: VersionFeatureRecord,
) -> None:
    """Refuse vectors that are not those of the version; see `FrozenFeatures.digest`."""
    order = np.argsort(ids, kind="stable")
    order = order[row_of[order] != ABSENT]
    stored = np.dtype(held.dtype).newbyteorder("<")
    digest, sha256 = hashlib.sha256(), hashlib.sha256
    for first in range(0, len(order), PIECE):
        rows = order[first : first + PIECE]
        vectors, _ = written.take(rows)
        raw = vectors.astype(stored, copy=False)
        told = np.empty(len(rows), _HASHED)
        told["image_id"] = ids[rows]
        fetched = (OVERLAY - row_of[rows]).tolist()  # its number among those of the database
        told["sha256"] = np.frombuffer(
            b"".join(
                hashes[at] if 0 <= at < len(hashes) else sha256(vector).digest()
                for at, vector in zip(fetched, raw, strict=True)
            ),
            "V32",
        )
        digest.update(told.tobytes())
    if (len(order), digest.hexdigest()) != (held.n_vectors, held.digest):
        raise IntegrityError(
            f"The {held.feature_type} {held.extractor_version} vectors ({len(order)}) are not "
            f"those that the version holds ({held.n_vectors}): they were changed past mlmcsc. "
            "Restore a backup."
        )
