"""CSV as laboratories have it: UTF-8, or UTF-16 with its mark; comma, semicolon or tab."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import orjson

from mlmcsc.adapters.tabular.chunks import Broken, Chunk
from mlmcsc.adapters.tabular.csv_cells import plain
from mlmcsc.adapters.tabular.formats import compression_of, open_packed, told_plainly
from mlmcsc.errors import ValidationError

DELIMITERS = (",", ";", "\t")
LONGEST_CELL = 64 << 20
"""Characters: a vector of a million numbers fits, a quote that is never closed is found."""

_SEP_LINE = re.compile(r"sep=(.)\s*\Z", re.IGNORECASE)  # Excel's own first line
EXTRA = "_extra"
"""Name for cells beyond the header's width, in the file of rejected rows."""


class _Lines:
    """Lines of a file, remembering whether any held a NUL since last asked."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.nul_seen = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            if "\x00" in line:
                self.nul_seen = True
            yield line


class CsvReader:
    """Reads one CSV file."""

    text = True
    json_text = True
    total = None

    def __init__(self, path: Path, delimiter: str | None = None) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
        self._path = path
        self._skipped = 0
        self._encoding = _encoding(path)
        with told_plainly(path), self._open() as handle:
            first = handle.readline()
            told = _SEP_LINE.match(first)
            if told:
                self._skipped = 1
                delimiter = told.group(1) if delimiter is None else delimiter
                first = handle.readline()
        self._delimiter = _checked(_most_frequent(first) if delimiter is None else delimiter)
        self.decimal_comma = self._delimiter == ";"
        with told_plainly(path), self._open() as handle:
            self.names = self._rows(handle)[0]

    def _open(self) -> TextIO:
        packed = open_packed(self._path, compression_of(self._path), "rb")
        return io.TextIOWrapper(packed, encoding=self._encoding, newline="")

    def _rows(self, handle: TextIO) -> tuple[list[str], _Rows]:
        """The header, and the rows after it."""
        for _ in range(self._skipped):
            handle.readline()
        rows = _Rows(self._path, _Lines(handle), self._delimiter, self._skipped)
        return rows.header(), rows

    def chunks(self, size: int) -> Iterator[Chunk]:
        """The rows, at most `size` at a time; ragged rows and rows with NUL are broken.

        Raises:
            ValidationError: When the file is not UTF-8 (or marked UTF-16), or never closes a quote.
        """
        with told_plainly(self._path), self._open() as handle:
            names, rows = self._rows(handle)
            while True:
                chunk = rows.take(names, size)
                if not (chunk.lines or chunk.broken or chunk.blank):
                    return
                yield chunk


class _Rows:
    """The parsed rows of one pass over the file."""

    def __init__(self, path: Path, lines: _Lines, delimiter: str, skipped: int) -> None:
        self._path = path
        self._lines = lines
        self._skipped = skipped
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True)

    def header(self) -> list[str]:
        try:
            names = [name.strip() for name in next(self._reader, [])]
        except csv.Error as error:
            raise ValidationError(f"{self._path}: the header cannot be read: {error}.") from None
        if not any(names):
            raise ValidationError(f"{self._path}: is empty; its first line must name the columns.")
        if self._lines.nul_seen:
            raise ValidationError(
                f"{self._path}: the header holds NUL characters. If the file is UTF-16, save it as "
                "'CSV UTF-8', or convert it with iconv -f UTF-16LE -t UTF-8."
            )
        unnamed = [str(i) for i, name in enumerate(names, 1) if not name]
        twice = [name for name, count in Counter(names).items() if name and count > 1]
        if unnamed or twice:
            wrong = (
                f"column {', '.join(unnamed)} has no name" if unnamed else f"{twice} stand twice"
            )
            raise ValidationError(f"{self._path}: in the header {wrong}. Name each column once.")
        return names

    def take(self, names: list[str], size: int) -> Chunk:
        good: list[list[str]] = []
        numbers: list[int] = []
        broken: list[Broken] = []
        width = len(names)
        blank = 0
        self._lines.nul_seen = False
        while len(good) + len(broken) < size:
            begins = self._reader.line_num + 1 + self._skipped
            try:
                row = next(self._reader, None)
            except csv.Error as error:
                broken.append(self._malformed(begins, error))
                continue
            if row is None:
                break
            if not any(map(str.strip, row)):
                blank += 1
            elif len(row) == width:
                good.append(row)
                numbers.append(begins)
            else:
                broken.append(_ragged(begins, names, row))
        if self._lines.nul_seen:
            good, numbers = _without_nul(good, numbers, names, broken)
        columns = zip(*good, strict=True) if good else [()] * width
        unmarked = [[plain(c) if c[:1] == "'" else c for c in column] for column in columns]
        return Chunk(dict(zip(names, unmarked, strict=True)), numbers, broken, blank)

    def _malformed(self, line: int, error: csv.Error) -> Broken:
        if "end of data" in str(error) or "field limit" in str(error):
            raise ValidationError(
                f"{self._path}: a quote opened in line {line} is never closed. Close it; in a "
                'quoted cell a quote is written twice ("").'
            )
        return Broken(line, f"not CSV: {error}.", {})


def _checked(delimiter: str) -> str:
    if len(delimiter) != 1 or delimiter in '"\r\n\x00':
        raise ValidationError(
            f"delimiter={delimiter!r}: must be one character that stands between cells, such as "
            "';' or a tab."
        )
    return delimiter


def _encoding(path: Path) -> str:
    """UTF-8, unless the file begins with a mark of UTF-16: Excel's 'Unicode Text'."""
    with told_plainly(path), open_packed(path, compression_of(path), "rb") as data:
        mark = data.read(2)
    return "utf-16" if mark in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else "utf-8-sig"


def _most_frequent(header: str) -> str:
    """The separator that stands most often in the header, outside quotes; comma if none does."""
    outside = re.sub(r'"[^"]*"', "", header)
    return max(DELIMITERS, key=outside.count)


def _ragged(line: int, names: list[str], row: list[str]) -> Broken:
    values = dict(zip(names, row, strict=False))
    if len(row) > len(names):
        values[EXTRA] = orjson.dumps(row[len(names) :]).decode()
    return Broken(line, f"has {len(row)} cells, the header has {len(names)}.", values)


def _without_nul(
    rows: list[list[str]], numbers: list[int], names: list[str], broken: list[Broken]
) -> tuple[list[list[str]], list[int]]:
    good = []
    for number, row in zip(numbers, rows, strict=True):
        if any("\x00" in cell for cell in row):
            cells = [cell.replace("\x00", "\N{SYMBOL FOR NULL}") for cell in row]
            values = dict(zip(names, cells, strict=True))
            broken.append(Broken(number, "holds a NUL character; the file is damaged.", values))
        else:
            good.append((number, row))
    return [row for _, row in good], [number for number, _ in good]
