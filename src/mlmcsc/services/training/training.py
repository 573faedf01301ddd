"""The documented door to training data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.selection import Selection, Wanted
from mlmcsc.domain.splits import Split, SplitRatios
from mlmcsc.domain.training import GroupBy, Narrow, Pairs, TrainingData
from mlmcsc.services.training.selecting import select
from mlmcsc.store.uow import Store

Frozen = Callable[[str, Mapping[str, Any]], TrainingData]
"""Gives the splits of a frozen version, if what was asked for besides does not contradict it."""


@dataclass(frozen=True, slots=True)
class Training:
    """Make training sets, in one actor's name."""

    db: Store
    actor: Actor
    label_range: tuple[float, float]
    frozen: Frozen

    @requires(Permission.TRAIN)
    def splits(
        self,
        train_split: float = 0.7,
        val_split: float = 0.15,
        test_split: float = 0.15,
        *,
        verified_only: bool = False,
        min_confidence: float | None = None,
        data_version: str | None = None,
        feature_type: str | None = None,
        group_by: GroupBy = "specimen",
        stratify: bool = True,
        seed: int = 0,
        label_policy: Literal["latest", "mean", "consensus", "verified"] = "latest",
        extractor_version: str | None = None,
        model_version_id: int | None = None,
    ) -> TrainingData:
        """Labelled images in three splits that do not leak into each other.

        Every image comes once. Images of one specimen, and images that look the same, are in
        one split. Splits are made over all labelled images before any filter, so later images,
        labels, corrections, verifications and filters move no image to another split.

        What does move images: giving an image that is labelled already a specimen (or another
        one), a new image that looks like two groups. The images that join an older group move
        into its split; and where the number of groups changes by it, later groups (of the first
        20, or of that tenth of the label range) may shift by a place. So name specimens at
        ingest. Deleting labels or images moves none: their places are kept.

        Labels of people whose data may not be processed (GDPR Art. 18) are left out and counted;
        they keep the places of their images.

        Args:
            train_split: Share of groups to train on.
            val_split: Share to validate on.
            test_split: Share to test on; the three sum to 1.
            verified_only: Use verified labels only.
            min_confidence: Leave out images whose prediction stored last (highest id, of any
                model unless `model_version_id` names one) is less confident, or that have none.
            data_version: Give the splits of this frozen version (or tag) as they were made; every
                other argument is left out or as the version was made. Rows that were redacted
                since, or labelled by people whose data may not be processed, are left out and
                counted.
            feature_type: Leave out images without a vector of this type.
            group_by: What must stay together: `specimen`, or each `image` by itself.
            stratify: Spread the label range evenly over the splits.
            seed: Another seed deals the groups out differently.
            label_policy: Which value stands for an image that has several labels: the `latest`
                (stored last: highest id, whatever its timestamp says), the `mean` or
                `consensus` (median) of each technician's latest, or the latest `verified` one.
            extractor_version: With `feature_type`: of this extractor; may be left out when only
                one version is stored.
            model_version_id: With `min_confidence`: look at this model's predictions only.

        Raises:
            ValidationError: Shares that do not sum to 1, or another wrong argument.
            AmbiguousError: Vectors of `feature_type` by several extractor versions are stored.
            UnknownRecordError: There is no such data version.
            UnsupportedError: The data version lists no images.
        """
        if data_version is not None:
            asked = {
                "train_split": train_split,
                "val_split": val_split,
                "test_split": test_split,
                "verified_only": verified_only,
                "min_confidence": min_confidence,
                "feature_type": feature_type,
                "group_by": group_by,
                "stratify": stratify,
                "seed": seed,
                "label_policy": label_policy,
                "extractor_version": extractor_version,
                "model_version_id": model_version_id,
            }
            return self.frozen(data_version, _meant(asked))
        narrow = Narrow.checked(min_confidence, model_version_id, feature_type, extractor_version)
        wanted = Wanted.checked(
            SplitRatios(train_split, val_split, test_split),
            label_policy=label_policy,
            verified_only=verified_only,
            narrow=narrow,
            group_by=group_by,
            stratify=stratify,
            seed=seed,
        )
        with self.db.read() as view:
            selection = select(view, wanted, self.label_range)
        splits = {s.name.lower(): _pairs(selection, s) for s in Split}
        return TrainingData(splits, selection.report)


def _pairs(selection: Selection, split: Split) -> Pairs:
    mask = selection.splits == split
    images, values = selection.images[mask], selection.values[mask]
    return list(zip(images.tolist(), values.tolist(), strict=True))


def _meant(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that are not as they are when left out."""
    usual = inspect.signature(Training.splits).parameters
    return {name: value for name, value in asked.items() if value != usual[name].default}
