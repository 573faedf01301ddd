"""What the comparison of two versions tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mlmcsc.domain.records import Record
from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.diff import BITS, Bin, Change, Changes
from mlmcsc.domain.versions.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Sample(Record):
    """One image that differs.

    Attributes:
        image_id: The image.
        path: Where its file is now; None where the database does not know the image any more.
        changes: Names of what changed.
        old_label: In the old version; None where there is none, or it was redacted.
        new_label: In the new one, likewise.
        old_split: `train`, `val` or `test`; None where the image is not in the old version.
        new_split: Likewise.
    """

    image_id: int
    path: str | None
    changes: tuple[str, ...]
    old_label: float | None
    new_label: float | None
    old_split: str | None
    new_split: str | None


def sample_rows(found: Changes, paths: dict[int, str]) -> tuple[Sample, ...]:
    """The images that differ, as records."""
    columns = (
        found.ids,
        found.kinds,
        found.old_labels,
        found.new_labels,
        found.old_splits,
        found.new_splits,
    )
    return tuple(
        Sample(
            image_id,
            paths.get(image_id),
            tuple(change.value for change, bit in BITS.items() if kinds & bit),
            None if old_label != old_label else old_label,  # noqa: PLR0124  # NaN
            None if new_label != new_label else new_label,  # noqa: PLR0124  # NaN
            None if old_split < 0 else Split(old_split).name.lower(),
            None if new_split < 0 else Split(new_split).name.lower(),
        )
        for image_id, kinds, old_label, new_label, old_split, new_split in zip(
            *(column.tolist() for column in columns), strict=True
        )
    )


@dataclass(frozen=True, slots=True)
class Setting(Record):
    """Something that two versions were chosen or dealt out by in different ways."""

    name: str
    old: Any
    new: Any


SETTINGS: Final = (
    "label_policy",
    "group_by",
    "stratify",
    "seed",
    "ratios",
    "label_range",
    "filters",
)


def other_settings(old: Manifest, new: Manifest) -> tuple[Setting, ...]:
    """The settings that differ."""
    pairs = ((name, getattr(old, name), getattr(new, name)) for name in SETTINGS)
    return tuple(Setting(name, a, b) for name, a, b in pairs if a != b)


@dataclass(frozen=True, slots=True)
class OtherFeatures(Record):
    """A feature set that two versions do not both hold alike.

    Attributes:
        feature_type: Kind of feature.
        extractor_version: By which extractor.
        change: `added`, `removed`, or `changed`: other vectors.
        old_vectors: How many the old version holds.
        new_vectors: How many the new one holds.
    """

    feature_type: str
    extractor_version: str
    change: str
    old_vectors: int
    new_vectors: int


def other_features(old: Manifest, new: Manifest) -> tuple[OtherFeatures, ...]:
    """The feature sets that differ, by type and extractor."""
    before, after = (
        {(each.feature_type, each.extractor_version): each for each in manifest.features}
        for manifest in (old, new)
    )
    found = []
    for key in sorted(before.keys() | after.keys()):
        a, b = before.get(key), after.get(key)
        if a != b:
            change = "added" if a is None else "removed" if b is None else "changed"
            counts = (each.n_vectors if each else 0 for each in (a, b))
            found.append(OtherFeatures(*key, change, *counts))
    return tuple(found)


STEPS: Final = 10
"""Steps of the label range in a table of transitions."""


@dataclass(frozen=True, slots=True)
class Transitions(Record):
    """From where to where labels went.

    Attributes:
        edges: Bounds of the steps over the label range, 11 of them; the last step has both.
        counts: `counts[i][j]` relabelled images went from step i to step j.
    """

    edges: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]


def transitions(found: Changes, *ranges: tuple[float, float]) -> Transitions | None:
    """A table of all relabelled images; None where there is none.

    Args:
        found: What differs.
        ranges: The label ranges of both versions.
    """
    relabelled = found.only(Change.RELABELLED)
    if not len(relabelled.ids):
        return None
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    edges = np.linspace(low, high, STEPS + 1)
    # A step begins at its edge though the edge is no binary fraction: 0.3 is 0.30000000000000004.
    edges = np.round(edges, 12)
    counts, _, _ = np.histogram2d(relabelled.old_labels, relabelled.new_labels, bins=(edges, edges))
    rows = counts.astype(np.int64).tolist()
    return Transitions(tuple(edges.tolist()), tuple(tuple(row) for row in rows))


@dataclass(frozen=True, slots=True)
class VersionDiff(Record):
    """What differs between two versions.

    Attributes:
        old: Name of the one.
        new: Name of the other.
        old_rows: Images in the old one.
        new_rows: Images in the new one.
        added: Images in the new one only.
        removed: Images in the old one only.
        relabelled: Images in both, with another label.
        moved: Images in both, in another split.
        details: Images in both, with other content, path, specimen, size, annotation or boxes; or
            with the same label decided by other labels.
        redacted: Images in both that cannot be compared, as what one said was erased.
        settings: What they were chosen or dealt out by in different ways.
        features: Feature sets that they do not both hold alike.
        mean_difference: Mean of new minus old label over the relabelled; None for none.
        histogram: Those differences, in bins.
        transitions: From which labels to which; None for none.
        samples: The images that differ, by id: as many as were asked for.
        next_after_id: Where the next page of samples begins; None at the end.
    """

    old: str
    new: str
    old_rows: int
    new_rows: int
    added: int
    removed: int
    relabelled: int
    moved: int
    details: int
    redacted: int
    settings: tuple[Setting, ...]
    features: tuple[OtherFeatures, ...]
    mean_difference: float | None
    histogram: tuple[Bin, ...]
    transitions: Transitions | None
    samples: tuple[Sample, ...]
    next_after_id: int | None

    @property
    def identical(self) -> bool:
        """Whether nothing differs, and all could be compared."""
        images = self.added, self.removed, self.relabelled, self.moved, self.details, self.redacted
        return not any((*images, self.settings, self.features))
