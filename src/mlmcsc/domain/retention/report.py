"""What was done about data beyond their period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mlmcsc.domain.records import Record
from mlmcsc.domain.retention.types import Action


@dataclass(frozen=True, slots=True)
class AppliedType(Record):
    """What became of one data type.

    Attributes:
        type: The data type.
        action: What was done.
        rows: To how many rows.
        batches: In how many transactions, each with its event.
        along: Rows of other tables that went with them, by table.
    """

    type: str
    action: Action
    rows: int
    batches: int
    along: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RetentionReport(Record):
    """What `retention apply` did.

    Attributes:
        started_at: When it began; every cut-off counts from here.
        types: One line per data type.
        files_removed: Managed copies and thumbnails deleted.
        files_left: Files of the laboratory whose images are forgotten: they stay where they are.
        examples_left: Paths of the first of them.
    """

    started_at: datetime
    types: tuple[AppliedType, ...]
    files_removed: int
    files_left: int
    examples_left: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows deleted or redacted."""
        return sum(line.rows for line in self.types)
