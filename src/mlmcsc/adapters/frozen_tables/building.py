"""Writing a version's rows as files that can be mapped, a batch at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from mlmcsc.adapters.frozen_tables.drafts import drafted, seal
from mlmcsc.adapters.versions import ROWS, root_of, row_schema
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import IntegrityError

PRIVATE: Final = ("state", "salt", "leaf")
"""Columns that prove rows; nobody trains on them."""
RAW: Final = {"image_id": "image_ids.i64", "label": "labels.f64", "split": "splits.i8"}
PEOPLE: Final = "technicians.i64"
REDACTED: Final = "redacted.i64"
ROWS_FILE: Final = "rows.arrow"
OTHERS: Final = (PEOPLE, REDACTED, ROWS_FILE)
STORED: Final = {"image_id": "<i8", "label": "<f8", "split": "i1"}


def build(target: Path, batches: Iterable[Any], root: str, n_rows: int) -> None:
    """Write a version's rows, if they are what its signed root says.

    Args:
        target: The folder, named by version, root and layers; siblings of the same version, which
            hold what was redacted since, are removed.
        batches: The version's merged rows with every column, ascending by image id.
        root: Merkle root (hex) of the signed manifest.
        n_rows: Rows of the signed manifest.

    Raises:
        IntegrityError: The rows are others than those that were frozen.
        StoreError: The cache cannot be written.
    """
    with drafted(target) as draft:
        if draft is None:
            return
        with ExitStack() as files:
            writer = _Writer(draft, files)
            found, seen, redacted = root_of(writer.taking(batches))
            writer.finish()
        if (found, seen) != (root, n_rows):
            raise IntegrityError(
                f"The rows of this version ({seen}, root {found}) are not those that were frozen "
                f"({n_rows}, root {root}): a file was changed past mlmcsc. Restore the folder of "
                "versions from a backup."
            )
        facts = {"rows": writer.rows, "redacted": redacted, "pairs": writer.pairs}
        seal(draft, facts, [*RAW.values(), *OTHERS])
    version, _, _ = target.name.partition("-")
    for other in target.parent.glob(f"{version}-*"):
        if other != target and other.is_dir():
            shutil.rmtree(other, ignore_errors=True)


class _Writer:
    """The open files of a draft."""

    def __init__(self, draft: Path, files: ExitStack) -> None:
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

        def opened(name: str) -> BinaryIO:
            return files.enter_context((draft / name).open("xb", buffering=1 << 20))

        self.rows = self.pairs = 0
        self._schema = pa.schema([f for f in row_schema() if f.name not in PRIVATE])
        self._raw = {name: opened(file) for name, file in RAW.items()}
        self._people, self._redacted = opened(PEOPLE), opened(REDACTED)
        table = opened(ROWS_FILE)
        self._arrow = files.enter_context(pa.ipc.new_file(table, self._schema))
        self._waiting: list[Any] = []
        self._waits = 0

    def taking(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Write each batch and pass it on."""
        for batch in batches:
            self._take(batch)
            yield batch

    def _take(self, batch: Any) -> None:
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

        present = batch.column("state").to_numpy() == State.PRESENT
        if not present.all():
            gone = batch.column("image_id").to_numpy()[~present]
            self._redacted.write(gone.astype("<i8").tobytes())
            batch = batch.filter(pa.array(present))
        batch = batch.select(self._schema.names)
        for name, file in self._raw.items():
            file.write(batch.column(name).to_numpy().astype(STORED[name], copy=False).tobytes())
        self._note_people(batch.column("technician_ids"))
        self.rows += batch.num_rows
        self._waiting.append(batch)
        self._waits += batch.num_rows
        while self._waits >= ROWS:
            self._write(ROWS)

    def _note_people(self, lists: Any) -> None:
        """Pairs of row and technician, so that restricted people's rows are found by scanning."""
        counts = np.diff(lists.offsets.to_numpy())
        people = lists.flatten().to_numpy()
        pairs = np.empty((len(people), 2), "<i8")
        pairs[:, 0] = np.repeat(np.arange(self.rows, self.rows + len(counts)), counts)
        pairs[:, 1] = people
        self._people.write(pairs.tobytes())
        self.pairs += len(pairs)

    def _write(self, count: int) -> None:
        """Write `count` waiting rows as one batch, so that row numbers tell their batch."""
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

        waiting = pa.Table.from_batches(self._waiting, self._schema).combine_chunks()
        for batch in waiting.slice(0, count).combine_chunks().to_batches():
            self._arrow.write_batch(batch)
        self._waiting = waiting.slice(count).to_batches()
        self._waits -= count

    def finish(self) -> None:
        """Write what is still waiting."""
        if self._waits:
            self._write(self._waits)
