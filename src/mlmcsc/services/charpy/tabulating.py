"""Specimens with every SFA that there is of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.charpy.readings import sfa_by_labels, sfa_by_predictions
from mlmcsc.domain.charpy.results import ReadSfa, SpecimenRow
from mlmcsc.domain.records import SpecimenRecord
from mlmcsc.domain.tables import SPECIMENS
from mlmcsc.store.queries import charpy as queries
from mlmcsc.store.queries import holds
from mlmcsc.store.queries.charpy import SpecimenWanted
from mlmcsc.store.queries.rows import View


def checked(heat: str | None, material: str | None, orientation: str | None) -> SpecimenWanted:
    """The filters as they are stored.

    Raises:
        ValidationError: No specimen could have such a value.
    """
    fields = SPECIMENS.by_name
    return {
        "heat": fields["heat"].check(heat),
        "material": fields["material"].check(material),
        "orientation": fields["orientation"].check(orientation),
    }


def labels_of(view: View, found: Sequence[SpecimenRecord], scale: float) -> dict[int, ReadSfa]:
    """What people read, by specimen id; `scale` is percent per unit of a label."""
    restricted, owner = holds.restricted_technicians(view), _owners(view, found)
    read = queries.label_readings(view, owner, restricted)
    return sfa_by_labels(read, _specimens(owner, read), scale)


def predictions_of(view: View, found: Sequence[SpecimenRecord], scale: float) -> dict[int, ReadSfa]:
    """What the active model says, by specimen id; empty where no model is active."""
    model = queries.active_model(view)
    if model is None:
        return {}
    owner = _owners(view, found)
    read = queries.prediction_readings(view, owner, model[0])
    return sfa_by_predictions(read, _specimens(owner, read), scale)


def _owners(view: View, found: Sequence[SpecimenRecord]) -> dict[int, int]:
    """The specimens' valid images: image id to specimen id."""
    ids = {one.specimen_id: one.id for one in found}
    return {image: ids[name] for image, name in queries.valid_images(view, list(ids)).items()}


def _specimens(owner: dict[int, int], read: NDArray[Any]) -> NDArray[np.int64]:
    """The specimen of each reading."""
    return np.asarray([owner[image] for image in read["image"].tolist()], dtype=np.int64)


def tabulate(view: View, found: Sequence[SpecimenRecord], scale: float) -> tuple[SpecimenRow, ...]:
    """A row for each specimen."""
    people, model = labels_of(view, found, scale), predictions_of(view, found, scale)
    return tuple(_row(one, people.get(one.id), model.get(one.id)) for one in found)


def _row(one: SpecimenRecord, people: ReadSfa | None, model: ReadSfa | None) -> SpecimenRow:
    read = None if people is None else people.mean
    truth, to = (one.sfa_percent, "measured") if one.sfa_percent is not None else (read, "labels")
    known = model is not None and truth is not None
    return SpecimenRow(
        id=one.id,
        specimen_id=one.specimen_id,
        material=one.material,
        heat=one.heat,
        orientation=one.orientation,
        temperature_c=one.temperature_c,
        kv_joule=one.kv_joule,
        le_mm=one.le_mm,
        sfa_percent=one.sfa_percent,
        sfa_method=one.sfa_method,
        labels=people,
        predictions=model,
        difference=model.mean - truth if model is not None and truth is not None else None,
        difference_to=to if known else None,
    )
