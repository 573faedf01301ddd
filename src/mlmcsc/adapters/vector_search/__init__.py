"""Searching vectors: exactly by blocks, approximately by an index, all near pairs."""

from mlmcsc.adapters.vector_search.approximate import ApproximateIndex
from mlmcsc.adapters.vector_search.exact import search_exact
from mlmcsc.adapters.vector_search.pairs import tie_close
from mlmcsc.adapters.vector_search.vectors import Vectors, in_memory, of_matrix

__all__ = [
    "ApproximateIndex",
    "Vectors",
    "in_memory",
    "of_matrix",
    "search_exact",
    "tie_close",
]
