"""Which samples are whose: ranks share an epoch, the workers of a rank share its batches.

The epoch's order is one sequence. Rank r of W has its places r, r+W, r+2W, … That leaves an uneven
tail when W does not divide the number of samples; `even` says what becomes of it:

* `keep`: the first ranks have one sample more. Each sample is read exactly once.
* `drop`: every rank has as many as the last one; the last n mod W samples of the order are left
  out of this epoch.
* `pad`: every rank has as many as the first one; the order goes on from its beginning, so up to
  W - 1 samples (more only where n < W) are read twice.

A rank's samples form batches, in order. Worker w of K has its batches w, w+K, w+2K, …, so that a
reader that takes one batch from each worker in turn meets them in the order of a single process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.datasets.permutation import Permutation
from mlmcsc.domain.records import Record
from mlmcsc.errors import ValidationError

Even = Literal["keep", "drop", "pad"]
LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Order(Record):
    """The samples of one rank in one epoch, in order.

    Attributes:
        rows: Samples of all ranks.
        shuffle: Whether they are shuffled.
        seed: Decides the shuffling, with `epoch`.
        epoch: From 0; every epoch is shuffled differently.
        rank: This process among all, 0 to `world_size` - 1.
        world_size: Processes that share the samples.
        even: What becomes of the uneven tail.
    """

    rows: int
    shuffle: bool = False
    seed: int = 0
    epoch: int = 0
    rank: int = 0
    world_size: int = 1
    even: Even = "keep"

    def __post_init__(self) -> None:
        limits = {
            "seed": (-LARGEST, LARGEST),
            "epoch": (0, LARGEST),
            "world_size": (1, 2**31),
            "rank": (0, 2**31),
        }
        for name, (least, most) in limits.items():
            # Plain numbers: NumPy's would not go into JSON.
            object.__setattr__(self, name, whole(name, getattr(self, name), least, most))
        whole("rank", self.rank, 0, self.world_size - 1)
        if not isinstance(self.shuffle, bool):
            raise ValidationError(f"shuffle={self.shuffle!r}: give True or False.")
        if self.even not in get_args(Even):
            raise ValidationError(
                f"even={self.even!r}: must be one of {', '.join(get_args(Even))}."
            )

    def __len__(self) -> int:
        if self.even == "drop":
            return self.rows // self.world_size
        ahead = 0 if self.even == "pad" else self.rank
        return (self.rows + self.world_size - 1 - ahead) // self.world_size

    def at(self, first: int, last: int) -> NDArray[np.int64]:
        """Row numbers of this rank's samples `first` to `last` - 1; shape (last - first,)."""
        return self.of(np.arange(first, last, dtype=np.int64))

    def of(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row numbers of these of the rank's samples, each 0 to `len(self)` - 1; shape (N,)."""
        places = samples * self.world_size + self.rank
        if self.even == "pad":
            places %= self.rows
        if not self.shuffle:
            return places
        return Permutation(self.rows, self.seed, self.epoch)(places)


def whole(name: str, value: Any, least: int, most: int) -> int:
    """A whole number within limits.

    Raises:
        ValidationError: It is not.
    """
    sound = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not sound or not least <= value <= most:
        raise ValidationError(f"{name}={value!r}: give a whole number from {least} to {most}.")
    return int(value)
