"""What measuring images gives back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlmcsc.domain.image_quality.components import Components
from mlmcsc.domain.records import Record

BINS = 20
"""Bars of the histogram of scores, each 0.05 wide."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What came of measuring one file: components, or why there are none.

    Attributes:
        image_id: The image.
        content_hash: Of the content that the database said is measured.
        components: None when there is a problem.
        problem: Why it could not be measured.
        missing: Whether that is because no file was found.
    """

    image_id: int
    content_hash: str | None
    components: Components | None = None
    problem: str | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """An image that could not be scored."""

    image_id: int
    path: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"image_id": self.image_id, "path": self.path, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class ScoreUpdate:
    """What one run of measuring did (or, dry, would do).

    Attributes:
        threshold: Scores below it are flagged.
        formula: Version of the formula.
        selected: Images that were to be measured.
        scored: Images measured and scored.
        flagged: Of these, below the threshold.
        reflagged: Images scored before whose flag changed with the threshold.
        invalidated: Images that are no longer valid.
        passed_over: Images deleted or changed in the database while they were measured.
        problems: Images that could not be measured, the first `MOST_PROBLEMS`.
        problem_count: How many those are in all.
        kept: How many of these keep the score that they had before.
        histogram: Images of this run by score, `BINS` bars from 0 to 1.
        seconds: How long it took.
        dry_run: Whether nothing was measured or written.
    """

    threshold: float
    formula: str
    selected: int
    scored: int = 0
    flagged: int = 0
    reflagged: int = 0
    invalidated: int = 0
    passed_over: int = 0
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    kept: int = 0
    histogram: tuple[int, ...] = (0,) * BINS
    seconds: float = 0.0
    dry_run: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {"problems": [each.to_dict() for each in self.problems]}


MOST_PROBLEMS = 1000
"""Problems that a report names; all are in the table `image_quality`."""


@dataclass(frozen=True, slots=True)
class ScoreRecord(Record):
    """The stored measures of one image; components are None when it could not be measured.

    Where there is a score and a problem, the score is of `measured_at`, and the file could not be
    measured when it was tried again since.
    """

    id: int
    image_id: int
    formula: str
    measured_at: datetime
    content_hash: str | None
    tenengrad: float | None
    laplacian_variance: float | None
    rms_contrast: float | None
    clipped_low: float | None
    clipped_high: float | None
    noise: float | None
    illumination_gradient: float | None
    saturation: float | None
    score: float | None
    threshold: float
    flagged: bool
    problem: str | None
