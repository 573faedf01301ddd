"""What could not be stored, as a CSV file to mend and try again."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlmcsc.domain.results import Rejection


def write_rejected(path: str, rejected: Iterable[Rejection], *, first: str) -> None:
    """Write a line for each rejection.

    Args:
        path: The file; an earlier one is replaced.
        rejected: What was refused, and why.
        first: Heading of the first column.
    """
    from mlmcsc.adapters.tabular import neutral  # noqa: PLC0415  # not for --help

    with Path(path).open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        lines = csv.writer(file)
        lines.writerow([first, "reason"])
        lines.writerows([neutral(r.where), neutral(r.reason)] for r in rejected)
