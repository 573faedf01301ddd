"""Consensus labels: what is stored of one, and whether a stored one still stands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mlmcsc.domain.records import Record

STAFF_NUMBER: Final = "consensus"
"""The technician row in whose name consensus labels are stored; no person may label as it."""
RESERVED: Final = (STAFF_NUMBER, "consensus-of-raters")
"""Nobody is registered under these; the second serves where a person bore the first already."""
FULL_NAME: Final = "Consensus of raters"
METHOD: Final = "reliability-weighted/2"
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
        kept: Consensus labels that this run cannot make, as it asks for more people or for blind
            labels only, but that rest on labels that are there unchanged.
        withdrawn: Consensus labels deleted, as labels behind them are gone, changed or may not be
            used.
        held: Consensus labels that would be withdrawn, but are kept under a legal hold.
        restricted_labels: Left out, as the processing of their makers' data is restricted.
        too_few: Images compared that fewer than `min_raters` people labelled.
        dry_run: Whether nothing was written.
    """

    created: int
    corrected: int
    unchanged: int
    kept: int
    withdrawn: int
    held: int
    restricted_labels: int
    too_few: int
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Behind:
    """What a consensus rests on.

    Attributes:
        label_ids: One label of each person.
        revisions: At which each of these was.
        min_raters: People asked for.
        assisted: Whether a prediction was shown for any of these labels; then the consensus is no
            reference that is independent of models.
    """

    label_ids: Sequence[int]
    revisions: Sequence[int]
    min_raters: int
    assisted: bool


def annotation_of(
    behind: Behind, value: float, uncertainty: float, label_range: tuple[float, float]
) -> dict[str, Any]:
    """What is kept of a consensus beside its value.

    The interval is value ± 1.96 standard uncertainties (95 %), cut at the label range.
    """
    low, high = label_range
    decimals = _decimals(label_range)
    return {
        "consensus": {
            "method": METHOD,
            "n_raters": len(behind.label_ids),
            "min_raters": behind.min_raters,
            "assisted": behind.assisted,
            "standard_uncertainty": round(uncertainty, decimals),
            "interval": [
                round(max(low, value - 1.96 * uncertainty), decimals),
                round(min(high, value + 1.96 * uncertainty), decimals),
            ],
            "label_ids": list(behind.label_ids),
            "revisions": list(behind.revisions),
        }
    }


def labels_behind(annotation: Any) -> dict[int, int] | None:
    """Ids of the labels behind a stored consensus, each with its revision.

    Args:
        annotation: Its `annotation_data`, whatever somebody made of it.

    Returns:
        None where that cannot be read.
    """
    told = annotation.get("consensus") if isinstance(annotation, dict) else None
    known = told if isinstance(told, dict) else {}
    ids, revisions = known.get("label_ids"), known.get("revisions")
    if not isinstance(ids, list) or not isinstance(revisions, list) or len(ids) != len(revisions):
        return None
    if not ids or any(type(each) is not int for each in (*ids, *revisions)):
        return None
    return dict(zip(ids, revisions, strict=True))


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
    if bool(known.get("assisted")) != now["assisted"]:
        return False
    moved = abs(old - new.value)
    if known.get("revisions") != now["revisions"]:
        return moved == 0
    return moved <= DRIFT * (label_range[1] - label_range[0])


def _decimals(label_range: tuple[float, float]) -> int:
    """Decimals that are `DIGITS` significant ones for this range, fewer than 0 for a huge one."""
    low, high = label_range
    return DIGITS - math.floor(math.log10(high - low))
