"""Images that are alike: distances, ranking, groups of duplicates."""

from mlmcsc.domain.similarity.grouping import Grouping
from mlmcsc.domain.similarity.metrics import Metric, as_array, as_metric, as_queries, check_k
from mlmcsc.domain.similarity.options import SearchOptions, check_flag, check_options
from mlmcsc.domain.similarity.ranking import NOTHING, Nearest, nearest, recall
from mlmcsc.domain.similarity.results import (
    DuplicateGroup,
    DuplicateImage,
    DuplicateReport,
    SimilarFilter,
    SimilarImage,
    SimilarResult,
)

__all__ = [
    "NOTHING",
    "DuplicateGroup",
    "DuplicateImage",
    "DuplicateReport",
    "Grouping",
    "Metric",
    "Nearest",
    "SearchOptions",
    "SimilarFilter",
    "SimilarImage",
    "SimilarResult",
    "as_array",
    "as_metric",
    "as_queries",
    "check_flag",
    "check_k",
    "check_options",
    "nearest",
    "recall",
]
