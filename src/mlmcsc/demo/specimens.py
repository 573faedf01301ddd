"""The pretend steels: which specimens are broken at which temperature, and what they yield."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import tanh

import numpy as np

from mlmcsc.errors import ValidationError

TEMPERATURES_C = (-80.0, 60.0)
SFA_SCATTER = 0.04
LOWER_SHELF_J = 4.0


@dataclass(frozen=True)
class Heat:
    """A melt of steel and its transition from brittle to tough.

    Attributes:
        name: one capital letter.
        material: grade.
        t50_c: temperature of 50 % shear, in degrees Celsius.
        spread_c: C of the tanh curve, in degrees Celsius.
        upper_shelf_j: absorbed energy on the upper shelf, in joules.
    """

    name: str
    material: str
    t50_c: float
    spread_c: float
    upper_shelf_j: float


@dataclass(frozen=True)
class Specimen:
    """One bar, broken.

    Attributes:
        specimen_id: such as `SPEC_A03`.
        heat: name of the heat.
        material: grade.
        orientation: `L-T` or `T-L`, first the direction normal to the crack, then the direction
            of its growth (ASTM E399).
        temperature_c: test temperature, in degrees Celsius.
        sfa: shear fraction in [0, 1].
        kv_j: absorbed energy, in joules.
        lateral_expansion_mm: in millimetres.
    """

    specimen_id: str
    heat: str
    material: str
    orientation: str
    temperature_c: float
    sfa: float
    kv_j: float
    lateral_expansion_mm: float


HEATS = (
    Heat("A", "A508 Gr.3 (demo)", t50_c=-28.0, spread_c=42.0, upper_shelf_j=190.0),
    Heat("B", "S355J2 (demo)", t50_c=2.0, spread_c=38.0, upper_shelf_j=135.0),
)


def transition(temperature_c: float, t50_c: float, spread_c: float) -> float:
    """Shear fraction on the transition curve, (1 + tanh((T - T50) / C)) / 2 (ASTM E2215)."""
    return (1 + tanh((temperature_c - t50_c) / spread_c)) / 2


def break_campaign(rng: np.random.Generator, specimens: int) -> Iterator[Specimen]:
    """Yield `specimens` broken bars, heat by heat, from cold to warm.

    Each heat gets temperatures spread evenly over `TEMPERATURES_C`, rounded to 5 degrees;
    orientations alternate, and the transverse one (T-L) is less tough.

    Raises:
        ValidationError: fewer than two specimens.
    """
    if specimens < len(HEATS):
        raise ValidationError(f"specimens is {specimens}; give at least {len(HEATS)}")
    for index, heat in enumerate(HEATS):
        count = len(range(index, specimens, len(HEATS)))
        temperatures = np.linspace(*TEMPERATURES_C, count) if count > 1 else np.zeros(1)
        for number, temperature in enumerate(temperatures, start=1):
            rounded = float(5 * round(temperature / 5))
            yield _broken(rng, heat, number, rounded, "L-T" if number % 2 else "T-L")


def _broken(
    rng: np.random.Generator, heat: Heat, number: int, temperature_c: float, orientation: str
) -> Specimen:
    transverse = orientation == "T-L"
    curve = transition(temperature_c, heat.t50_c + 6 * transverse, heat.spread_c)
    # Scatter is widest in the transition and vanishes on the shelves.
    scatter = SFA_SCATTER * (0.25 + 3 * curve * (1 - curve))
    sfa = float(np.clip(curve + rng.normal(0, scatter), 0, 1))
    upper_shelf = heat.upper_shelf_j * (0.78 if transverse else 1.0)
    energy = LOWER_SHELF_J + (upper_shelf - LOWER_SHELF_J) * sfa + rng.normal(0, 2 + 5 * sfa)
    expansion = 0.05 + 0.0115 * energy + rng.normal(0, 0.03)
    return Specimen(
        specimen_id=f"SPEC_{heat.name}{number:02d}",
        heat=heat.name,
        material=heat.material,
        orientation=orientation,
        temperature_c=temperature_c,
        sfa=sfa,
        kv_j=round(float(max(2.0, energy)), 1),
        lateral_expansion_mm=round(float(np.clip(expansion, 0.02, 2.2)), 2),
    )
