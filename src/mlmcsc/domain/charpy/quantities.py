"""What a Charpy test measures, and the levels at which its transition temperatures are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from mlmcsc.domain.charpy.tanh_model import Shelves


class Property(StrEnum):
    """A property with a transition."""

    KV = "kv"
    """Absorbed energy in J."""
    LE = "le"
    """Lateral expansion in mm."""
    SFA = "sfa"
    """Shear fracture appearance in percent."""


class Source(StrEnum):
    """Where an SFA is taken from."""

    MEASURED = "measured"
    """Of the specimen itself."""
    LABELS = "labels"
    """What people read off its images."""
    PREDICTIONS = "predictions"
    """What the active model says of its images."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A property's name, unit, limits, shelves, and levels of interest.

    Attributes:
        name: As `Property` has it.
        title: For people.
        unit: Of its values.
        lowest: No value is below.
        highest: No value is above.
        shelves: Where the shelves are fixed; None where they are fitted.
        levels: Name and value of each level whose temperature is told.
    """

    name: str
    title: str
    unit: str
    lowest: float
    highest: float
    shelves: Shelves
    levels: tuple[tuple[str, float], ...]


QUANTITIES: Final = {
    Property.KV: Quantity(
        "kv", "KV", "J", 0.0, np.inf, (None, None), (("T28J", 28.0), ("T41J", 41.0))
    ),
    # 35 mils, as ASTM E185 and the ASME code have it.
    Property.LE: Quantity("le", "LE", "mm", 0.0, np.inf, (None, None), (("T0.89mm", 0.89),)),
    Property.SFA: Quantity("sfa", "SFA", "%", 0.0, 100.0, (0.0, 100.0), (("FATT", 50.0),)),
}
