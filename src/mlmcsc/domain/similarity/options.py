"""How a search for similar images is narrowed and measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from mlmcsc.domain.progress import Progress
from mlmcsc.domain.similarity.metrics import as_metric
from mlmcsc.domain.similarity.results import SimilarFilter
from mlmcsc.errors import UnknownKeywordError, ValidationError


class SearchOptions(TypedDict, total=False):
    """Keywords that every search takes; each may be left out.

    Attributes:
        extractor_version: Of which extractor; may be left out when only one is stored.
        metric: `cosine` (1 minus cosine, 0 to 2; the default), `l2` (Euclidean) or `dot` (the inner
            product with its sign changed); smaller is always more alike.
        where: Keywords of `get_images`, `min_label` and `max_label`; search only the images that
            fit. With `data_version`, specimen and label are those frozen, the other keywords look
            at the images as they are today.
        approximate: Search an HNSW index instead of all vectors. It is built when it is first
            needed and grows with the vectors; `recall` of the result says how good it is.
        data_version: Search the images of this frozen version (or tag), with the vectors frozen
            in it; rows that were redacted are left out.
        progress: Told how far the building of the index is.
    """

    extractor_version: str | None
    metric: str
    where: SimilarFilter | None
    approximate: bool
    data_version: str | None
    progress: Progress


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options that do not exist or make no sense.

    Raises:
        UnknownKeywordError: There is no such option.
        ValidationError: An unknown metric, `where` is no mapping, or `approximate` no bool.
    """
    unknown = sorted(set(options) - set(SearchOptions.__annotations__))
    if unknown:
        known = ", ".join(SearchOptions.__annotations__)
        raise UnknownKeywordError(f"{', '.join(unknown)}: not known here. Known: {known}.")
    as_metric(options.get("metric", "cosine"))
    check_flag("approximate", options.get("approximate", False))
    where = options.get("where")
    if where is not None and not isinstance(where, Mapping):
        raise ValidationError(
            f"where={where!r}: give a mapping such as {{'specimen_id': 'S1', 'min_label': 0.2}}."
        )


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False.

    Raises:
        ValidationError: Naming the value.
    """
    if not isinstance(value, bool):
        raise ValidationError(f"{name}={value!r}: give True or False.")
