"""Storing and listing feature vectors."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Protocol, Unpack

import numpy as np

from mlmcsc.domain.columns import Checked, Columns, read_input
from mlmcsc.domain.filters import FeatureFilter, check_listing
from mlmcsc.domain.keywords import FeatureDetails
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import FeatureRecord
from mlmcsc.domain.results import BulkResult, Page
from mlmcsc.domain.similarity import SearchOptions, SimilarResult
from mlmcsc.domain.tables import FEATURES
from mlmcsc.domain.vectors import Stored, check_dtype, encode_vectors
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.store.models import features, images
from mlmcsc.store.queries import batches, rows
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries.features import FeatureSet
from mlmcsc.store.uow import Store, Transaction


class Searching(Protocol):
    """What finds images by their vectors: `Similarity`."""

    def search(
        self,
        vector: Any,
        k: int = 10,
        *,
        feature_type: str | None = None,
        **options: Unpack[SearchOptions],
    ) -> SimilarResult:
        """The images nearest to a vector."""

    def similar(
        self,
        image: int | str | os.PathLike[str],
        k: int = 10,
        *,
        feature_type: str | None = None,
        **options: Unpack[SearchOptions],
    ) -> SimilarResult:
        """The images most like a stored one."""


@dataclass(frozen=True, slots=True)
class Features:
    """Store, list and search feature vectors, in one actor's name.

    Attributes:
        db: The database.
        actor: For whom.
        searching: Compares vectors.
    """

    db: Store
    actor: Actor
    searching: Searching

    @requires(Permission.PREDICT)
    def add(
        self,
        image_id: int,
        feature_type: str | None,
        feature_vector: Any,
        extractor_version: str | None,
        *,
        dtype: Stored = "float32",
        **details: Unpack[FeatureDetails],
    ) -> int:
        """Store one image's vector and return its id; an earlier one is replaced.

        Args:
            image_id: The image.
            feature_type: Kind of feature, e.g. `cnn`.
            feature_vector: Shape `(D,)`, finite numbers; every vector of a set has the same D.
            extractor_version: Version of the extractor.
            dtype: How the numbers are kept: float32, float16 or float64.
            **details: See `mlmcsc.domain.tables.FEATURES`.

        Raises:
            ValidationError: A value is wrong, or the dimension is not that of the set.
            UnknownRecordError: There is no such image.
        """
        row = FEATURES.check(
            {
                "image_id": image_id,
                "feature_type": feature_type,
                "extractor_version": extractor_version,
                "feature_vector": feature_vector,
                **details,
            }
        )
        with self.db.read() as view:
            if not rows.exists(view, images, row["image_id"]):
                raise UnknownRecordError(f"image {image_id} does not exist; nothing was stored.")
        result = self.add_many([row], dtype=dtype, on_error="collect")
        if result.rejected:
            raise ValidationError(f"{result.rejected[0].reason} Nothing was stored.")
        return int(result.ids[0])

    @requires(Permission.PREDICT)
    def add_many(
        self,
        data: Any = None,
        /,
        *,
        dtype: Stored = "float32",
        on_error: batches.OnError = "raise",
        **common: Any,
    ) -> BulkResult:
        """Store many vectors in one transaction; earlier ones of the same image are replaced.

        Args:
            data: Rows, a mapping of columns, a DataFrame, an Arrow table or a structured array
                with the fields of `mlmcsc.domain.tables.FEATURES`; as a column,
                `feature_vector` may be a matrix of shape `(N, D)`.
            dtype: How the numbers are kept: float32, float16 or float64.
            on_error: `raise` stores all rows or none; `collect` stores the good ones and returns
                the others with their reasons.
            **common: Arrays with a value per row, or one value for every row,
                e.g. `feature_type="cnn"`.

        Raises:
            RejectedRowsError: With `on_error="raise"`, when any row is wrong.
        """
        check_dtype(dtype)
        checked = read_input(FEATURES, data, common)
        if not checked.size:
            return BulkResult("features", 0, np.empty(0, dtype=np.int64))
        raw, dimensions = encode_vectors(checked.columns["feature_vector"], dtype, checked.rejected)
        checked.columns["feature_vector"] = raw
        checked.columns["feature_dimension"] = dimensions
        checked.columns["dtype"] = [dtype] * checked.size
        with self.db.write(self.actor) as tx:
            sets = _sets(tx, checked, dtype)
            parents = {"image_id": images}
            good = batches.settle(tx, features, checked, parents, on_error=on_error)
            replaced = _make_room(tx, sets, good)
            ids = batches.insert_batch(tx, features, good, replaced=replaced)
        return BulkResult("features", len(ids), ids, checked.rejections())

    def store(
        self,
        image_id: Any,
        feature_type: str | None = None,
        feature_vector: Any = None,
        extractor_version: str | None = None,
        **details: Any,
    ) -> int | BulkResult:
        """One door for `add` and `add_many`.

        Args:
            image_id: One id, an array of N ids, or whole rows (then the rest may be left out).
            feature_type: Kind of feature.
            feature_vector: Shape `(D,)` for one id, `(N, D)` for N ids.
            extractor_version: Version of the extractor.
            **details: See `add` and `add_many`.

        Returns:
            The vector's id for one image, a `BulkResult` for many.
        """
        if isinstance(image_id, Integral):
            one: Any = image_id  # `add` checks it: True is Integral, but no id
            return self.add(one, feature_type, feature_vector, extractor_version, **details)
        named = {"feature_type": feature_type, "extractor_version": extractor_version}
        details |= {name: value for name, value in named.items() if value is not None}
        if feature_vector is None:
            return self.add_many(image_id, **details)
        columns = {"image_id": image_id, "feature_vector": feature_vector}
        return self.add_many(columns, **details)

    @requires(Permission.READ)
    def list(
        self,
        image_id: int | None = None,
        *,
        after_id: int = 0,
        limit: int = 100,
        **wanted: Unpack[FeatureFilter],
    ) -> Page[FeatureRecord]:
        """Feature vectors by id, a page at a time."""
        found = check_listing(FeatureFilter, wanted, after_id, limit, image_id=image_id)
        with self.db.read() as view:
            return feature_queries.page(view, found, after_id=after_id, limit=limit)

    @requires(Permission.READ)
    def search(
        self,
        vector: Any,
        k: int = 10,
        *,
        feature_type: str | None = None,
        **options: Unpack[SearchOptions],
    ) -> SimilarResult:
        """The `k` images whose features are nearest to a vector.

        Args:
            vector: Shape `(D,)`, finite numbers.
            k: How many, from 1 to the number of stored vectors.
            feature_type: Kind of feature; may be left out when the vectors of only one set have
                so many numbers.
            options: See `mlmcsc.domain.similarity.SearchOptions`; for errors see
                `Similarity.search`.
        """
        return self.searching.search(vector, k, feature_type=feature_type, **options)

    @requires(Permission.READ)
    def similar(
        self,
        image: int | str | os.PathLike[str],
        k: int = 10,
        *,
        feature_type: str | None = None,
        **options: Unpack[SearchOptions],
    ) -> SimilarResult:
        """The `k` images most like a stored one; it is not among them.

        Args:
            image: Its id, or the path of its file.
            k: See `search`.
            feature_type: Kind of feature; may be left out when only one is stored.
            options: See `mlmcsc.domain.similarity.SearchOptions`; for errors see
                `Similarity.similar`.
        """
        return self.searching.similar(image, k, feature_type=feature_type, **options)

    @requires(Permission.READ)
    def sets(self) -> tuple[FeatureSet, ...]:
        """What kinds of feature there are: type, extractor version, dimension, count."""
        with self.db.read() as view:
            return tuple(feature_queries.sets(view))


def _by_set(columns: Columns) -> dict[tuple[str, str], list[int]]:
    """Row indices by (feature type, extractor version)."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    names = zip(columns["feature_type"], columns["extractor_version"], strict=True)
    for index, key in enumerate(names):
        found[key].append(index)
    return found


