"""What labels and predictions are attributed to: levels of each factor, as codes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.drift.attribution import Attribution, attribute
from mlmcsc.domain.drift.channels import LEAST_EFFECTIVE, too_few
from mlmcsc.domain.drift.decomposing import Rows
from mlmcsc.services.drift.reading import Columns
from mlmcsc.store.queries.drift import SpecimenFacts

Both = tuple[Columns, Columns]
STEP_C: Final = 20.0
"""Width of a bin of test temperatures, in °C."""
COVERED: Final = 0.8
"""Strata so fine are used that this share of both periods has a counterpart in the other."""
MOST_LEVELS: Final = 50
"""Levels told apart; the rarer ones count as one."""
TOLD_C: Final = 5.0
"""A change of the mean temperature that is worth a word."""
FACTORS: Final = {
    "machine": "instrument",
    "rater": "rater composition",
    "model": "model version",
}


def attributed(of: str, both: Both, facts: SpecimenFacts, *, seed: int) -> Attribution:
    """Decompose the change of the mean `value`; factors are the columns that both sides have."""
    sizes = (len(both[0]["value"]), len(both[1]["value"]))
    if (reason := too_few(sizes)) is not None:
        return Attribution(of, reason=reason)
    if min(len(np.unique(each["cluster"])) for each in both) < LEAST_EFFECTIVE:
        reason = f"a side has images of fewer than {LEAST_EFFECTIVE:g} specimens"
        return Attribution(of, reason=reason)
    strata, detail = _strata(both, facts)
    named, columns = [("specimen mix", detail)], [strata]
    for column, name in FACTORS.items():
        if column in both[0]:
            named.append((name, ""))
            columns.append(_dense([each[column] for each in both]))
    rows = [
        Rows(
            np.asarray(both[side]["value"], dtype=np.float64),
            both[side]["cluster"],
            np.stack([column[side] for column in columns], axis=1),
        )
        for side in (0, 1)
    ]
    return attribute(of, (rows[0], rows[1]), named, seed=seed)


def _strata(both: Both, facts: SpecimenFacts) -> tuple[list[NDArray[np.int16]], str]:
    """The finest kind of stratum that both periods share, and what it is made of."""
    bins = np.where(np.isnan(facts.temperatures), -1e6, facts.temperatures) // STEP_C
    _, temperatures = np.unique(bins, return_inverse=True)
    parts = {
        "material, heat, temperature": (facts.materials, facts.heats, temperatures),
        "material, temperature": (facts.materials, temperatures),
        "material": (facts.materials,),
    }
    places = [_places(facts, each["cluster"]) for each in both]
    best: tuple[float, list[NDArray[np.int16]], str] | None = None
    for name, codes in parts.items():
        stratum = np.zeros(len(facts.ids), np.int64)
        for code in codes:
            stratum = stratum * (int(code.max(initial=0)) + 1) + code
        found = _dense([np.where(at < 0, -1, _at(stratum, at)) for at in places])
        shared = np.intersect1d(found[0], found[1])
        covered = min(float(np.isin(each, shared).mean()) for each in found)
        if best is None or covered > best[0]:
            best = (covered, found, name)
        if covered >= COVERED:
            best = (covered, found, name)
            break
    assert best is not None  # noqa: S101  # `parts` is not empty
    return best[1], best[2] + _colder(facts, places)


def _colder(facts: SpecimenFacts, places: list[NDArray[np.int64]]) -> str:
    means = []
    for at in places:
        known = _at(facts.temperatures, at[at >= 0])
        known = known[~np.isnan(known)]
        if not len(known):
            return ""
        means.append(float(known.mean()))
    if abs(means[1] - means[0]) < TOLD_C:
        return ""
    word = "colder" if means[1] < means[0] else "warmer"
    return f"; {word}: mean {means[0]:.0f} to {means[1]:.0f} °C"


def _places(facts: SpecimenFacts, clusters: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the specimens stand in `facts`; -1 for images of no specimen."""
    at = np.searchsorted(facts.ids, np.maximum(clusters, 0))
    found: NDArray[np.int64] = np.where(clusters > 0, at, -1)
    return found


def _at(column: NDArray[Any], places: NDArray[np.int64]) -> NDArray[Any]:
    """Values at these places; anything for -1, as there may be none at all."""
    return column[np.maximum(places, 0)] if len(column) else np.zeros(len(places), column.dtype)


def _dense(both: list[NDArray[Any]]) -> list[NDArray[np.int16]]:
    """Codes from 0, the same on both sides; the rarest share the last one."""
    (first, n), (second, m) = (np.unique(each, return_counts=True) for each in both)
    every = np.union1d(first, second)
    counts = np.zeros(len(every), np.int64)
    counts[np.searchsorted(every, first)] += n
    counts[np.searchsorted(every, second)] += m
    code = np.arange(len(every))
    if len(every) > MOST_LEVELS:
        code[np.argsort(-counts, kind="stable")] = np.arange(len(every))
    few = np.minimum(code, MOST_LEVELS - 1).astype(np.int16)
    return [few[np.searchsorted(every, each)] for each in both]
