"""A person's copy of their data as files: one JSON document, and a CSV file for each part."""

from __future__ import annotations

import csv
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.adapters.tabular import neutral
from mlmcsc.errors import ConflictError, ValidationError

Rows = list[dict[str, Any]]
Parts = Iterable[tuple[str, Mapping[str, Any], Iterable[Rows]]]
"""Name, what is said of the part (with `columns`), and its rows in pages."""

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


@dataclass(frozen=True, slots=True)
class CsvDraft:
    """A folder in the making beside its target.

    Attributes:
        path: Where to write.
        target: Where it will be.
    """

    path: Path
    target: Path

    def publish(self) -> None:
        """Put it in place, durably."""
        for file in self.path.iterdir():
            with file.open("rb+") as data:
                os.fsync(data.fileno())
        sync_folder(self.path)
        if self.target.is_dir():
            self.target.rmdir()  # it is empty: `csv_draft` has looked
        self.path.replace(self.target)
        sync_folder(self.target.parent)


@contextmanager
def csv_draft(target: Path) -> Iterator[CsvDraft]:
    """A private folder that appears whole or not at all.

    Raises:
        ConflictError: There is something at the target already.
        ValidationError: It cannot be made.
    """
    if os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir())):
        raise ConflictError(f"{target} exists and is no empty folder. Name another one.")
    path = target.with_name(f".mlmcsc-{secrets.token_hex(8)}.part")
    try:
        path.mkdir(mode=PRIVATE_FOLDER)
    except OSError as error:
        raise ValidationError(
            f"{target}: cannot be made: {error.strerror or error}. Name a folder in one that can "
            "be written."
        ) from error
    try:
        yield CsvDraft(path, target)
    finally:
        shutil.rmtree(path, ignore_errors=True)  # published, it is not there any more


def write_copy(
    path: Path,
    head: Mapping[str, Any],
    parts: Parts,
    incomplete: Sequence[str],
    folder: Path | None = None,
) -> dict[str, int]:
    """Write the document page by page, readable by its owner only.

    Args:
        path: The JSON file, which exists already.
        head: What stands before the parts.
        parts: The parts; each page is in memory alone.
        incomplete: What could not be read; complete when the parts are through.
        folder: Where CSV files go, too; a text that a spreadsheet program would take for a formula
            gets an apostrophe before it.

    Returns:
        Rows of each part.
    """
    path.chmod(PRIVATE_FILE)
    counts: dict[str, int] = {}
    with path.open("w", encoding="utf-8") as out:
        out.write(_text(head)[:-2] + ',\n "parts": {')
        for name, facts, pages in parts:
            out.write(",\n" if counts else "\n")
            out.write(f" {json.dumps(name)}: {_text(facts)[:-2]},\n")
            out.write('  "rows": [')
            counts[name] = _write_rows(out, facts["columns"], pages, _csv_file(folder, name))
            out.write(f'],\n  "n_rows": {counts[name]}}}')
        out.write(f'\n }},\n "counts": {_text(counts)},\n "incomplete": ')
        out.write(f"{_text(list(incomplete))}\n}}\n")
    return counts


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _csv_file(folder: Path | None, name: str) -> Path | None:
    return None if folder is None else folder / f"{name}.csv"


def _write_rows(
    out: IO[str], columns: Sequence[str], pages: Iterable[Rows], csv_file: Path | None
) -> int:
    count = 0
    with ExitStack() as stack:
        table = None
        for rows in pages:
            for row in rows:
                out.write(",\n   " if count else "\n   ")
                out.write(json.dumps(row, ensure_ascii=False))
                if csv_file is not None:
                    table = table or _open_table(stack, csv_file, columns)
                    table.writerow([_cell(row[name]) for name in columns])
                count += 1
    return count


def _open_table(stack: ExitStack, path: Path, columns: Sequence[str]) -> Any:
    path.touch(mode=PRIVATE_FILE)
    writer = csv.writer(stack.enter_context(path.open("w", encoding="utf-8", newline="")))
    writer.writerow(columns)
    return writer


def _cell(value: Any) -> Any:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return neutral(value)
        case dict() | list():
            return neutral(json.dumps(value, ensure_ascii=False))
    return value
