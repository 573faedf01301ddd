"""One comparison: each kind of row is read, tested and let go of before the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.drift.attribution import Attribution
from mlmcsc.domain.drift.channels import Channel, Name, of_vectors, untested
from mlmcsc.domain.drift.kernel import MOST
from mlmcsc.services.drift import reading
from mlmcsc.services.drift.asking import Asking
from mlmcsc.services.drift.causes import attributed
from mlmcsc.services.drift.channels import (
    frozen_channels,
    input_channels,
    label_channels,
    measured,
    prediction_channels,
    rater_channels,
)
from mlmcsc.services.drift.reading import Asked, Columns
from mlmcsc.store.queries import drift as queries
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries import holds as hold_queries
from mlmcsc.store.queries.rows import View

Both = tuple[Columns, Columns]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of predictions, or of labels.

    Attributes:
        channels: Tested or not.
        cause: What the change of their mean comes with.
        sizes: How many there are on each side.
        left_out: Labels of restricted people.
    """

    channels: list[Channel]
    cause: Attribution
    sizes: tuple[int, int]
    left_out: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides, and how they are compared.

    Attributes:
        view: An open transaction.
        sides: Reference and current.
        asking: How.
        texts: What codes stand for.
    """

    view: View
    sides: tuple[Asked, Asked]
    asking: Asking
    texts: reading.Coded

    def inputs(self) -> tuple[list[Channel], Both]:
        """Channels of images, and what later steps need of them."""
        first, second = (reading.images_of(self.view, side, self.texts) for side in self.sides)
        channels = input_channels((first, second), self.texts)
        kept = ("id", "cluster", "machine")
        return channels, (
            {name: first[name] for name in kept},
            {name: second[name] for name in kept},
        )

    def vectors(self, images: Both) -> Channel:
        """The channel of feature vectors."""
        asked = self.asking
        stored = feature_queries.sets(self.view, asked.features)
        if asked.features is None and len(stored) != 1:
            reason = "name one of several with features=" if stored else "no vectors are stored"
            return untested(Name("inputs", "features"), "vectors", (0, 0), reason)
        kind = stored[0].feature_type if asked.features is None else asked.features
        chosen = feature_queries.choose(self.view, kind, asked.extractor_version)
        having = queries.images_with_vectors(self.view, kind, chosen.extractor_version)
        rng = np.random.default_rng(asked.seed)
        sides = []
        for each in images:
            some = np.flatnonzero(np.isin(each["id"], having, assume_unique=True))
            if len(some) > MOST:
                some = np.sort(rng.choice(some, MOST, replace=False))
            raw = feature_queries.vectors(self.view, chosen, each["id"][some])
            decoded = [
                feature_queries.decode(raw[image], chosen.dtype)
                for image in each["id"][some].tolist()
            ]
            stacked = np.asarray(decoded, dtype=np.float32).reshape(-1, chosen.feature_dimension)
            sides.append((stacked, each["cluster"][some]))
        name = Name("inputs", f"features {kind}")
        return of_vectors(name, (sides[0], sides[1]), seed=asked.seed)

    def predictions(self) -> Found:
        """Channels of predictions, and what the change of their mean comes with."""
        first, second = (reading.predictions_of(self.view, side, self.texts) for side in self.sides)
        channels = prediction_channels((first, second), queries.model_names(self.view))
        return Found(
            channels,
            self._cause("predictions", (first, second)),
            (len(first["value"]), len(second["value"])),
        )

    def labels(self, images: Both) -> Found:
        """Channels of labels and raters, and what the change of their mean comes with."""
        restricted = hold_queries.restricted_technicians(self.view)
        first, second = self.sides
        if first.table is None or second.table is None:
            images[0].clear()  # nobody needs them any more, and they are large
            images[1].clear()
            return self._daily(restricted)
        frozen = [
            reading.frozen_labels(table, images[at], restricted)
            for at, table in enumerate((first.table, second.table))
        ]
        both = (frozen[0][0], frozen[1][0])
        return Found(
            frozen_channels(both),
            self._cause("labels", both),
            (len(both[0]["value"]), len(both[1]["value"])),
            (frozen[0][1], frozen[1][1]),
        )

    def _daily(self, restricted: NDArray[np.int64]) -> Found:
        yardstick = reading.yardstick(self.view, self.sides)
        read = [
            reading.labels_of(self.view, side, self.texts, restricted, yardstick)
            for side in self.sides
        ]
        both = (read[0][0], read[1][0])
        channels = label_channels(both, self.texts)
        for mask, columns in zip(measured(both, self.texts), both, strict=True):
            for name in columns if not mask.all() else ():
                columns[name] = columns[name][mask]
        models, staff = queries.model_names(self.view), queries.staff_numbers(self.view)
        channels += rater_channels(both, staff, None if yardstick is None else models[yardstick])
        return Found(
            channels,
            self._cause("labels", both),
            (len(both[0]["value"]), len(both[1]["value"])),
            (read[0][1], read[1][1]),
        )

    def _cause(self, of: str, both: Both) -> Attribution:
        return attributed(of, both, queries.specimen_facts(self.view), seed=self.asking.seed)
