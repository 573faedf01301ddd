"""JSON Lines: one object per line."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from mlmcsc.adapters.tabular.chunks import Broken, Chunk
from mlmcsc.adapters.tabular.formats import compression_of, open_packed, told_plainly
from mlmcsc.domain.columns import Column
from mlmcsc.errors import ValidationError

_BOM = b"\xef\xbb\xbf"
_KEY = re.compile(rb'"\s*:')
"""Ends every key; inside a text it may stand too, so there are at least as many as keys."""


class JsonlReader:
    """Reads one JSON Lines file; keys may differ from line to line."""

    text = False
    json_text = False
    decimal_comma = False
    total = None
    names = None

    def __init__(self, path: Path) -> None:
        self._path = path
        with told_plainly(path), self._open() as handle:
            mark = handle.read(2)
        if mark in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
            raise ValidationError(
                f"{path}: is UTF-16 text, JSON Lines are UTF-8. Convert it with iconv -f UTF-16 "
                "-t UTF-8."
            )

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
    blank = 0
    for number, raw in lines:
        line = raw.removeprefix(_BOM).strip()
        if not line:
            blank += 1
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            broken.append(Broken(number, f"not JSON: {error}.", {}))
            continue
        if not isinstance(row, dict):
            broken.append(Broken(number, f"is a {type(row).__name__}, not an object.", {}))
        elif (twice := _key_twice(line, row)) is not None:
            broken.append(Broken(number, f"the key {twice!r} stands twice in one object.", row))
        else:
            rows.append(row)
            numbers.append(number)
    names = dict.fromkeys(name for row in rows for name in row)
    columns: dict[str, Column] = {name: [row.get(name) for row in rows] for name in names}
    return Chunk(columns, numbers, broken, blank)


class _Twice(Exception):  # noqa: N818  # no error: it ends the reading of one line
    """Carries a key that stands twice."""


def _key_twice(line: bytes, row: dict[str, Any]) -> str | None:
    """A key that an object of the line has more than once, of which a reader would drop one."""
    if len(_KEY.findall(line)) == len(row):
        return None
    try:
        json.loads(line, object_pairs_hook=_once)
    except _Twice as found:
        return str(found)
    return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return made
