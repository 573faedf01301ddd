"""Tables as files: CSV, JSON Lines and Parquet, read and written in chunks."""

from mlmcsc.adapters.tabular.chunks import Broken, Chunk, Reader
from mlmcsc.adapters.tabular.csv_cells import neutral, plain
from mlmcsc.adapters.tabular.drafts import Draft, draft
from mlmcsc.adapters.tabular.formats import Format, file_sha256, format_of
from mlmcsc.adapters.tabular.reading import open_reader
from mlmcsc.adapters.tabular.rejects import RejectedRows
from mlmcsc.adapters.tabular.writing import write_table

__all__ = [
    "Broken",
    "Chunk",
    "Draft",
    "Format",
    "Reader",
    "RejectedRows",
    "draft",
    "file_sha256",
    "format_of",
    "neutral",
    "open_reader",
    "plain",
    "write_table",
]
