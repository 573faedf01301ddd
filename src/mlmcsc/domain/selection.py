"""What is asked of a choice of training images, and what was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelPolicy
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.filters import FIELDS
from mlmcsc.domain.splits import Split, SplitRatios
from mlmcsc.domain.training import GroupBy, Narrow, TrainingReport
from mlmcsc.errors import ValidationError


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which images are chosen, which value stands for each, and how they are dealt out.

    Attributes:
        ratios: Shares of the splits.
        policy: Which value stands for an image.
        verified_only: Use verified labels only.
        narrow: Conditions on predictions and vectors.
        group_by: What stays together.
        stratify: Spread the label range over the splits.
        seed: Another seed deals the groups out differently.
        images: Conditions on the images, by keyword; see `check_images`.
    """

    ratios: SplitRatios
    policy: LabelPolicy
    verified_only: bool
    narrow: Narrow
    group_by: GroupBy
    stratify: bool
    seed: int
    images: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def checked(
        cls,
        ratios: SplitRatios,
        *,
        label_policy: str,
        verified_only: Any,
        narrow: Narrow,
        group_by: Any,
        stratify: Any,
        seed: Any,
        images: Mapping[str, Any] | None = None,
    ) -> Self:
        """From what a caller gave.

        Raises:
            ValidationError: A value is wrong.
        """
        policy = _policy(label_policy)
        for switch, value in zip(_SWITCHES, (verified_only, stratify), strict=True):
            switch.check(value)
        if group_by not in {"specimen", "image"}:
            raise ValidationError(f"group_by={group_by!r}: must be 'specimen' or 'image'.")
        group = cast("GroupBy", group_by)
        chosen = check_images(images or {})
        return cls(ratios, policy, verified_only, narrow, group, stratify, seed, chosen)


@dataclass(frozen=True, slots=True)
class Votes:
    """The labels that each value was made of, image by image.

    Attributes:
        offsets: `int64[M + 1]`, where each image's labels begin in the other two.
        label_ids: `int64[K]`, ascending within an image.
        technician_ids: `int64[K]`, whose they are.
    """

    offsets: NDArray[np.int64]
    label_ids: NDArray[np.int64]
    technician_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen images, ascending by id; arrays of shape `(M,)`.

    Attributes:
        images: int64 ids.
        values: float64, in the unit of the label range.
        splits: int8, values of `Split`.
        votes: What the values were made of; None where nobody asked.
        report: What was left out, and why.
    """

    images: NDArray[np.int64]
    values: NDArray[np.float64]
    splits: NDArray[np.int8]
    votes: Votes | None
    report: TrainingReport

    def counts(self) -> dict[str, int]:
        """Images in each split."""
        return {s.name.lower(): int((self.splits == s).sum()) for s in Split}


def check_images(given: Mapping[str, Any]) -> dict[str, Any]:
    """The conditions on images that narrow, checked.

    Raises:
        ValidationError: A value is wrong.
    """
    found = {name: value for name, value in given.items() if value is not None}
    checked = {name: FIELDS[name].check(value) for name, value in found.items() if name in FIELDS}
    if "specimen_ids" in found:
        checked["specimen_ids"] = _specimens(found["specimen_ids"])
    return checked


def _specimens(value: Any) -> list[str]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise ValidationError(
            f"specimen_ids={value!r}: give a list of specimen numbers: ['S1', 'S2']."
        )
    return sorted({SPECIMEN.check(each) for each in value})


SPECIMEN = Field("specimen_ids", Kind.TEXT, "specimen number", required=True, is_name=True)
_SWITCHES = (
    Field("verified_only", Kind.FLAG, "use verified labels only", required=True),
    Field("stratify", Kind.FLAG, "spread the label range over the splits", required=True),
)


def _policy(label_policy: str) -> LabelPolicy:
    try:
        return LabelPolicy(label_policy)
    except ValueError:
        raise ValidationError(
            f"label_policy={label_policy!r}: must be one of {', '.join(LabelPolicy)}."
        ) from None
