"""Shear fracture appearance (SFA) from what was measured on a fracture surface.

SFA is the share of the fracture surface that is not cleavage, in percent, 0 to 100. On a standard
bar of 10 mm x 10 mm with a notch of 2 mm the ligament is 10 mm wide and 8 mm deep, and the flat
cleavage area, A wide and B deep, is measured in mm:

    SFA = 100 (1 - A B / 80),    and 100 where A or B is 0

That is what ASTM E23 table A4.1 and ISO 148-1 table C.1 were computed with. They print whole
percents; two printed cells of E23 differ from the formula by one. Here the formula counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypedDict

from mlmcsc.domain.charpy.methods import METHODS, SfaMethod
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.keywords import LabelDetails
from mlmcsc.errors import ValidationError

SMALLEST_MM, SMALLEST_MM2, LARGEST_MM = 0.1, 0.01, 1000.0
"""Of a ligament; the smallest bars in use are some millimetres wide."""


def _length(name: str, most: float, text: str, value: Any, least: float = 0.0) -> float:
    field = Field(name, Kind.REAL, text, required=True, minimum=least, maximum=most)
    return float(field.check(value))


@dataclass(frozen=True, slots=True)
class Ligament:
    """What the notch leaves to be broken.

    Attributes:
        width_mm: Of the bar along the notch, which limits A.
        depth_mm: From the notch's root to the far side, which limits B.
    """

    width_mm: float = 10.0
    depth_mm: float = 8.0

    def __post_init__(self) -> None:
        """Refuse a ligament that no bar has.

        Raises:
            ValidationError: A side is below 0.1 mm, or more than a metre.
        """
        for name in ("width_mm", "depth_mm"):
            given = getattr(self, name)
            side = _length(f"ligament {name}", LARGEST_MM, "in mm", given, SMALLEST_MM)
            object.__setattr__(self, name, side)


STANDARD: Final = Ligament()


class SfaInput(TypedDict, total=False):
    """What was measured: A and B, or both areas, or the percentage itself with its method."""

    a_mm: float | None
    b_mm: float | None
    total_mm2: float | None
    cleavage_mm2: float | None
    percent: float | None
    method: str | None
    ligament: Ligament | None


class SfaLabel(LabelDetails, SfaInput, total=False):
    """Keywords of a label that is computed from a measurement."""


@dataclass(frozen=True, slots=True)
class SfaMeasurement:
    """A shear fracture appearance and where it comes from.

    Attributes:
        percent: SFA, 0 to 100.
        method: How it was found.
        details: What was measured, with the formula and the standard.
    """

    percent: float
    method: SfaMethod
    details: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"percent": self.percent, "method": self.method.value, **self.details}


def sfa_from_dimensions(a_mm: float, b_mm: float, ligament: Ligament = STANDARD) -> float:
    """SFA in percent from the cleavage area's width A and depth B in mm.

    Args:
        a_mm: Mean width, along the notch, 0 to the ligament's width (10).
        b_mm: Mean depth, from the notch's root on, 0 to the ligament's depth (8).
        ligament: Of a sub-size bar, its own; E23's table holds for the standard one only.

    Raises:
        ValidationError: A side is no number, negative, or longer than the ligament's.
    """
    a = _length("a_mm", ligament.width_mm, "width A of the cleavage area, along the notch", a_mm)
    b = _length("b_mm", ligament.depth_mm, "depth B of the cleavage area, from the notch", b_mm)
    return 100.0 * (1.0 - (a * b) / (ligament.width_mm * ligament.depth_mm))


def sfa_from_areas(total_mm2: float, cleavage_mm2: float) -> float:
    """SFA in percent from areas in mm²: 100 (total - cleavage) / total.

    Raises:
        ValidationError: An area is no number, the whole is below 0.01 mm², or the part is larger.
    """
    least, most = SMALLEST_MM2, LARGEST_MM**2
    total = _length("total_mm2", most, "whole fracture surface, in mm²", total_mm2, least)
    part = _length("cleavage_mm2", total, "cleavage area, a part of the whole", cleavage_mm2)
    return 100.0 * (total - part) / total


def measured_sfa(
    *,
    a_mm: float | None = None,
    b_mm: float | None = None,
    total_mm2: float | None = None,
    cleavage_mm2: float | None = None,
    percent: float | None = None,
    method: str | None = None,
    ligament: Ligament | None = None,
) -> SfaMeasurement:
    """SFA by whichever measurement was made.

    Args:
        a_mm: With `b_mm`: width of the cleavage area.
        b_mm: With `a_mm`: its depth.
        total_mm2: With `cleavage_mm2`: area of the whole fracture surface.
        cleavage_mm2: With `total_mm2`: area of the cleavage.
        percent: SFA as it was read; it needs `method`.
        method: How the percentage, or the areas, were found; see `SfaMethod`.
        ligament: Of a sub-size bar, with A and B.

    Raises:
        ValidationError: Not exactly one measurement was given whole, or a value is wrong.
    """
    given = {
        SfaMethod.DIMENSIONS: (a_mm, b_mm),
        SfaMethod.AREAS: (total_mm2, cleavage_mm2),
        None: (percent,),
    }
    begun = [kind for kind, values in given.items() if any(v is not None for v in values)]
    if len(begun) != 1 or None in given[begun[0]]:
        raise ValidationError(
            "Give one measurement, whole: A and B (a_mm, b_mm), both areas (total_mm2, "
            "cleavage_mm2), or the SFA in percent with its method."
        )
    if ligament is not None and not isinstance(ligament, Ligament):
        raise ValidationError(f"ligament={ligament!r}: give Ligament(width_mm=5, depth_mm=8).")
    if ligament is not None and begun[0] is not SfaMethod.DIMENSIONS:
        raise ValidationError("A ligament belongs to A and B; areas and percentages need none.")
    if begun[0] is SfaMethod.DIMENSIONS:
        return _by_dimensions(a_mm, b_mm, method, ligament or STANDARD)
    if begun[0] is SfaMethod.AREAS:
        return _by_areas(total_mm2, cleavage_mm2, method)
    found = METHOD.check(method)
    if found in {SfaMethod.DIMENSIONS, SfaMethod.AREAS}:
        raise ValidationError(f"method={found!r}: give what was measured, not the percentage.")
    return SfaMeasurement(PERCENT.check(percent), SfaMethod(found), {"standard": STANDARDS})


def _by_dimensions(a: Any, b: Any, method: str | None, ligament: Ligament) -> SfaMeasurement:
    if method not in {None, SfaMethod.DIMENSIONS.value}:
        raise ValidationError(f"method={method!r}: A and B are the method 'dimensions'.")
    percent = sfa_from_dimensions(a, b, ligament)
    standard = ligament == STANDARD
    details = {
        "a_mm": float(a),
        "b_mm": float(b),
        "ligament_mm": [ligament.width_mm, ligament.depth_mm],
        "formula": "100 (1 - A B / 80)" if standard else "100 (1 - A B / (width depth))",
        "standard": "ASTM E23 table A4.1" if standard else "as ASTM E23, of a sub-size ligament",
    }
    return SfaMeasurement(percent, SfaMethod.DIMENSIONS, details)


def _by_areas(total: Any, cleavage: Any, method: str | None) -> SfaMeasurement:
    found = METHOD.check(method or SfaMethod.AREAS.value)
    if found in {SfaMethod.DIMENSIONS, SfaMethod.COMPARISON_CHART}:
        raise ValidationError(f"method={found!r}: that does not measure areas.")
    percent = sfa_from_areas(total, cleavage)
    details = {
        "total_mm2": float(total),
        "cleavage_mm2": float(cleavage),
        "formula": "100 (total - cleavage) / total",
        "standard": STANDARDS,
    }
    return SfaMeasurement(percent, SfaMethod(found), details)


def percent_of(label_range: tuple[float, float]) -> float:
    """What turns a label of the database into percent: 100 where labels are 0 to 1, else 1.

    Raises:
        ValidationError: Labels go neither from 0 to 1 nor from 0 to 100, so they are no SFA.
    """
    scale = {(0.0, 1.0): 100.0, (0.0, 100.0): 1.0}.get(label_range)
    if scale is None:
        low, high = label_range
        raise ValidationError(
            f"Labels of this database go from {low:g} to {high:g}; an SFA goes from 0 to 1 or "
            "from 0 to 100. Set quality.label_range when a database is made."
        )
    return scale


STANDARDS: Final = "ASTM E23 / ISO 148-1"
PERCENT: Final = Field(
    "percent", Kind.REAL, "SFA in percent", required=True, minimum=0.0, maximum=100.0
)
METHOD: Final = Field("method", Kind.TEXT, "how the SFA was found", required=True, choices=METHODS)

__all__ = [
    "STANDARD",
    "Ligament",
    "SfaInput",
    "SfaLabel",
    "SfaMeasurement",
    "measured_sfa",
    "percent_of",
    "sfa_from_areas",
    "sfa_from_dimensions",
]
