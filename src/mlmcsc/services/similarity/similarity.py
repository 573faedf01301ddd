"""Images that are like another, and images that are the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.contact_sheet import Tile, write_contact_sheet
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.similarity import (
    DuplicateReport,
    SearchOptions,
    SimilarResult,
    as_array,
    as_metric,
    as_queries,
    check_flag,
    check_k,
    check_options,
)
from mlmcsc.domain.versions.manifest import FrozenFeatures
from mlmcsc.errors import ImageFileError, UnknownRecordError, ValidationError
from mlmcsc.services.similarity import searching
from mlmcsc.services.similarity.duplicates import Alike, find_duplicates
from mlmcsc.services.similarity.scope import (
    MatrixOf,
    OpenVersion,
    Scope,
    only_fitting,
    open_scope,
    sets_of,
)
from mlmcsc.services.similarity.searching import Asked
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries import similarity as queries
from mlmcsc.store.queries.features import FeatureSet
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Similarity:
    """Search by feature vector and find duplicates, in one actor's name.

    Attributes:
        db: The database.
        actor: For whom.
        open_version: Gives the rows of a frozen version, opened once.
        matrix_of: Gives the memory-mapped matrix of a feature set.
        thumbnail: Gives a small picture of an image.
        label_range: Lowest and highest label.
    """

    db: Store
    actor: Actor
    open_version: OpenVersion
    matrix_of: MatrixOf
    thumbnail: Callable[[int], Path]
    label_range: tuple[float, float]

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
            k: How many, from 1 to the number of stored vectors; fewer come back only where
                `where` or redacted rows leave fewer.
            feature_type: Kind of feature; may be left out when the vectors of only one set have
                so many numbers.
            options: See `SearchOptions`.

        Raises:
            ValidationError: Another shape, numbers that are not finite, a zero vector with
                cosine, a wrong `k`, metric or filter.
            UnknownRecordError: No such features, or no such version; the message lists them.
            AmbiguousError: Several extractor versions are stored, or several sets fit a vector
                whose `feature_type` was left out; the message lists them.
            UnsupportedError: `approximate` without usearch (`pip install mlmcsc[ann]`).
        """
        given = as_array(vector)
        if given.ndim != 1:
            raise ValidationError(
                f"vector: got shape {given.shape}; give one vector, or several to search_many."
            )
        (result,) = self.search_many(given[None, :], k, feature_type=feature_type, **options)
        return result

    @requires(Permission.READ)
    def search_many(
        self,
        vectors: Any,
        k: int = 10,
        *,
        feature_type: str | None = None,
        **options: Unpack[SearchOptions],
    ) -> list[SimilarResult]:
        """As `search`, for many vectors at once, which is quicker for each.

        Args:
            vectors: Shape `(Q, D)`.
            k: See `search`, as for all others.
            feature_type: Kind of feature.
            options: See `SearchOptions`.

        Returns:
            Q results, in the order of the vectors.
        """
        check_options(options)
        given = as_array(vectors)
        if feature_type is None:
            meant = self._only_fitting(given, options)
            feature_type = meant.feature_type
            options["extractor_version"] = meant.extractor_version
        scope = self._scope(feature_type, options)
        metric = as_metric(options.get("metric", "cosine"))
        wanted = as_queries(given, scope.chosen.feature_dimension, metric)
        return self._run(scope, Asked(wanted, k, metric), options)

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
            k: See `search`, as for all others.
            feature_type: Kind of feature; may be left out when only one is stored.
            options: See `SearchOptions`.

        Raises:
            UnknownRecordError: There is no such image, or it has no such vector.
        """
        check_options(options)
        image_id = self.image_id(image)
        kind = self._only_type() if feature_type is None else feature_type
        scope = self._scope(kind, options)
        with self.db.read() as view:
            vector = scope.vector_of(view, image_id)
        metric = as_metric(options.get("metric", "cosine"))
        vectors = as_queries(vector[None, :], len(vector), metric)
        (result,) = self._run(scope, Asked(vectors, k, metric, without=image_id), options)
        return result

    @requires(Permission.READ)
    def image_id(self, image: int | str | os.PathLike[str]) -> int:
        """The id of the image that is meant: an id as it is, or the path of a stored file.

        Raises:
            UnknownRecordError: No image is stored under that path.
        """
        if isinstance(image, int):
            return image
        path = os.path.abspath(image)
        with self.db.read() as view:
            found = queries.image_at(view, path)
        if found is None:
            raise UnknownRecordError(
                f"{path} is not a stored image. Store it with `mlmcsc images ingest`, or name an "
                "image by its id."
            )
        return found

    @requires(Permission.READ)
    def duplicates(
        self,
        *,
        feature_type: str | None = None,
        extractor_version: str | None = None,
        max_distance: float = 0.02,
        perceptual: bool = True,
        approximate: bool = False,
        label_tolerance: float | None = None,
        data_version: str | None = None,
        progress: Progress = quiet,
    ) -> DuplicateReport:
        """Groups of images that look the same.

        Args:
            feature_type: Also compare features of this kind, every image with every other.
            extractor_version: May be left out when only one version is stored.
            max_distance: Features at most so far apart (1 minus cosine) count as the same.
            perceptual: Whether images with close fingerprints count as the same.
            approximate: Compare each image with its nearest by the index only; needed for more
                than `duplicates.ALL_PAIRS` vectors.
            label_tolerance: Labels of a group further apart disagree; left out, 5 % of the
                label range.
            data_version: Look at the images, vectors, labels and splits of this version.
            progress: Told how far it is.

        Raises:
            ValidationError: A wrong limit, nothing to compare, or too many vectors for all pairs.
            UnknownRecordError: No such features, or no such version.
            AmbiguousError: Several extractor versions are stored.
        """
        check_flag("perceptual", perceptual)
        check_flag("approximate", approximate)
        low, high = self.label_range
        tolerance = (high - low) * 0.05 if label_tolerance is None else label_tolerance
        alike = Alike.checked(max_distance, tolerance, perceptual=perceptual, kind=feature_type)
        scope = None
        if feature_type is not None:
            chosen: SearchOptions = {
                "extractor_version": extractor_version,
                "data_version": data_version,
            }
            scope = self._scope(feature_type, chosen)
        return find_duplicates(
            self.db,
            self.open_version,
            scope,
            alike,
            data_version,
            progress,
            approximate=approximate,
        )

    @requires(Permission.READ)
    def contact_sheet(
        self,
        result: SimilarResult,
        target: str | os.PathLike[str],
        *,
        image: int | None = None,
    ) -> Path:
        """Write the images of a result as one picture, nearest first, to look at.

        Args:
            result: What a search gave.
            target: Where to; `.jpg`, `.jpeg` or `.png`. An existing file is replaced.
            image: The id of the image that was searched for, shown first.

        Raises:
            ValidationError: Another suffix, or there is nothing to show.
            StoreError: It cannot be written.
        """
        tiles = []
        if image is not None:
            with self.db.read() as view:
                own = queries.facts_of(view, np.asarray([image])).get(image)
            known = [] if own is None else [_named(own.specimen_id, own.label)]
            tiles.append(self._tile(image, [f"searched: {image}", *known], marked=True))
        for each in result:
            first = f"{each.image_id}: {result.metric} {each.distance:.4g}"
            tiles.append(self._tile(each.image_id, [first, _named(each.specimen_id, each.label)]))
        return write_contact_sheet(tiles, Path(target))

    def _tile(self, image_id: int, lines: list[str], *, marked: bool = False) -> Tile:
        """A file that is gone is shown as such: the other pictures are still worth a look."""
        try:
            return Tile(self.thumbnail(image_id), tuple(lines), marked=marked)
        except ImageFileError:
            return Tile(None, tuple(lines), marked=marked)

    def _scope(self, feature_type: str, options: SearchOptions) -> Scope:
        return open_scope(
            self.db,
            self.open_version,
            self.matrix_of,
            feature_type,
            options.get("extractor_version"),
            options.get("data_version"),
        )

    def _run(self, scope: Scope, asked: Asked, options: SearchOptions) -> list[SimilarResult]:
        approximate = options.get("approximate", False)
        alone = asked.without is not None
        stored = scope.chosen.n_vectors - alone
        what = f"{'other ' if alone else ''}images with {scope.chosen.feature_type} vectors"
        check_k(asked.k, stored, what)
        frozen = scope.frozen is not None
        wanted = searching.check_where(options.get("where"), approximate=approximate, frozen=frozen)
        if not len(asked.queries):
            return []
        if approximate:
            return searching.approximately(self.db, scope, asked, options.get("progress", quiet))
        with self.db.read() as view:
            only = searching.images_that_fit(view, scope, wanted)
            narrowed = Asked(asked.queries, asked.k, asked.metric, only, asked.without)
            return searching.exactly(view, scope, narrowed)

    def _only_fitting(
        self, vectors: NDArray[Any], options: SearchOptions
    ) -> FeatureSet | FrozenFeatures:
        """The set whose vectors have as many numbers as these."""
        stored = sets_of(self.db, self.open_version, options.get("data_version"))
        return only_fitting(stored, vectors.shape, options.get("extractor_version"))

    def _only_type(self) -> str:
        with self.db.read() as view:
            kinds = sorted({each.feature_type for each in feature_queries.sets(view)})
        if len(kinds) == 1:
            return kinds[0]
        raise ValidationError(
            f"Say which feature_type is meant; stored are: {', '.join(kinds) or 'none'}."
        )


def _named(specimen_id: str | None, label: float | None) -> str:
    value = "no label" if label is None else f"label {label:.4g}"
    return f"{specimen_id or 'no specimen'}, {value}"
