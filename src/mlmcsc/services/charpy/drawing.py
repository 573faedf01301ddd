"""Transition curves of the specimens of a heat or a material."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mlmcsc.domain.charpy.curves import CurveOptions
from mlmcsc.domain.charpy.quantities import Property, Source
from mlmcsc.domain.charpy.results import Curve, NotDrawn
from mlmcsc.domain.charpy.transition import fit
from mlmcsc.domain.charpy.upper_shelf import upper_shelf_energy
from mlmcsc.domain.records import SpecimenRecord
from mlmcsc.domain.tables import SPECIMENS
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.services.charpy import tabulating
from mlmcsc.store.queries import charpy as queries
from mlmcsc.store.queries.charpy import SpecimenWanted
from mlmcsc.store.queries.rows import CHUNK, View

MOST_CURVES: Final = 4
"""As many as colours and shapes that everybody can tell apart."""
SHOWN: Final = 12
"""Names listed in a message."""
NAMELESS: Final = "no heat"
"""Specimens with neither heat nor material."""
COLUMN: Final = {Property.KV: "kv_joule", Property.LE: "le_mm", Property.SFA: "sfa_percent"}


@dataclass(frozen=True, slots=True)
class Gathered:
    """The specimens of one curve, with what is fitted; None where it is unknown."""

    name: str
    specimens: tuple[SpecimenRecord, ...]
    values: tuple[float | None, ...]


def split(gathered: Gathered) -> list[Gathered]:
    """Its specimens by heat and orientation, in the order of their names.

    Specimens without a heat go by their material. Those without an orientation go with the others
    of their heat if these have but one.
    """
    steels = [one.heat or one.material or NAMELESS for one in gathered.specimens]
    known: dict[str, set[str]] = {}
    for steel, one in zip(steels, gathered.specimens, strict=True):
        known.setdefault(steel, set()).update([one.orientation] if one.orientation else [])
    if len(known) == 1 and all(len(words) <= 1 for words in known.values()):
        return [gathered]
    parts: dict[str, list[int]] = {}
    for at, (steel, one) in enumerate(zip(steels, gathered.specimens, strict=True)):
        way = f" {one.orientation or 'of no orientation'}" if len(known[steel]) > 1 else ""
        parts.setdefault(steel + way, []).append(at)
    return [
        Gathered(
            name,
            tuple(gathered.specimens[at] for at in rows),
            tuple(gathered.values[at] for at in rows),
        )
        for name, rows in sorted(parts.items())
    ]


def check(kind: str, source: str) -> tuple[Property, Source]:
    """What is drawn, and where an SFA comes from.

    Raises:
        ValidationError: Naming the word and those that exist.
    """
    for name, word, known in (("property", kind, Property), ("source", source, Source)):
        if word not in list(known):
            raise ValidationError(f"{name}={word!r}: choose one of {', '.join(known)}.")
    if kind != Property.SFA and source != Source.MEASURED:
        raise ValidationError(
            f"source={source!r}: {kind} is measured by the machine; only an SFA is also read off "
            "images. Leave the source out, or draw property 'sfa'."
        )
    return Property(kind), Source(source)


def groups(wanted: SpecimenWanted, compare: Sequence[str]) -> list[tuple[str, SpecimenWanted]]:
    """Which specimens make which curve: those that were asked for, then each heat to compare.

    Raises:
        ValidationError: Too many curves, or the same heat twice.
    """
    heat, material = wanted.get("heat"), wanted.get("material")
    name = " ".join(word for word in (material, heat) if word) or "all specimens"
    if isinstance(compare, str):
        raise ValidationError(f"compare={compare!r}: give a list of heats, such as [{compare!r}].")
    heats = [SPECIMENS.by_name["heat"].check(other) for other in compare]
    if len({heat, *heats}) <= len(heats):
        raise ValidationError(f"compare={list(compare)!r}: name each heat once.")
    if len(heats) >= MOST_CURVES:
        raise ValidationError(f"{len(heats) + 1} curves: at most {MOST_CURVES} are drawn at once.")
    further: list[tuple[str, SpecimenWanted]] = [
        (other, {"heat": other, "orientation": wanted.get("orientation")}) for other in heats
    ]
    return [(name, wanted), *further]


def gather(
    view: View, name: str, wanted: SpecimenWanted, kind: Property, source: Source, scale: float
) -> Gathered:
    """Read the specimens of one curve.

    Raises:
        UnknownRecordError: There are none, or no model is active.
    """
    if source is Source.PREDICTIONS and queries.active_model(view) is None:
        raise UnknownRecordError("No model is active. Choose one with `models activate`.")
    found: list[SpecimenRecord] = []
    values: list[float | None] = []
    position: int | None = 0
    while position is not None:
        page = queries.specimen_page(view, wanted, after_id=position, limit=CHUNK)
        found += page.items
        values += _values(view, page.items, kind, source, scale)
        position = page.next_after_id
    if not found:
        asked = ", ".join(f"{key} {value!r}" for key, value in wanted.items() if value is not None)
        raise UnknownRecordError(f"There is no specimen{f' of {asked}' if asked else ''}.")
    return Gathered(name, tuple(found), tuple(values))


def _values(
    view: View, found: Sequence[SpecimenRecord], kind: Property, source: Source, scale: float
) -> list[float | None]:
    if source is Source.MEASURED:
        return [getattr(one, COLUMN[kind]) for one in found]
    reading = tabulating.labels_of if source is Source.LABELS else tabulating.predictions_of
    read = reading(view, found, scale)
    return [read[one.id].mean if one.id in read else None for one in found]


def draw_all(
    gathered: Sequence[Gathered],
    kind: Property,
    source: Source,
    options: CurveOptions,
    *,
    together: bool,
) -> tuple[tuple[Curve, ...], tuple[NotDrawn, ...]]:
    """The curves, and what among the heats and orientations has none.

    Raises:
        ValidationError: There are too many, or one that was asked for has no curve at all.
    """
    asked = [[one] if together else split(one) for one in gathered]
    _require_few([one for parts in asked for one in parts])
    curves: list[Curve] = []
    not_drawn: list[NotDrawn] = []
    for parts in asked:
        lost: list[NotDrawn] = []
        for part in parts:
            try:
                curves.append(draw(part, kind, source, options))
            except ValidationError as error:
                lost.append(NotDrawn(part.name, len(part.specimens), str(error)))
        if len(lost) == len(parts):
            why = " ".join(each.why for each in lost[:MOST_CURVES])
            apart = len(parts) > 1
            raise ValidationError(f"{why} {TOGETHER}" if apart else why)
        not_drawn += lost
    return tuple(curves), tuple(not_drawn)


TOGETHER = "Or fit heats and orientations as one with together=True (--together)."


def _require_few(parts: Sequence[Gathered]) -> None:
    names = [part.name for part in parts if part.values.count(None) < len(part.values)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValidationError(f"{_listed(twice)}: drawn twice; name each heat once.")
    if len(names) > MOST_CURVES:
        raise ValidationError(
            f"{len(names)} curves, one for each heat and orientation: {_listed(names)}. At most "
            f"{MOST_CURVES} are drawn at once: choose by heat, material or orientation, or fit all "
            "as one with together=True (--together)."
        )


def draw(gathered: Gathered, kind: Property, source: Source, options: CurveOptions) -> Curve:
    """Fit the curve.

    Raises:
        ValidationError: There are too few temperatures, or no transition; it names the specimens.
    """
    points = [
        (one.temperature_c, value, one.specimen_id)
        for one, value in zip(gathered.specimens, gathered.values, strict=True)
        if value is not None and one.temperature_c is not None
    ]
    left_out = len(gathered.specimens) - len(points)
    try:
        fitted = fit(
            [t for t, _, _ in points],
            [value for _, value, _ in points],
            kind,
            specimens=[name for _, _, name in points],
            **options,
        )
    except ValidationError as error:
        missing = f" ({left_out} without temperature or value left out)" if left_out else ""
        raise ValidationError(f"{gathered.name}{missing}: {error}") from None
    shelf = None
    if kind is Property.KV:
        every = gathered.specimens
        shelf = upper_shelf_energy([s.kv_joule for s in every], [s.sfa_percent for s in every])
    warnings = (*_mixed(gathered.specimens), *fitted.warnings)
    return Curve(gathered.name, source.value, fitted, shelf, left_out, warnings)


def _mixed(found: Sequence[SpecimenRecord]) -> list[str]:
    """One curve should be of one heat in one orientation."""
    return [
        f"specimens of {len(several)} {plural} are fitted together: {_listed(several)}"
        for name, plural in (("heat", "heats"), ("orientation", "orientations"))
        if len(several := sorted({word for one in found if (word := getattr(one, name))})) > 1
    ]


def _listed(words: Sequence[str]) -> str:
    more = [f"and {len(words) - SHOWN} more"] if len(words) > SHOWN else []
    return ", ".join([*words[:SHOWN], *more])
