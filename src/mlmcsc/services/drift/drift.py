"""Compare two periods, or two versions, in one actor's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_tables import FrozenTable
from mlmcsc.domain.drift.adjusting import Adjustment
from mlmcsc.domain.drift.channels import Channel, Name, of_vectors, untested
from mlmcsc.domain.drift.kernel import MOST
from mlmcsc.domain.drift.periods import Period, read_period, refuse_overlap
from mlmcsc.domain.drift.report import DriftReport, Side, judged
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.manifest import Manifest
from mlmcsc.errors import ValidationError
from mlmcsc.services.drift import reading
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
from mlmcsc.store.uow import Store

OpenVersion = Callable[[str], tuple[DataVersionRecord, Manifest, FrozenTable]]
"""Gives a version by name or tag, with its rows."""
Both = tuple[Columns, Columns]
WHENEVER: Final = Period(None, None)
STEPS: Final = 4
FROZEN: Final = (
    "Labels are as frozen, one an image; the rest is of today, for the versions' images.",
    "An image that is in both versions makes them alike; tests are cautious then.",
)


@dataclass(frozen=True, slots=True)
class Asking:
    """How a comparison is made.

    Attributes:
        features: Feature type; None: the only one stored.
        extractor_version: Of which extractor; None: the only one stored.
        alpha: Share of alarms that may be false.
        adjustment: How p-values of many channels are adjusted.
        seed: Of subsamples, permutations and the bootstrap.
    """

    features: str | None = None
    extractor_version: str | None = None
    alpha: float = 0.05
    adjustment: str = Adjustment.BENJAMINI_HOCHBERG
    seed: int = 0

    def checked(self) -> Adjustment:
        """Refuse what makes no sense.

        Raises:
            ValidationError: Naming the value and the limit.
        """
        if not 0 < self.alpha < 1:
            raise ValidationError(f"alpha={self.alpha!r}: must be between 0 and 1, such as 0.05.")
        if self.adjustment not in list(Adjustment):
            raise ValidationError(
                f"adjustment={self.adjustment!r}: must be one of {', '.join(Adjustment)}."
            )
        if self.seed < 0:
            raise ValidationError(f"seed={self.seed!r}: must be a whole number from 0.")
        return Adjustment(self.adjustment)


@dataclass(frozen=True, slots=True)
class Drift:
    """Find drift of inputs, predictions, labels, raters and instruments.

    Attributes:
        db: The database.
        actor: In whose name.
        open_version: Opens a frozen version.
    """

    db: Store
    actor: Actor
    open_version: OpenVersion

    @requires(Permission.QUALITY)
    def compare(
        self,
        reference: str | Period,
        current: str | Period,
        *,
        asking: Asking | None = None,
        progress: Progress | None = None,
    ) -> DriftReport:
        """Compare two periods.

        Args:
            reference: Such as `2026-01-01..2026-03-31`, both days included, in UTC.
            current: Likewise; may not overlap.
            asking: How; the defaults are of `Asking`.
            progress: Told how far it is.

        Raises:
            ValidationError: A wrong period or option.
            UnknownRecordError: There are no such features.
            AmbiguousError: They were extracted by several versions.
        """
        before, now = read_period(reference), read_period(current)
        refuse_overlap(before, now)
        sides = (Asked(str(before), before), Asked(str(now), now))
        return self._compared(sides, asking or Asking(), progress or quiet, ())

    @requires(Permission.QUALITY)
    def last(
        self,
        age: timedelta,
        *,
        asking: Asking | None = None,
        progress: Progress | None = None,
    ) -> DriftReport:
        """Compare the last days with all the time before; see `compare`."""
        if age <= timedelta(0):
            raise ValidationError(f"age={age}: must be longer than 0, such as 30 days.")
        since = self.db.clock() - age
        sides = Period(None, since), Period(since, None)
        return self.compare(*sides, asking=asking, progress=progress)

    @requires(Permission.QUALITY)
    def compare_versions(
        self,
        reference: str,
        current: str,
        *,
        asking: Asking | None = None,
        progress: Progress | None = None,
    ) -> DriftReport:
        """Compare two dataset versions, by name or tag.

        Raises:
            UnknownRecordError: There is no such version.
            UnsupportedError: It was recorded without its images.
            IntegrityError: Its files are damaged.
            ValidationError: A wrong option, or the same version twice.
        """
        opened = [self.open_version(name) for name in (reference, current)]
        names = [record.version for record, _, _ in opened]
        if names[0] == names[1]:
            raise ValidationError(f"both names are of version {names[0]!r}; name two versions.")
        sides = tuple(
            Asked(name, WHENEVER, table) for name, (_, _, table) in zip(names, opened, strict=True)
        )
        return self._compared((sides[0], sides[1]), asking or Asking(), progress or quiet, FROZEN)

    def _compared(
        self,
        sides: tuple[Asked, Asked],
        asking: Asking,
        progress: Progress,
        notes: tuple[str, ...],
    ) -> DriftReport:
        how = asking.checked()
        with self.db.read() as view:
            work = _Work(view, sides, asking, reading.coded(view))
            progress("images", 0, STEPS)
            channels, images = work.inputs()
            progress("features", 1, STEPS)
            channels.append(work.vectors(images))
            progress("predictions", 2, STEPS)
            found, causes, n_predictions = work.predictions()
            channels += found
            progress("labels", 3, STEPS)
            found, cause, n_labels, restricted = work.labels(images)
            channels += found
        told = [
            Side(side.name, len(images[at]["id"]), n_predictions[at], n_labels[at], restricted[at])
            for at, side in enumerate(sides)
        ]
        progress("labels", STEPS, STEPS)
        return DriftReport(
            told[0],
            told[1],
            asking.alpha,
            how,
            asking.seed,
            judged(channels, asking.alpha, how),
            (cause, causes),
            notes,
        )


@dataclass(frozen=True, slots=True)
class _Work:
    """One comparison: each kind of row is read, tested and let go of before the next."""

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
        kind = asked.features or stored[0].feature_type
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

    def predictions(self) -> tuple[list[Channel], Any, tuple[int, int]]:
        """Channels of predictions, why their mean moved, and how many there are."""
        first, second = (reading.predictions_of(self.view, side, self.texts) for side in self.sides)
        channels = prediction_channels((first, second), queries.model_names(self.view))
        facts = queries.specimen_facts(self.view)
        cause = attributed("predictions", (first, second), facts, seed=self.asking.seed)
        return channels, cause, (len(first["value"]), len(second["value"]))

    def labels(self, images: Both) -> tuple[list[Channel], Any, tuple[int, int], tuple[int, int]]:
        """Channels of labels and raters, why labels moved, how many, and how many left out."""
        restricted = hold_queries.restricted_technicians(self.view)
        found = [self._labels(side, images[at], restricted) for at, side in enumerate(self.sides)]
        both = (found[0][0], found[1][0])
        facts = queries.specimen_facts(self.view)
        left_out = (found[0][1], found[1][1])
        if "type" in both[0]:
            channels = label_channels(both, self.texts)
            masks = measured(both, self.texts)
            both = (_where(both[0], masks[0]), _where(both[1], masks[1]))
            channels += rater_channels(both, queries.staff_numbers(self.view))
        else:
            channels = frozen_channels(both)
        cause = attributed("labels", both, facts, seed=self.asking.seed)
        return channels, cause, (len(both[0]["value"]), len(both[1]["value"])), left_out

    def _labels(
        self, side: Asked, images: Columns, restricted: NDArray[np.int64]
    ) -> tuple[Columns, int]:
        if side.table is not None:
            return reading.frozen_labels(side.table, images, restricted)
        return reading.labels_of(self.view, side, self.texts, restricted)


def _where(columns: Columns, keep: NDArray[np.bool_]) -> Columns:
    return {name: column[keep] for name, column in columns.items()}
