"""Which places of a technician's queue are checks, and which labels are made blind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import floor

import numpy as np

from mlmcsc.errors import ValidationError

BLOCK = 20
"""Places that are shuffled together: exact shares after each, no pattern within."""
BLIND_SHARE = 0.25
"""Share of the ordinary images that are labelled blind too, so that blind does not mean check."""
ROUNDING = 1e-9
"""What a product of shares may fall short of a whole number through binary fractions."""


class Purpose(StrEnum):
    """Why an image was handed out."""

    NEW = "new"
    OVERLAP = "overlap"
    DUPLICATE = "duplicate"
    GOLD = "gold"


def is_blind(purpose: str, technician_id: int, image_id: int) -> bool:
    """Whether the label is made without seeing the model's answer.

    Checks always are. So that blind does not mean check, a share of the other images are too,
    always the same ones for the same person.
    """
    if purpose != Purpose.NEW:
        return True
    drawn = np.random.default_rng([technician_id, image_id]).random()
    return bool(drawn < BLIND_SHARE)


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of checks among the images that a technician gets.

    Attributes:
        duplicate: Share of blind duplicates, 0 to 1.
        gold: Share of images with a gold label, 0 to 1.
    """

    duplicate: float
    gold: float

    def __post_init__(self) -> None:
        """Refuse shares that leave nothing to label.

        Raises:
            ValidationError: They sum up to more than 1.
        """
        if self.duplicate + self.gold > 1:
            raise ValidationError(
                f"quality.duplicate_share={self.duplicate:g} and quality.gold_share={self.gold:g} "
                "sum up to more than 1. Lower one of them."
            )

    def places(self, technician_id: int, first: int, count: int) -> list[Purpose]:
        """The places `first` to `first + count - 1` (from 0) of a technician's queue.

        `new` stands for whatever the strategy gives.

        Of the first N places, N a multiple of `BLOCK`, ⌊N·share⌋ are duplicates, and likewise
        golds; only where both shares sum up to more than 0.95 a block may lack a place for one.
        Where in a block they lie is a permutation of its own for each technician and block.
        """
        blocks = range(first // BLOCK, (first + count - 1) // BLOCK + 1) if count else range(0)
        every = [place for block in blocks for place in self._block(technician_id, block)]
        start = first % BLOCK
        return every[start : start + count]

    def _block(self, technician_id: int, block: int) -> list[Purpose]:
        duplicates = _due(self.duplicate, block)
        golds = min(_due(self.gold, block), BLOCK - duplicates)
        every = [
            *[Purpose.DUPLICATE] * duplicates,
            *[Purpose.GOLD] * golds,
            *[Purpose.NEW] * (BLOCK - duplicates - golds),
        ]
        order = np.random.default_rng([technician_id, block]).permutation(BLOCK)
        return [every[at] for at in order.tolist()]


def _due(share: float, block: int) -> int:
    """How many places of this block a share takes, what was left of earlier ones included."""
    begun = block * BLOCK
    return floor((begun + BLOCK) * share + ROUNDING) - floor(begun * share + ROUNDING)
