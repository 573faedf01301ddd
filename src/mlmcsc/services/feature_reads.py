"""Reading many feature vectors for training, aligned with the ids that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.feature_matrix import MISSING, FeatureMatrix
from mlmcsc.adapters.matrix_cache import MatrixCache
from mlmcsc.config.logs import logger
from mlmcsc.domain.enums import Missing
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.vectors import as_float32
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries.features import FeatureSet
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

DIRECT_READ = 2_000
"""Up to so many vectors come from the table while no matrix is there: building one costs more."""
SHOWN = 10


@dataclass(frozen=True, slots=True)
class FeatureReads:
    """Read vectors in bulk, in one actor's name."""

    db: Store
    actor: Actor
    cache: MatrixCache

    @requires(Permission.TRAIN)
    def for_training(
        self,
        image_ids: Sequence[int] | NDArray[np.int64],
        feature_type: str,
        extractor_version: str | None = None,
        missing: Literal["error", "nan", "drop"] = "error",
    ) -> NDArray[np.float32]:
        """Vectors of many images, row i for `image_ids[i]`.

        Args:
            image_ids: Any number of ids, in any order, repeats allowed.
            feature_type: Kind of feature.
            extractor_version: May be left out when only one version is stored.
            missing: `error` refuses ids without a vector, `nan` gives rows of NaN, `drop`
                leaves them out (rows then no longer match ids; only asked for, never silent).

        Returns:
            Shape `(N, D)`, float32; `(0, 0)` for no ids where no such features are stored.

        Raises:
            UnknownRecordError: No such features, or (with `error`) ids that have none.
            AmbiguousError: Several extractor versions are stored; the message lists them.
            ValidationError: `image_ids` or `missing` is wrong.
        """
        ids = _as_ids(image_ids)
        policy = _as_policy(missing)
        with self.db.read() as view:
            if not len(ids) and not _candidates(view, feature_type, extractor_version):
                return np.empty((0, 0), dtype=np.float32)
            chosen = feature_queries.choose(view, feature_type, extractor_version)
            newest = feature_queries.tokens(view, chosen)[-1:]
            matrix = self._at_hand(chosen, newest, len(ids))
            if matrix is None:
                return _from_table(view, chosen, ids, policy)
        if [matrix.token] != newest and not self._refresh(matrix, chosen):
            with self.db.read() as view:
                return _from_table(view, chosen, ids, policy)
        return _from_matrix(matrix, chosen, ids, policy)

    @requires(Permission.TRAIN)
    def matrix_of(self, feature_type: str, extractor_version: str) -> FeatureMatrix | None:
        """The up-to-date matrix of a whole set; None where none is kept or nothing is stored."""
        with self.db.read() as view:
            if not _candidates(view, feature_type, extractor_version):
                return None
            chosen = feature_queries.choose(view, feature_type, extractor_version)
            newest = feature_queries.tokens(view, chosen)[-1:]
            matrix = self._at_hand(chosen, newest, chosen.n_vectors)
        if matrix is None or [matrix.token] == newest or self._refresh(matrix, chosen):
            return matrix
        return None

    def _at_hand(self, chosen: FeatureSet, newest: list[str], wanted: int) -> FeatureMatrix | None:
        """The set's matrix, fresh or not; None when the table is the better source."""
        if self.cache.root is None or not newest:
            return None
        ready = self.cache.matrices.get(chosen.id)
        if ready is not None and [ready.token] == newest:
            return ready
        # A new object: other threads may still be reading from the old one.
        matrix = FeatureMatrix(self.cache.root / f"set-{chosen.id}", chosen.feature_dimension)
        if not matrix.open() and wanted <= min(DIRECT_READ, chosen.n_vectors // 2):
            return None
        if [matrix.token] == newest:
            self.cache.matrices[chosen.id] = matrix
        return matrix

    def _refresh(self, matrix: FeatureMatrix, chosen: FeatureSet) -> bool:
        """Bring the matrix up to date; False where no matrix can be kept.

        The snapshot is taken under the builders' lock: it is never older than what they built.
        """
        try:
            with self.cache.lock, matrix.locked(), self.db.read() as view:
                _bring_up_to_date(view, matrix, chosen)
        except OSError as error:
            logger(__name__).warning("feature_matrix_unavailable", error=str(error))
            return False
        self.cache.matrices[chosen.id] = matrix
        return True


def _bring_up_to_date(view: View, matrix: FeatureMatrix, before: FeatureSet) -> None:
    chosen = feature_queries.choose(view, before.feature_type, before.extractor_version)
    known = feature_queries.tokens(view, chosen)
    usable = matrix.open()  # another process may have been faster
    if usable and matrix.token == known[-1]:
        return
    if usable and matrix.token in known:
        new = feature_queries.stream(view, chosen, after_id=matrix.last_id)
        if matrix.extend(new, chosen.dtype, known[-1], chosen.n_vectors):
            return
    # It is of another copy of the database, too far behind, or has vectors that were removed.
    matrix.rebuild(feature_queries.stream(view, chosen), chosen.dtype, known[-1])


def _from_matrix(
    matrix: FeatureMatrix, chosen: FeatureSet, ids: NDArray[np.int64], policy: Missing
) -> NDArray[np.float32]:
    rows = matrix.rows_of(ids)
    absent = rows == MISSING
    if not absent.any():
        return matrix.take(rows)
    _refuse_absent(ids[absent], chosen, policy)
    if policy is Missing.DROP:
        return matrix.take(rows[~absent])
    found = matrix.take(np.where(absent, 0, rows))
    found[absent] = np.nan
    return found


def _from_table(
    view: View, chosen: FeatureSet, ids: NDArray[np.int64], policy: Missing
) -> NDArray[np.float32]:
    raw = feature_queries.vectors(view, chosen, np.unique(ids))
    absent = np.asarray([i not in raw for i in ids.tolist()], dtype=bool)
    _refuse_absent(ids[absent], chosen, policy)
    found = _nan(ids, chosen)
    for row, image_id in enumerate(ids.tolist()):
        if image_id in raw:
            found[row] = as_float32(feature_queries.decode(raw[image_id], chosen.dtype))
    return found[~absent] if policy is Missing.DROP else found


def _nan(ids: NDArray[np.int64], chosen: FeatureSet) -> NDArray[np.float32]:
    return np.full((len(ids), chosen.feature_dimension), np.nan, dtype=np.float32)


def _candidates(view: View, feature_type: str, version: str | None) -> list[FeatureSet]:
    sets = feature_queries.sets(view, feature_type)
    return [s for s in sets if version in {None, s.extractor_version}]


def _as_ids(image_ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    array = np.asarray(image_ids)
    if array.size == 0:
        return np.empty(0, dtype=np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu" or array.min() < 1 or array.max() >= 2**63:
        raise ValidationError(
            f"image_ids: got shape {array.shape} of {array.dtype}; give a list of image ids."
        )
    return array.astype(np.int64, copy=False)


def _as_policy(missing: str) -> Missing:
    try:
        return Missing(missing)
    except ValueError:
        raise ValidationError(
            f"missing={missing!r}: must be one of {', '.join(Missing)}."
        ) from None


def _refuse_absent(ids: NDArray[np.int64], chosen: FeatureSet, policy: Missing) -> None:
    if policy is Missing.ERROR and len(ids):
        told = ", ".join(map(str, np.unique(ids)[:SHOWN].tolist()))
        raise UnknownRecordError(
            f"{len(np.unique(ids))} images have no {chosen.feature_type} "
            f"{chosen.extractor_version} vector, e.g. {told}. Extract them, or pass missing='nan' "
            "or missing='drop'."
        )
