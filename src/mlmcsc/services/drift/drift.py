"""Compare two periods, or two versions, in one actor's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from mlmcsc.adapters.frozen_tables import FrozenTable
from mlmcsc.domain.drift.periods import Period, read_period, refuse_overlap
from mlmcsc.domain.drift.report import DriftReport, Side, judged
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.manifest import Manifest
from mlmcsc.errors import ValidationError
from mlmcsc.services.drift import reading
from mlmcsc.services.drift.asking import Asking
from mlmcsc.services.drift.comparison import Comparison
from mlmcsc.services.drift.reading import Asked
from mlmcsc.store.uow import Store

OpenVersion = Callable[[str], tuple[DataVersionRecord, Manifest, FrozenTable]]
"""Gives a version by name or tag, with its rows."""
WHENEVER: Final = Period(None, None)
STEPS: Final = 4
FROZEN: Final = (
    "Labels are as frozen, one an image; the rest is of today, for the versions' images.",
    "An image that is in both versions makes them alike; tests are cautious then.",
)


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
        given: Any = age
        if not isinstance(given, timedelta) or given <= timedelta(0):
            raise ValidationError(f"age={age!r}: must be a timedelta above 0, such as 30 days.")
        try:
            since = self.db.clock() - age
        except OverflowError:
            reason = f"age={age.days} days: begins before the year 1; name a shorter one."
            raise ValidationError(reason) from None
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
        for name in (reference, current):
            if not isinstance(name, str):
                raise ValidationError(f"version {name!r}: must be a name or a tag.")
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
            work = Comparison(view, sides, asking, reading.coded(view))
            progress("images", 0, STEPS)
            channels, images = work.inputs()
            counts = (len(images[0]["id"]), len(images[1]["id"]))
            progress("features", 1, STEPS)
            channels.append(work.vectors(images))
            progress("predictions", 2, STEPS)
            predicted = work.predictions()
            progress("labels", 3, STEPS)
            labelled = work.labels(images)
        told = [
            Side(
                side.name,
                counts[at],
                predicted.sizes[at],
                labelled.sizes[at],
                labelled.left_out[at],
            )
            for at, side in enumerate(sides)
        ]
        progress("labels", STEPS, STEPS)
        return DriftReport(
            told[0],
            told[1],
            asking.alpha,
            how,
            asking.seed,
            judged([*channels, *predicted.channels, *labelled.channels], asking.alpha, how),
            (labelled.cause, predicted.cause),
            notes,
        )
