"""Which feature set of a version is meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from mlmcsc.domain.records import VersionFeatureRecord
from mlmcsc.domain.versions.manifest import FrozenFeatures, Manifest
from mlmcsc.errors import AmbiguousError, IntegrityError, UnknownRecordError


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


def promised(
    chosen: FrozenFeatures, rows: Iterable[VersionFeatureRecord], version: str
) -> VersionFeatureRecord:
    """The row of `version_features` of a set, if it says what the signed manifest promises.

    Raises:
        IntegrityError: There is none, or it says something else.
    """
    names = [each.name for each in fields(FrozenFeatures)]
    for row in rows:
        if all(getattr(row, name) == getattr(chosen, name) for name in names):
            return row
    raise IntegrityError(
        f"The rows of version_features do not name the {chosen.feature_type} "
        f"{chosen.extractor_version} vectors ({chosen.n_vectors} of {chosen.feature_dimension} "
        f"{chosen.dtype}) that the manifest of {version!r} promises: they were changed past "
        "mlmcsc. Restore a backup."
    )
