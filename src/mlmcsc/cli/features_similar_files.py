"""Vectors from files, and duplicates as one."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmcsc.cli.training_files import replacing
from mlmcsc.errors import ValidationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mlmcsc.domain.similarity import DuplicateReport

HEADINGS = (
    "group",
    "image_id",
    "path",
    "specimen_id",
    "label",
    "split",
    "bits",
    "distance",
    "found_by",
    "labels_disagree",
    "straddles",
)


def read_vector(path: str) -> NDArray[Any]:
    """The array in a `.npy` file.

    Raises:
        ValidationError: It holds no array of numbers.
    """
    import numpy as np  # noqa: PLC0415  # not for --help

    try:
        found: NDArray[Any] = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValidationError(
            f"{path}: {error}. Write the vector with numpy.save('vector.npy', vector)."
        ) from None
    return found


def refuse_other_than_csv(output: str) -> None:
    """Refuse, before any work, a name that does not say what is written.

    Raises:
        ValidationError: It does not end in `.csv`.
    """
    if Path(output).suffix.lower() != ".csv":
        raise ValidationError(f"{output}: name a file that ends in .csv.")


def write_duplicates(output: str, report: DuplicateReport) -> None:
    """Write a line for each image of each group."""
    from mlmcsc.adapters.tabular import neutral  # noqa: PLC0415  # not for --help

    with replacing(output) as part, part.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(HEADINGS)
        for number, group in enumerate(report.groups, 1):
            told = (" ".join(group.found_by), group.labels_disagree, group.straddles)
            for image in group.images:
                lines.writerow(
                    (
                        number,
                        image.image_id,
                        neutral(image.path),
                        neutral(image.specimen_id or ""),
                        image.label,
                        image.split,
                        image.bits,
                        image.distance,
                        *told,
                    )
                )
