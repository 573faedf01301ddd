"""JSON Lines: one object per line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from mlmcsc.adapters.tabular.chunks import Broken, Chunk
from mlmcsc.adapters.tabular.formats import compression_of, open_packed, told_plainly

_BOM = b"\xef\xbb\xbf"


class JsonlReader:
    """Reads one JSON Lines file; keys may differ from line to line."""

    text = False
    json_text = False
    decimal_comma = False
    total = None

    def __init__(self, path: Path) -> None:
        self._path = path
        with told_plainly(path):
            self._open().close()

    def _open(self) -> Any:
        return open_packed(self._path, compression_of(self._path), "rb")

    def chunks(self, size: int) -> Iterator[Chunk]:
        """The rows, at most `size` at a time; a line that is no JSON object is broken.

        Raises:
            ValidationError: When the file cannot be read.
        """
        with told_plainly(self._path), self._open() as handle:
            numbered = enumerate(handle, 1)
            while lines := list(islice(numbered, size)):
                yield _chunk(lines)


def _chunk(lines: list[tuple[int, bytes]]) -> Chunk:
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    broken: list[Broken] = []
    for number, raw in lines:
        line = raw.removeprefix(_BOM).strip()
        if not line:
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            broken.append(Broken(number, f"not JSON: {error}.", {}))
            continue
        if isinstance(row, dict):
            rows.append(row)
            numbers.append(number)
        else:
            broken.append(Broken(number, f"is a {type(row).__name__}, not an object.", {}))
    names = dict.fromkeys(name for row in rows for name in row)
    return Chunk({name: [row.get(name) for row in rows] for name in names}, numbers, broken)
