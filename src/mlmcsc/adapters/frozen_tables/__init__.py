"""Opened versions: derived files that are memory-mapped, shared by processes, and never the record.

They lie in the folder of caches, which an erasure empties. What they hold was checked against the
version's signed root when they were written.
"""

from mlmcsc.adapters.frozen_tables.building import build
from mlmcsc.adapters.frozen_tables.matrix import FrozenMatrix, write_matrix
from mlmcsc.adapters.frozen_tables.pictures import Pictures
from mlmcsc.adapters.frozen_tables.selections import Selection, write_selection
from mlmcsc.adapters.frozen_tables.table import FrozenTable

__all__ = [
    "FrozenMatrix",
    "FrozenTable",
    "Pictures",
    "Selection",
    "build",
    "write_matrix",
    "write_selection",
]
