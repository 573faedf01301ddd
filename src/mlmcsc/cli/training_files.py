"""Training data as files: CSV, JSON, NumPy. A file is complete or not there."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmcsc.cli.output import as_json
from mlmcsc.errors import ConflictError, ValidationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlmcsc.domain.training import TrainingData


def refuse_existing(output: str, *, replace: bool) -> None:
    """Refuse, before any work, to write over somebody's file.

    Raises:
        ConflictError: If there is a file already and `replace` is not set.
    """
    if not replace and os.path.exists(output):
        raise ConflictError(f"{output} exists already. Name another file, or add --overwrite.")


def write_splits(output: str, data: TrainingData) -> None:
    """Write the splits, in the format that the file's name ends with.

    Raises:
        ValidationError: If the name ends neither in `.csv` nor in `.json`.
    """
    kind = Path(output).suffix.lower()
    if kind not in {".csv", ".json"}:
        raise ValidationError(f"{output}: name a file that ends in .csv or .json.")
    with replacing(output) as path:
        if kind == ".json":
            path.write_text(as_json({**data, "report": data.report}), encoding="utf-8")
            return
        with path.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(["split", "image_id", "label"])
            for name, pairs in data.items():
                lines.writerows((name, image_id, label) for image_id, label in pairs)


def write_features(
    output: str, data: TrainingData, vectors: Mapping[str, NDArray[np.float32]]
) -> None:
    """Write ids (int64), labels (float64) and vectors (float32) of each split as `.npz`.

    Raises:
        ValidationError: If the name does not end in `.npz`.
    """
    import numpy as np  # noqa: PLC0415  # not for --help

    if Path(output).suffix.lower() != ".npz":
        raise ValidationError(f"{output}: name a file that ends in .npz.")
    arrays: dict[str, NDArray[Any]] = {}
    for name, pairs in data.items():
        arrays[f"{name}_ids"] = np.asarray([i for i, _ in pairs], dtype=np.int64)
        arrays[f"{name}_labels"] = np.asarray([label for _, label in pairs], dtype=np.float64)
        arrays[f"{name}_features"] = vectors[name]
    with replacing(output) as path, path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


@contextmanager
def replacing(output: str) -> Iterator[Path]:
    """A file beside `output` that takes its place when it is complete."""
    part = Path(f"{output}.part")
    try:
        yield part
        os.replace(part, output)
    finally:
        part.unlink(missing_ok=True)
