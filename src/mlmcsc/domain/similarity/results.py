"""What a search for similar images, and one for duplicates, gives back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from mlmcsc.domain.filters import ImageFilter
from mlmcsc.domain.records import Record


class SimilarFilter(ImageFilter, total=False):
    """What `where` narrows a search by; the keywords of `get_images`, and a range of labels."""

    min_label: float
    max_label: float


@dataclass(frozen=True, slots=True)
class SimilarImage(Record):
    """One neighbour.

    Attributes:
        image_id: The image.
        distance: From the query, in the metric of the search; smaller is more alike.
        path: Where its file lies.
        specimen_id: Its specimen.
        label: Its label stored last, or the one that the data version holds; None without any.
    """

    image_id: int
    distance: float
    path: str
    specimen_id: str | None
    label: float | None


@dataclass(frozen=True, slots=True)
class SimilarResult(Record, Sequence[SimilarImage]):
    """The images most like a query, nearest first; of equally near ones the lowest id first.

    Attributes:
        items: The images.
        feature_type: Kind of feature that was compared.
        extractor_version: By which extractor.
        metric: `cosine`, `l2` or `dot`.
        searched: How many vectors the answer was chosen from.
        no_direction: Zero vectors, which have no cosine and were left out.
        exact: Whether these are the nearest for certain.
        recall: Of an approximate search, the share of the true k nearest that this index finds,
            0 to 1, measured on a sample of stored vectors; None for an exact one.
        data_version: The frozen version that was searched; None for the images of today.
    """

    items: tuple[SimilarImage, ...]
    feature_type: str
    extractor_version: str
    metric: str
    searched: int
    no_direction: int
    exact: bool
    recall: float | None
    data_version: str | None

    @overload
    def __getitem__(self, index: int) -> SimilarImage: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SimilarImage]: ...
    def __getitem__(self, index: int | slice) -> SimilarImage | Sequence[SimilarImage]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[SimilarImage]:
        return iter(self.items)


@dataclass(frozen=True, slots=True)
class DuplicateImage(Record):
    """One image of a group of duplicates.

    Attributes:
        image_id: The image.
        path: Where its file lies.
        specimen_id: Its specimen.
        label: Its label; see `SimilarImage`.
        split: `train`, `val` or `test` in the data version; None without one.
        bits: Fingerprint bits, of 256, that differ from the first image of the group; None where
            one of the two has no fingerprint.
        distance: Of its features from those of the first image; None where one has none.
    """

    image_id: int
    path: str
    specimen_id: str | None
    label: float | None
    split: str | None
    bits: int | None
    distance: float | None


@dataclass(frozen=True, slots=True)
class DuplicateGroup(Record):
    """Images that look the same, directly or through a chain.

    Attributes:
        images: Its members, ascending by id.
        found_by: What ties them together: `fingerprint`, `features` or both.
        specimens: The specimens of the members, sorted.
        label_spread: Largest label minus smallest; None with fewer than two labels.
        labels_disagree: Whether that is more than the tolerance.
        straddles: Whether members are in different splits of the data version; None without one.
    """

    images: tuple[DuplicateImage, ...]
    found_by: tuple[str, ...]
    specimens: tuple[str, ...]
    label_spread: float | None
    labels_disagree: bool
    straddles: bool | None


@dataclass(frozen=True, slots=True)
class DuplicateReport(Record):
    """Every group of duplicates, ordered by its lowest image id.

    Attributes:
        groups: The groups.
        compared: How many vectors were compared with each other; 0 without `feature_type`.
        exact: Whether every pair of them was; else their nearest by the approximate index.
        feature_type: Kind of feature; None where only fingerprints were looked at.
        extractor_version: By which extractor.
        max_distance: Features at most so far apart count as the same.
        label_tolerance: Labels further apart disagree.
        data_version: The frozen version that was looked at; None for the images of today.
    """

    groups: tuple[DuplicateGroup, ...]
    compared: int
    exact: bool
    feature_type: str | None
    extractor_version: str | None
    max_distance: float
    label_tolerance: float
    data_version: str | None
