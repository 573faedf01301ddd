"""The archive folder: signed Parquet files, made whole or not at all."""

from mlmcsc.adapters.archives.folder import ArchiveFolder
from mlmcsc.adapters.archives.parquet import find_rows, read_rows, write_rows

__all__ = ["ArchiveFolder", "find_rows", "read_rows", "write_rows"]
