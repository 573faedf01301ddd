"""The folder of frozen datasets: rows in Parquet files named by what is in them."""

from mlmcsc.adapters.versions.folder import VersionFolder
from mlmcsc.adapters.versions.leaves import Proof, leaves, root_of
from mlmcsc.adapters.versions.schema import ROWS, row_schema

__all__ = ["ROWS", "Proof", "VersionFolder", "leaves", "root_of", "row_schema"]
