"""Consensus labels: what is stored of one, and whether a stored one still stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mlmcsc.domain.records import Record

STAFF_NUMBER: Final = "consensus"
"""The technician row in whose name consensus labels are stored; no person may label as it."""
FULL_NAME: Final = "Consensus of raters"
METHOD: Final = "reliability-weighted/1"
DRIFT: Final = 0.001
"""Share of the label range by which a consensus of unchanged labels may move before it is written
anew: every label anywhere changes what is known of its rater, and so each consensus a little."""
DIGITS: Final = 6
"""Decimals kept of values in a label range of length 1; beyond them lies only rounding."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """The consensus on one image.

    Attributes:
        image_id: The image.
        value: Inside the label range.
        annotation: What `annotation_data` keeps of it: nobody's name, nobody's weight.
    """

    image_id: int
    value: float
    annotation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ConsensusRun(Record):
    """What making consensus labels did, or with `dry_run` would do.

    Attributes:
        created: Images that had no consensus label.
        corrected: Consensus labels whose earlier value is kept as a revision.
        unchanged: Consensus labels that still stand.
        withdrawn: Consensus labels deleted, as too few labels are left behind them.
        held: Consensus labels that would be withdrawn, but are kept under a legal hold.
        restricted_labels: Left out, as the processing of their makers' data is restricted.
        too_few: Images compared that fewer than `min_raters` people labelled.
        dry_run: Whether nothing was written.
    """

    created: int
    corrected: int
    unchanged: int
    withdrawn: int
    held: int
    restricted_labels: int
    too_few: int
    dry_run: bool


def annotation_of(
    image_labels: Sequence[int],
    revisions: Sequence[int],
    value: float,
    uncertainty: float,
    label_range: tuple[float, float],
) -> dict[str, Any]:
    """What is kept of a consensus beside its value.

    The interval is value ± 1.96 standard uncertainties (95 %), cut at the label range.
    """
    low, high = label_range
    decimals = _decimals(label_range)
    return {
        "consensus": {
            "method": METHOD,
            "n_raters": len(image_labels),
            "standard_uncertainty": round(uncertainty, decimals),
            "interval": [
                round(max(low, value - 1.96 * uncertainty), decimals),
                round(min(high, value + 1.96 * uncertainty), decimals),
            ],
            "label_ids": list(image_labels),
            "revisions": list(revisions),
        }
    }


def stored_value(value: float, label_range: tuple[float, float]) -> float:
    """The value as it is stored: rounded, inside the range."""
    low, high = label_range
    return min(high, max(low, round(value, _decimals(label_range))))


def stands(old: float, annotation: Any, new: Agreed, label_range: tuple[float, float]) -> bool:
    """Whether a stored consensus needs no correction.

    Args:
        old: The stored value.
        annotation: Its `annotation_data`, whatever somebody made of it.
        new: The consensus as it comes out now.
        label_range: Lowest and highest label.
    """
    told = annotation.get("consensus") if isinstance(annotation, dict) else None
    known = told if isinstance(told, dict) else {}
    now = new.annotation["consensus"]
    if any(known.get(name) != now[name] for name in ("method", "label_ids")):
        return False
    moved = abs(old - new.value)
    if known.get("revisions") != now["revisions"]:
        return moved == 0
    return moved <= DRIFT * (label_range[1] - label_range[0])


def _decimals(label_range: tuple[float, float]) -> int:
    """Decimals that are `DIGITS` significant ones for this range."""
    length, decimals = label_range[1] - label_range[0], DIGITS
    while length >= 10 and decimals > 0:  # noqa: PLR2004  # one decimal less per power of ten
        length, decimals = length / 10, decimals - 1
    return decimals
