"""What reports on Charpy specimens return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlmcsc.domain.charpy.fitted import TransitionFit
from mlmcsc.domain.charpy.upper_shelf import UpperShelf
from mlmcsc.domain.records import Record


@dataclass(frozen=True, slots=True)
class ReadSfa(Record):
    """SFA in percent as people, or the active model, read it off a specimen's images.

    Attributes:
        mean: Over images, 0 to 100.
        uncertainty: Standard uncertainty of the mean: s/sqrt(n) over images, or over raters where
            there is one image; None where there is but one reading.
        images: How many valid images were read.
        raters: How many people read them; 0 for the model.
    """

    mean: float
    uncertainty: float | None
    images: int
    raters: int


@dataclass(frozen=True, slots=True)
class SpecimenRow(Record):
    """A specimen with every SFA that there is of it.

    Attributes:
        id: Its id.
        specimen_id: The laboratory's number.
        material: Material or grade.
        heat: Heat number.
        orientation: As T-L.
        temperature_c: Test temperature.
        kv_joule: Absorbed energy.
        le_mm: Lateral expansion.
        sfa_percent: SFA measured on the specimen, 0 to 100.
        sfa_method: How.
        labels: SFA that people read off its images, or None.
        predictions: SFA that the active model reads off them, or None.
        difference: The model's SFA minus the measured one or, where there is none, minus that of
            people; in percentage points.
        difference_to: `measured` or `labels`: what it is compared with.
    """

    id: int
    specimen_id: str
    material: str | None
    heat: str | None
    orientation: str | None
    temperature_c: float | None
    kv_joule: float | None
    le_mm: float | None
    sfa_percent: float | None
    sfa_method: str | None
    labels: ReadSfa | None
    predictions: ReadSfa | None
    difference: float | None
    difference_to: str | None


@dataclass(frozen=True, slots=True)
class Curve(Record):
    """The transition curve of some specimens.

    Attributes:
        name: The heat, or the material, with the orientation where there are several; or
            `all specimens`.
        source: Where an SFA is from: measured, labels or predictions.
        fit: The curve.
        upper_shelf: Upper shelf energy by definition; of KV only.
        left_out: How many specimens have no temperature or no value.
        warnings: What to know before using a number.
    """

    name: str
    source: str
    fit: TransitionFit
    upper_shelf: UpperShelf | None
    left_out: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotDrawn(Record):
    """A heat, or an orientation of it, among others that has no curve.

    Attributes:
        name: As `Curve.name`.
        specimens: How many there are of it.
        why: What is missing.
    """

    name: str
    specimens: int
    why: str


@dataclass(frozen=True, slots=True)
class CurveReport:
    """Transition curves of one property, to be compared.

    Attributes:
        property: kv, le or sfa.
        model: Version of the model whose predictions were used, or None.
        restricted_technicians: People whose labels are left out, as the processing of their data
            is restricted.
        curves: One for each heat and orientation of the specimens that were asked for.
        not_drawn: Those among them that have none.
    """

    property: str
    model: str | None
    restricted_technicians: int
    curves: tuple[Curve, ...]
    not_drawn: tuple[NotDrawn, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "property": self.property,
            "model": self.model,
            "restricted_technicians": self.restricted_technicians,
            "curves": [curve.to_dict() for curve in self.curves],
            "not_drawn": [each.to_dict() for each in self.not_drawn],
        }
