"""Training data without leaks: one row per image, split by specimen, the same every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelPolicy
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.label_policy import choose_labels
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.splits import Split, SplitRatios, assign_splits
from mlmcsc.domain.training import (
    GroupBy,
    Narrow,
    Pairs,
    Places,
    TrainingData,
    TrainingReport,
    links_among,
    units,
)
from mlmcsc.errors import UnknownRecordError, UnsupportedError, ValidationError
from mlmcsc.store.queries import anchors as anchor_queries
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries import holds as hold_queries
from mlmcsc.store.queries import training as training_queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.training import LabelTable
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class _Dealt:
    """The splits of all images that ever had a label, ascending; arrays of shape (M,).

    Attributes:
        images: int64 ids; labels and image may be gone.
        assigned: int8, values of `Split`.
        codes: int64, what stays together.
        labelled: How many of them have labels.
        links: Pairs of look-alikes among those.
    """

    images: NDArray[np.int64]
    assigned: NDArray[np.int8]
    codes: NDArray[np.int64]
    labelled: int
    links: int


@dataclass(frozen=True, slots=True)
class Training:
    """Make training sets, in one actor's name."""

    db: Store
    actor: Actor
    label_range: tuple[float, float]

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
            data_version: Not in this release: frozen versions come with Part 3. Any value is
                refused.
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
        ratios = SplitRatios(train_split, val_split, test_split)
        policy = _policy(label_policy)
        _check(group_by, verified_only, stratify)
        narrow = Narrow.checked(min_confidence, model_version_id, feature_type, extractor_version)
        with self.db.read() as view:
            if data_version is not None:
                _refuse_version(view, data_version)
            restricted = hold_queries.restricted_technicians(view)
            people = policy in {LabelPolicy.MEAN, LabelPolicy.CONSENSUS} or len(restricted) > 0
            verified = verified_only or policy is LabelPolicy.VERIFIED
            table = training_queries.read_labels(view, people=people, verified=verified)
            dealt = self._deal(view, table, ratios, group_by, stratify=stratify, seed=seed)
            usable = table.made_by_others_than(restricted)
            chosen, values = _values(usable, policy, verified_only=verified_only)
            at = np.searchsorted(dealt.images, chosen)
            keep, left_out = _filter(view, chosen, narrow)
        usable_images = dealt.labelled if usable is table else len(np.unique(usable.image_ids))
        left_out |= _without_value(dealt.labelled, usable_images, len(chosen))
        chosen, values, at = chosen[keep], values[keep], at[keep]
        assigned, codes = dealt.assigned[at], dealt.codes[at]
        report = TrainingReport(
            labelled_images=dealt.labelled,
            used=len(chosen),
            left_out=left_out,
            groups={s.name.lower(): len(np.unique(codes[assigned == s])) for s in Split},
            near_duplicate_links=dealt.links,
            label_policy=policy.value,
            seed=seed,
            restricted_labels=len(table.label_ids) - len(usable.label_ids),
        )
        splits = {s.name.lower(): _pairs(chosen, values, assigned == s) for s in Split}
        return TrainingData(splits, report)

    def _deal(
        self,
        view: View,
        table: LabelTable,
        ratios: SplitRatios,
        group_by: GroupBy,
        *,
        stratify: bool,
        seed: int,
    ) -> _Dealt:
        labelled = _first_labels(view, table)
        places = labelled.anchored(anchor_queries.read(view))
        images = places.images
        if group_by == "specimen":
            members, groups = training_queries.specimen_groups(view)
            codes = units(images, members, groups)
        else:
            codes = np.arange(len(images), dtype=np.int64)
        pairs = training_queries.look_alikes(view)
        links = links_among(images, pairs)
        assigned = assign_splits(
            unit_of_image=codes,
            first_label_id=places.first_ids,
            initial_value=places.initial,
            ratios=ratios,
            seed=seed,
            stratify=stratify,
            label_range=self.label_range,
            links=links,
        )
        if len(images) > len(labelled.images):
            links = links_among(labelled.images, pairs)
        return _Dealt(images, assigned, codes, len(labelled.images), len(links))


