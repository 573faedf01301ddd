"""The feature sets that a version holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.progress import Progress
from mlmcsc.domain.versions.manifest import FrozenFeatures
from mlmcsc.errors import OvertakenError
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries import freezing, version_writes
from mlmcsc.store.queries.features import FeatureSet
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

Pairs = tuple[tuple[str, str | None], ...]


class VectorsChangedError(OvertakenError):
    """Vectors were written after they were read."""


@dataclass(frozen=True, slots=True)
class Held:
    """A feature set as it was read.

    Attributes:
        of: The set.
        tokens: The names of its last writes.
        told: What the manifest says of it.
    """

    of: FeatureSet
    tokens: list[str]
    told: FrozenFeatures


def chosen_sets(view: View, wanted: Pairs | None) -> list[FeatureSet]:
    """The sets that are meant: all that there are for None.

    Raises:
        UnknownRecordError: There is no such set.
        AmbiguousError: A type is named of which there are several extractors.
    """
    if wanted is None:
        return feature_queries.sets(view)
    found = {each.id: each for each in (feature_queries.choose(view, *pair) for pair in wanted)}
    return list(found.values())


def read(
    view: View, wanted: Pairs | None, image_ids: NDArray[np.int64], progress: Progress
) -> list[Held]:
    """The sets with the digests of the version's vectors; of all sets those that have any."""
    held = []
    sets = chosen_sets(view, wanted)
    for number, each in enumerate(sets):
        progress(f"hashing {each.feature_type} {each.extractor_version}", number, len(sets))
        tokens = feature_queries.tokens(view, each)
        count, digest = freezing.feature_digest(view, each, image_ids)
        if count or wanted is not None:
            told = FrozenFeatures(
                each.feature_type,
                each.extractor_version,
                each.feature_dimension,
                each.dtype,
                count,
                digest,
            )
            held.append(Held(each, tokens, told))
    return sorted(held, key=lambda h: (h.told.feature_type, h.told.extractor_version))


def mark(tx: Transaction, held: Sequence[Held]) -> list[dict[str, Any]]:
    """Lock the sets and set a marker behind each; the rows of `version_features`.

    Raises:
        VectorsChangedError: A set was written to since it was read.
    """
    now = version_writes.lock_sets(tx, [each.of for each in held])
    for each in held:
        if now.get(each.of.id) != each.tokens:
            raise VectorsChangedError(
                f"{each.told.feature_type} vectors were written while the version was made."
            )
    markers = version_writes.markers(tx, len(held))
    return [
        each.told.to_dict() | {"marker": marker} for each, marker in zip(held, markers, strict=True)
    ]