def _sets(tx: Transaction, checked: Checked, dtype: Stored) -> list[FeatureSet]:
    """The sets the rows belong to; rows that do not fit theirs are rejected."""
    sets = []
    named = _by_set(checked.columns)
    fit = {key: [i for i in every if i not in checked.rejected] for key, every in named.items()}
    # In one order for all writers: each set stays locked until its transaction ends.
    for (kind, version), good in sorted(item for item in fit.items() if item[1]):
        dimensions = checked.columns["feature_dimension"]
        chosen = feature_queries.ensure_set(tx, kind, version, int(dimensions[good[0]]), dtype)
        seen: set[int] = set()
        for i in good:
            image = int(checked.columns["image_id"][i])
            if dimensions[i] != chosen.feature_dimension or dtype != chosen.dtype:
                checked.rejected[i] = (
                    f"feature_vector: {dimensions[i]} numbers of {dtype}, but {kind} {version} has "
                    f"{chosen.feature_dimension} of {chosen.dtype}. Use a new extractor_version."
                )
            elif image in seen:
                checked.rejected[i] = f"image_id={image}: has two vectors in one call; keep one."
            seen.add(image)
        sets.append(chosen)
    return sets


def _make_room(tx: Transaction, sets: list[FeatureSet], good: Columns) -> dict[str, Any] | None:
    """Remove the vectors that new ones replace; what they were, for the audit trail."""
    members = _by_set(good)
    told = []
    for chosen in sets:
        index = members.get((chosen.feature_type, chosen.extractor_version), [])
        image_ids = np.asarray(good["image_id"], dtype=np.int64)[index]
        old = feature_queries.remove_vectors(tx, chosen, image_ids)
        feature_queries.grow(tx, chosen, len(index) - len(old.image_ids))
        if len(old.image_ids):
            told.append(
                {
                    "feature_type": chosen.feature_type,
                    "extractor_version": chosen.extractor_version,
                    "n_rows": len(old.image_ids),
                    "id_ranges": batches.id_ranges(old.ids),
                    "image_id_ranges": batches.id_ranges(old.image_ids),
                    "columns": ["id", "image_id", "feature_vector"],
                    "digest": old.digest,
                }
            )
    return {"replaced": told} if told else None
