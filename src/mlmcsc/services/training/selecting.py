"""Choosing images, their values and their splits: what training reads and versions freeze."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelPolicy
from mlmcsc.domain.label_policy import Chosen, choose_labels
from mlmcsc.domain.selection import Selection, Votes, Wanted
from mlmcsc.domain.splits import Split, assign_splits
from mlmcsc.domain.training import Places, TrainingReport, links_among, units
from mlmcsc.store.queries import anchors as anchor_queries
from mlmcsc.store.queries import choosing
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries import holds as hold_queries
from mlmcsc.store.queries import training as training_queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.training import LabelTable


def select(
    view: View, wanted: Wanted, label_range: tuple[float, float], *, votes: bool = False
) -> Selection:
    """The images that have a value, narrowed, each in its split.

    Args:
        view: An open transaction.
        wanted: What is asked.
        label_range: Lowest and highest label of the database.
        votes: Also say of which labels, and whose, each value was made.

    Raises:
        ValidationError: The seed is not a whole number.
        AmbiguousError: Vectors of the wanted type by several extractor versions are stored.
        UnknownRecordError: There are no such vectors.
    """
    restricted = hold_queries.restricted_technicians(view)
    voting = wanted.policy in {LabelPolicy.MEAN, LabelPolicy.CONSENSUS}
    verified = wanted.verified_only or wanted.policy is LabelPolicy.VERIFIED
    people = votes or voting or len(restricted) > 0
    table = training_queries.read_labels(view, people=people, verified=verified)
    dealt = _deal(view, table, wanted, label_range)
    usable = table.made_by_others_than(restricted)
    usable_images = dealt.labelled if usable is table else len(np.unique(usable.image_ids))
    counting = usable.verified_ones() if wanted.verified_only else usable
    chosen = _values(counting, wanted.policy)
    keep, left_out = _filter(view, chosen.images, wanted)
    left_out |= _without_value(dealt.labelled, usable_images, len(chosen.images))
    images, values = chosen.images[keep], chosen.values[keep]
    at = np.searchsorted(dealt.images, images)
    assigned, codes = dealt.assigned[at], dealt.codes[at]
    report = TrainingReport(
        labelled_images=dealt.labelled,
        used=len(images),
        left_out=left_out,
        groups={s.name.lower(): len(np.unique(codes[assigned == s])) for s in Split},
        near_duplicate_links=dealt.links,
        label_policy=wanted.policy.value,
        seed=wanted.seed,
        restricted_labels=len(table.label_ids) - len(usable.label_ids),
    )
    told = _votes(counting, chosen, keep) if votes else None
    return Selection(images, values, assigned, told, report)


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


def _deal(
    view: View, table: LabelTable, wanted: Wanted, label_range: tuple[float, float]
) -> _Dealt:
    labelled = _first_labels(view, table)
    places = labelled.anchored(anchor_queries.read(view))
    images = places.images
    if wanted.group_by == "specimen":
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
        ratios=wanted.ratios,
        seed=wanted.seed,
        stratify=wanted.stratify,
        label_range=label_range,
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


def _values(table: LabelTable, policy: LabelPolicy) -> Chosen:
    return choose_labels(
        table.image_ids,
        table.values,
        table.label_ids,
        policy=policy,
        technician_ids=table.technician_ids,
        verified=table.verified,
        consensus=table.consensus,
    )


def _votes(table: LabelTable, chosen: Chosen, keep: NDArray[np.bool_]) -> Votes:
    """What went into the values of the images that stay; `table` has its people."""
    offsets, rows = chosen.by_image()
    sizes = np.diff(offsets)
    rows = rows[np.repeat(keep, sizes)]
    kept = np.concatenate([[0], sizes[keep].cumsum()]).astype(np.int64)
    people = np.empty(0, np.int64) if table.technician_ids is None else table.technician_ids
    return Votes(kept, table.label_ids[rows], people[rows])


def _without_value(labelled: int, usable: int, chosen: int) -> dict[str, int]:
    """How many images have labels, but none that may be used or is verified."""
    fewer = {"restricted labels only": labelled - usable, "no verified label": usable - chosen}
    return {reason: count for reason, count in fewer.items() if count}


def _filter(
    view: View, images: NDArray[np.int64], wanted: Wanted
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Which images stay, and how many leave for which reason."""
    narrow = wanted.narrow
    keep = np.ones(len(images), dtype=bool)
    left_out: dict[str, int] = {}
    tests = [("marked invalid", ~np.isin(images, training_queries.invalid_images(view)))]
    for name, value in wanted.images.items():
        fit = choosing.images_that_fit(view, name, value)
        tests.append((choosing.REASONS[name], np.isin(images, fit)))
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
