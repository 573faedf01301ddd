"""The file of rejected rows: what they said, where they stood and what is wrong with them."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import orjson

from mlmcsc.adapters.tabular.csv_cells import neutral
from mlmcsc.adapters.tabular.drafts import draft

LINE, REASON = "_line", "_reason"


class RejectedRows:
    """Collects rejected rows on disk, because there may be as many as the input has rows.

    Use as a context manager; `publish` writes the CSV file, once all columns are known.
    """

    def __init__(self) -> None:
        self.count = 0
        self._names: dict[str, None] = {}
        spool = tempfile.TemporaryFile(prefix="mlmcsc-rejected-")  # noqa: SIM115  # __exit__ closes it
        self._spool: IO[bytes] = spool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spool.close()

    def add(self, line: int, reason: str, values: Mapping[str, Any]) -> None:
        """Remember one row."""
        self.count += 1
        cells = {name: _cell(value) for name, value in values.items()}
        self._names.update(dict.fromkeys(cells))
        self._spool.write(orjson.dumps([line, reason, cells]) + b"\n")

    def publish(self, target: Path) -> None:
        """Write the file: every original column, `_line` and `_reason`."""
        names = [name for name in self._names if name not in {LINE, REASON}]
        self._spool.seek(0)
        with draft(target) as made:
            with made.path.open("w", encoding="utf-8", newline="") as handle:
                writer = csv.writer(handle)
                writer.writerow([*map(neutral, names), LINE, REASON])
                for raw in self._spool:
                    line, reason, cells = orjson.loads(raw)
                    row = [neutral(cells.get(name, "")) for name in names]
                    writer.writerow([*row, line, neutral(reason)])
            made.publish()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    option = orjson.OPT_SERIALIZE_NUMPY
    return orjson.dumps(value, option=option, default=str).decode()
