"""Whether a person's labels moved: only in comparison with others, and with one yardstick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.drift.channels import LEAST, Channel, Name, of_numbers, untested
from mlmcsc.domain.drift.clusters import Clustered, Two

OTHERS: Final = 2
"""Of two people who moved apart nobody can say who moved; a third one tells."""


@dataclass(frozen=True, slots=True)
class Rated:
    """Labels of one side; arrays of equal length.

    Attributes:
        raters: Who, as codes.
        above: Label minus what the yardstick predicted before; NaN where it had not.
        clusters: Specimens.
    """

    raters: NDArray[Any]
    above: NDArray[np.float64]
    clusters: NDArray[np.int64]

    def of(self, chosen: NDArray[np.bool_]) -> Clustered:
        """The differences that are known, of chosen rows."""
        keep = chosen & ~np.isnan(self.above)
        return Clustered(self.above[keep], self.clusters[keep])


def levels(both: tuple[Rated, Rated], names: list[str], yardstick: str | None) -> list[Channel]:
    """The level of each rater: label minus prediction, less what all raters moved.

    What all moved is the median of the raters' own changes, so that one who moves (of three or
    more) does not make the others look as if they had moved the other way.

    Args:
        both: Labels; rater codes are places in `names`.
        names: Staff numbers.
        yardstick: The model version whose predictions are meant; None: there is none.
    """
    each_own = [_own(both, at) for at in range(len(names))]
    changes = [_change(own) for own in each_own]
    known = [change is not None for change in changes]
    common = float(np.median([c for c in changes if c is not None])) if any(known) else 0.0
    found = []
    for at, (name, own) in enumerate(zip(names, each_own, strict=True)):
        channel = Name("raters", f"level of {name}")
        sizes = (len(own[0]), len(own[1]))
        reason = _incomparable(yardstick, sum(known) - known[at])
        if reason is not None:
            found.append(untested(channel, "numbers", sizes, reason))
            continue
        others = [at != other and known[other] for other in range(len(names))]
        beside = [side.of(np.asarray(others)[side.raters]) for side in both]
        less = Clustered(own[1].values - common, own[1].clusters)
        found.append(of_numbers(channel, (own[0], less), beside=(beside[0], beside[1])))
    return found


def _incomparable(yardstick: str | None, others: int) -> str | None:
    if yardstick is None:
        return "no model predicted images of both sides before they were labelled"
    if others < OTHERS:
        return (
            f"{others} other raters have {LEAST} labels a side of images that {yardstick} "
            f"predicted before; needs {OTHERS} to compare with"
        )
    return None


def _own(both: tuple[Rated, Rated], at: int) -> Two:
    return both[0].of(both[0].raters == at), both[1].of(both[1].raters == at)


def _change(own: Two) -> float | None:
    if min(len(own[0]), len(own[1])) < LEAST:
        return None
    return float(own[1].values.mean() - own[0].values.mean())
