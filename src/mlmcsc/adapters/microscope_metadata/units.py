"""Units as instruments spell them."""

from __future__ import annotations

MICROMETRES = {
    "pm": 1e-6, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6,
    "um": 1.0, "µm": 1.0, "μm": 1.0, "\\u00b5m": 1.0,
    "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "micrometre": 1.0,
    "nanometer": 1e-3, "nanometre": 1e-3, "millimeter": 1e3, "millimetre": 1e3,
    "å": 1e-4, "angstrom": 1e-4,
    "in": 25_400.0, "inch": 25_400.0, "inches": 25_400.0,
}  # fmt: skip
"""Lower-case length unit to micrometres. Both micro signs (U+00B5, U+03BC) and ImageJ's escape."""

FEMTO_TO_MEGA = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "μ": 1e-6, "u": 1e-6, "m": 1e-3}
FEMTO_TO_MEGA |= {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6}
"""SI prefix to factor, as Zeiss writes them (`50.00 K X`)."""


def micrometres(unit: str) -> float | None:
    """Micrometres in one `unit`; None when it is no length (`pixel`, `reference frame`)."""
    return MICROMETRES.get(unit.strip().lower())


def si_factor(unit: str, base: str) -> float | None:
    """Factor from a prefixed unit to its base: `si_factor("kV", "V")` is 1000.

    None when `unit` is not a multiple of `base`.
    """
    if not unit.endswith(base):
        return None
    return FEMTO_TO_MEGA.get(unit.removesuffix(base).strip())
