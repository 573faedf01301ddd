"""The channels of a comparison, tested one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.drift.channels import Channel, Name, of_categories, of_numbers, untested
from mlmcsc.domain.drift.clusters import Clustered
from mlmcsc.domain.drift.raters import Rated, levels
from mlmcsc.domain.enums import LabelType
from mlmcsc.domain.image_quality.components import NAMES as COMPONENTS
from mlmcsc.services.drift.reading import Coded, Columns
from mlmcsc.store.queries.drift import FACTS

Both = tuple[Columns, Columns]
Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]
DERIVED = (LabelType.CONSENSUS.value, LabelType.GOLD.value)
"""Types of labels that no single rater gave in daily work: no part of `all labels`."""


def input_channels(both: Both, texts: Coded) -> list[Channel]:
    """Scores, their components, facts of acquisition, and who took the images."""
    found = [
        _numbers("inputs", name, both, name) for name in ("quality_score", *COMPONENTS, *FACTS)
    ]
    names = texts.machine.names
    found.append(_categories("instrument", "instrument and detector", both, "machine", names))
    return found


def prediction_channels(both: Both, models: Mapping[int, str]) -> list[Channel]:
    """Shares of models; value and confidence of each."""
    ids = np.unique(np.concatenate([each["model"] for each in both])).tolist()
    if not ids:
        return [untested(Name("predictions", "value"), "numbers", (0, 0), "no predictions")]
    places = tuple({**each, "model": np.searchsorted(ids, each["model"])} for each in both)
    named = [models[each] for each in ids]
    found = [_categories("predictions", "model", (places[0], places[1]), "model", named)]
    for at, name in zip(ids, named, strict=True):
        masks = (both[0]["model"] == at, both[1]["model"] == at)
        found += [
            _numbers("predictions", f"{what} by {name}", both, what, masks)
            for what in ("value", "confidence")
        ]
    return found


def label_channels(both: Both, texts: Coded) -> list[Channel]:
    """All labels; of each type; shares of types."""
    kinds = texts.kind.names
    masks = measured(both, texts)
    found = [_numbers("labels", "all labels", both, "value", masks)]
    codes = np.unique(np.concatenate([each["type"] for each in both])).tolist()
    for code in codes if len(codes) > 1 else ():
        of_kind = (both[0]["type"] == code, both[1]["type"] == code)
        found.append(_numbers("labels", f"{kinds[code]} labels", both, "value", of_kind))
    found.append(_categories("labels", "type of label", both, "type", kinds))
    return found


def measured(both: Both, texts: Coded) -> Masks:
    """The labels that somebody gave in daily work."""
    derived = [at for at, name in enumerate(texts.kind.names) if name in DERIVED]
    return (~np.isin(both[0]["type"], derived), ~np.isin(both[1]["type"], derived))


def frozen_channels(both: Both) -> list[Channel]:
    """Labels of versions, which keep one value an image."""
    reason = "a version keeps one value an image, of whom is not looked at; compare periods"
    sizes = (len(both[0]["value"]), len(both[1]["value"]))
    return [
        _numbers("labels", "all labels", both, "value"),
        untested(Name("raters", "share of labels"), "categories", sizes, reason),
    ]


def rater_channels(both: Both, staff: Mapping[int, str], yardstick: str | None) -> list[Channel]:
    """Shares of raters, and the level of each.

    Args:
        both: Labels that somebody gave in daily work.
        staff: Staff numbers by row id.
        yardstick: The model whose prediction stands in `predicted`.
    """
    ids = np.unique(np.concatenate([each["rater"] for each in both])).tolist()
    if not ids:
        return [untested(Name("raters", "share of labels"), "categories", (0, 0), "no labels")]
    named = [staff[each] for each in ids]
    first, second = ({**each, "rater": np.searchsorted(ids, each["rater"])} for each in both)
    found = [_categories("raters", "share of labels", (first, second), "rater", named)]
    return found + levels((_rated(first), _rated(second)), named, yardstick)


def _rated(columns: Columns) -> Rated:
    above = columns["value"] - columns["predicted"]
    return Rated(columns["rater"], above, columns["cluster"])


def _numbers(
    group: str, channel: str, both: Both, column: str, masks: Masks | None = None
) -> Channel:
    parts = []
    for at, each in enumerate(both):
        keep = ~np.isnan(each[column])
        if masks is not None:
            keep &= masks[at]
        every = keep.all()  # no copy of a million then
        values, clusters = each[column], each["cluster"]
        parts.append(Clustered(*((values, clusters) if every else (values[keep], clusters[keep]))))
    return of_numbers(Name(group, channel), (parts[0], parts[1]))


def _categories(group: str, channel: str, both: Both, column: str, names: Sequence[str]) -> Channel:
    parts = [Clustered(each[column], each["cluster"]) for each in both]
    return of_categories(Name(group, channel), (parts[0], parts[1]), names)
