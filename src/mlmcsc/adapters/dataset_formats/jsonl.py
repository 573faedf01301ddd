"""JSON Lines: an object a line, in UTF-8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from mlmcsc.adapters.dataset_formats.tables import Tables


class JsonlSheet:
    """Rows in a JSON Lines file.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._out = path.open("wb")

    def add(self, record: dict[str, Any]) -> None:
        """Write a row."""
        self._out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Write what is left."""
        self._out.close()


class Jsonl(Tables):
    """`train.jsonl`, `val.jsonl`, `test.jsonl`."""

    ending = "jsonl"
    mime = "application/jsonlines"

    def sheet(self, path: Path) -> JsonlSheet:
        """Begin a table."""
        return JsonlSheet(path)
