"""Which label an answer of a model is held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.quality.rows import BASES, TYPES, Rows

GOLD, CONSENSUS, MANUAL = (TYPES.index(name) for name in ("gold", "consensus", "manual"))


@dataclass(frozen=True, slots=True)
class References:
    """One reference per image that has one, images ascending.

    Attributes:
        images: int64 `(M,)`.
        labels: The labels themselves, of dtype `LABELS`.
        bases: int64 `(M,)`, places in `BASES`.
    """

    images: NDArray[np.int64]
    labels: Rows
    bases: NDArray[np.int64]


def references(labels: Rows) -> References:
    """The reference of each image: its gold label, else its consensus, else the latest label.

    Gold is what people and models are checked against; a consensus averages out single readings;
    the latest reading of one person is what remains. Among several of a kind the latest counts.

    Args:
        labels: Of dtype `LABELS`, in any order.
    """
    kind = labels["type"]
    rank = np.where(kind == GOLD, 2, np.where(kind == CONSENSUS, 1, 0))
    order = np.lexsort((labels["id"], rank, labels["image"]))
    image = labels["image"][order]
    chosen = labels[order[last_of_runs((image,))]]
    return References(chosen["image"].copy(), chosen, bases(chosen))


def bases(labels: Rows) -> NDArray[np.int64]:
    """What each label is, as places in `BASES`.

    Blind is a manual label to which no prediction was shown; assisted is one that knows which was,
    and a consensus that counts such labels.
    """
    gold, consensus, blind, assisted, other = range(len(BASES))
    kind, shown = labels["type"], labels["assisted"] == 1
    human = np.where(shown, assisted, np.where(kind == MANUAL, blind, other))
    agreed = np.where((kind == CONSENSUS) & ~shown, consensus, human)
    found = np.where(kind == GOLD, gold, agreed)
    return found.astype(np.int64)


def matched(predictions: Rows, labels: Rows) -> tuple[Rows, Rows, NDArray[np.int64]]:
    """The last answer of each model for each image that has a reference.

    Returns:
        The predictions `(N,)`, the labels they are held against and these labels' bases.
    """
    known = references(labels)
    order = np.lexsort((predictions["id"], predictions["model"], predictions["image"]))
    ordered = predictions[order]
    given = ordered[last_of_runs((ordered["image"], ordered["model"]))]
    if not len(known.images):
        return given[:0], known.labels, np.empty(0, np.int64)
    at = np.minimum(np.searchsorted(known.images, given["image"]), len(known.images) - 1)
    met = known.images[at] == given["image"]
    return given[met], known.labels[at[met]], known.bases[at[met]]


def last_of_runs(keys: tuple[NDArray[np.int64], ...]) -> NDArray[np.int64]:
    """Rows at which a run of equal keys ends."""
    if not len(keys[0]):
        return np.empty(0, np.int64)
    ends = np.zeros(len(keys[0]), dtype=bool)
    ends[-1] = True
    for key in keys:
        ends[:-1] |= key[1:] != key[:-1]
    return np.flatnonzero(ends)