def _first_labels(view: View, table: LabelTable) -> Places:
    """The images that have labels, each with the first of them as it was before corrections."""
    images, first_rows = np.unique(table.image_ids, return_index=True)
    first_ids = table.label_ids[first_rows]
    initial = table.values[first_rows].copy()
    corrected, originals = training_queries.first_values(view)
    at = np.searchsorted(corrected, first_ids)
    hit = at < len(corrected)
    hit[hit] = corrected[at[hit]] == first_ids[hit]
    initial[hit] = originals[at[hit]]
    return Places(images, first_ids, initial)


def _values(
    table: LabelTable, policy: LabelPolicy, *, verified_only: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    keep: NDArray[np.bool_] | slice = slice(None)
    if verified_only and table.verified is not None:
        keep = table.verified
    return choose_labels(
        table.image_ids[keep],
        table.values[keep],
        table.label_ids[keep],
        policy=policy,
        technician_ids=None if table.technician_ids is None else table.technician_ids[keep],
        verified=None if table.verified is None else table.verified[keep],
        consensus=None if table.consensus is None else table.consensus[keep],
    )


def _without_value(labelled: int, usable: int, chosen: int) -> dict[str, int]:
    """How many images have labels, but none that may be used or is verified."""
    fewer = {"restricted labels only": labelled - usable, "no verified label": usable - chosen}
    return {reason: count for reason, count in fewer.items() if count}


def _filter(
    view: View, images: NDArray[np.int64], narrow: Narrow
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Which images stay, and how many leave for which reason."""
    keep = np.ones(len(images), dtype=bool)
    left_out: dict[str, int] = {}
    tests = [("marked invalid", ~np.isin(images, training_queries.invalid_images(view)))]
    if narrow.min_confidence is not None:
        sure = training_queries.confident_images(
            view, narrow.min_confidence, narrow.model_version_id
        )
        tests.append(
            (f"latest prediction below confidence {narrow.min_confidence:g}", np.isin(images, sure))
        )
    if narrow.feature_type is not None:
        kind, version = narrow.feature_type, narrow.extractor_version
        feature_queries.choose(view, kind, version)
        have = training_queries.images_with_features(view, kind, version)
        named = kind if version is None else f"{kind} {version}"
        tests.append((f"no {named} features", np.isin(images, have)))
    for reason, passes in tests:
        leaving = int((keep & ~passes).sum())
        if leaving:
            left_out[reason] = leaving
        keep &= passes
    return keep, left_out


def _pairs(
    images: NDArray[np.int64], values: NDArray[np.float64], mask: NDArray[np.bool_]
) -> Pairs:
    return list(zip(images[mask].tolist(), values[mask].tolist(), strict=True))


def _policy(label_policy: str) -> LabelPolicy:
    try:
        return LabelPolicy(label_policy)
    except ValueError:
        raise ValidationError(
            f"label_policy={label_policy!r}: must be one of {', '.join(LabelPolicy)}."
        ) from None


_SWITCHES = (
    Field("verified_only", Kind.FLAG, "use verified labels only", required=True),
    Field("stratify", Kind.FLAG, "spread the label range over the splits", required=True),
)


def _check(group_by: str, *switches: object) -> None:
    for switch, value in zip(_SWITCHES, switches, strict=True):
        switch.check(value)
    if group_by not in {"specimen", "image"}:
        raise ValidationError(f"group_by={group_by!r}: must be 'specimen' or 'image'.")


def _refuse_version(view: View, data_version: str) -> None:
    known = training_queries.data_version_names(view)
    if data_version not in known:
        raise UnknownRecordError(
            f"data version {data_version!r} does not exist. Known: {', '.join(known) or 'none'}. "
            "Frozen versions are not in this release; leave data_version out to split live data."
        )
    raise UnsupportedError(
        f"data version {data_version!r} was recorded without the list of its images, so its "
        "splits cannot be given back; frozen versions are not in this release. Leave data_version "
        "out to split the live data."
    )
