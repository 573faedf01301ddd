"""What came of giving space back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Compaction:
    """What giving space back to the disk came to.

    Attributes:
        bytes_before: Size of the database before, in bytes.
        bytes_after: Size after.
        refused: Why it was not done, and the repair; None when it was.
    """

    bytes_before: int
    bytes_after: int
    refused: str | None = None
