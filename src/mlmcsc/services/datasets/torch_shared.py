"""What the processes of a `DataLoader` share: the epoch, and who took the position to go on from.

A worker process has a copy of the dataset, of when it was started; what is set in the main process
afterwards reaches it through shared memory only.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mlmcsc.errors import ValidationError

torch: Any = import_module("torch")  # without type information where it is not installed
MOST_WORKERS = 1 << 12
NONE = -1


class Shared:
    """Numbers in shared memory; pickling to a worker keeps them shared, any other copies them.

    Args:
        epoch: The epoch to read.
    """

    def __init__(self, epoch: int) -> None:
        # The epoch; the sample to go on from; the iteration that goes on from it.
        self._numbers = torch.tensor([epoch, NONE, NONE], dtype=torch.int64).share_memory_()
        self._took = torch.zeros(MOST_WORKERS, dtype=torch.uint8).share_memory_()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({name: each.share_memory_() for name, each in state.items()})

    @property
    def epoch(self) -> int:
        """The epoch to read."""
        return int(self._numbers[0])

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        """Read another epoch from the next iteration on."""
        self._numbers[0] = epoch

    @property
    def waiting(self) -> int | None:
        """The sample from which the next iteration goes on; None where it is a whole epoch."""
        start, iteration = self._numbers[1:].tolist()
        return None if start == NONE or iteration != NONE else int(start)

    def offer(self, start: int) -> None:
        """The next iteration goes on from this sample."""
        self._took.zero_()
        self._numbers[1:] = torch.tensor([start, NONE])

    def withdraw(self) -> None:
        """The next iteration is a whole epoch."""
        self._numbers[1] = NONE

    def take(self, info: Any) -> int | None:
        """The sample from which this worker goes on; None for all but its first iteration.

        Args:
            info: What `get_worker_info()` tells; its seed is the iteration's plus the number.

        Raises:
            ValidationError: There are more workers than `MOST_WORKERS`.
        """
        if info.num_workers > MOST_WORKERS:
            raise ValidationError(f"num_workers={info.num_workers}: at most {MOST_WORKERS}.")
        mine = (int(info.seed) - int(info.id)) & (2**62 - 1)
        start, iteration = self._numbers[1:].tolist()
        if start == NONE or iteration not in {NONE, mine} or self._took[info.id]:
            return None
        self._numbers[2], self._took[info.id] = mine, 1
        return int(start)
