"""The upper shelf energy by definition: the mean of specimens that broke fully ductile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mlmcsc.domain.records import Record

SHELF_SFA: Final = 95.0
FEW: Final = 3


@dataclass(frozen=True, slots=True)
class UpperShelf(Record):
    """The upper shelf energy.

    Attributes:
        mean: In J; None where no specimen is known to be on the shelf.
        sd: Standard deviation in J; None below two specimens.
        n: Specimens on the shelf.
        note: What is missing, if anything.
    """

    mean: float | None
    sd: float | None
    n: int
    note: str | None


def upper_shelf_energy(kv: Sequence[float | None], sfa: Sequence[float | None]) -> UpperShelf:
    """Mean KV of the specimens with at least 95 % shear, as surveillance reports have it.

    ASTM E185 averages the specimens on the upper shelf, three or more where there are; 95 % shear
    is the sign that a specimen is on it.

    Args:
        kv: In J, of each specimen, None where unknown.
        sfa: In percent, 0 to 100, None where unknown.
    """
    pairs = zip(kv, sfa, strict=True)
    found = [e for e, share in pairs if e is not None and share is not None and share >= SHELF_SFA]
    n = len(found)
    note = f"of {n} only; three or more are usual" if n < FEW else None
    if not n:
        note = f"no specimen with a KV has an SFA of {SHELF_SFA:g} % or more"
    return UpperShelf(
        float(np.mean(found)) if n else None,
        float(np.std(found, ddof=1)) if n > 1 else None,
        n,
        note,
    )
