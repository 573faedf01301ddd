"""The two kinds of PyTorch dataset; imported only where PyTorch is.

Both carry paths of mapped files and plain numbers: worker processes map the files themselves, and
no connection to a database crosses over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from mlmcsc.domain.datasets.positions import Plan
from mlmcsc.domain.datasets.sharding import Order
from mlmcsc.errors import ValidationError
from mlmcsc.services.datasets.samples import Batch, SampleReader

torch: Any = import_module("torch")  # without type information where it is not installed
data: Any = import_module("torch.utils.data")
Transform = Callable[[dict[str, Any]], Any]


def as_tensors(batch: Batch) -> dict[str, Any]:
    """The arrays of a batch as tensors; pictures of different sizes stay a list of them."""
    found = {
        "image_id": torch.from_numpy(batch.image_ids),
        "label": torch.from_numpy(batch.labels),
        "split": torch.from_numpy(batch.splits),
    }
    if batch.features is not None:
        found["features"] = torch.from_numpy(batch.features)
    if isinstance(batch.images, list):
        found["image"] = [torch.from_numpy(np.ascontiguousarray(each)) for each in batch.images]
    elif batch.images is not None:
        found["image"] = torch.from_numpy(batch.images)
    return found


class Samples(data.Dataset):  # type: ignore[misc]  # its base is known at run time only
    """Map-style: sample i of the order; `DataLoader` fetches a batch of them in one go."""

    def __init__(self, reader: SampleReader, order: Order, transform: Transform | None) -> None:
        self.reader, self.order, self.transform = reader, order, transform

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Many samples at once."""
        count = len(self)
        at = np.asarray(indices, np.int64)
        at = np.where(at < 0, at + count, at)
        if len(at) and (at.min() < 0 or at.max() >= count):
            raise IndexError(f"index {list(indices)}: there are {count} samples.")
        batch = as_tensors(self.reader.read(self.order.of(at)))
        rows = ({name: part[i] for name, part in batch.items()} for i in range(len(at)))
        return [row if self.transform is None else self.transform(row) for row in rows]

    def set_epoch(self, epoch: int) -> None:
        """Shuffle for another epoch."""
        self.order = replace(self.order, epoch=epoch)


class Batches(data.IterableDataset):  # type: ignore[misc]  # its base is known at run time only
    """Iterable style: whole batches, in one order with any number of workers.

    In a worker process of `DataLoader` it gives every K-th batch of the order, which `DataLoader`
    puts together again. `state_dict` there is the state of that worker (as torchdata's
    StatefulDataLoader saves it); in the main process, and as `position` of each batch, it is a
    position from which any number of workers go on.
    """

    def __init__(self, reader: SampleReader, plan: Plan, transform: Transform | None) -> None:
        self.reader, self.plan, self.transform = reader, plan, transform
        self._done = 0
        self._worker: tuple[int, int] = (0, 1)
        self._resuming = False

    def __len__(self) -> int:
        return len(self.plan)

    def __iter__(self) -> Iterator[Any]:
        info = data.get_worker_info()
        worker = (0, 1) if info is None else (info.id, info.num_workers)
        if self._resuming and self._done and worker != self._worker:
            raise ValidationError(
                f"The state is of worker {self._worker[0]} of {self._worker[1]}, this is worker "
                f"{worker[0]} of {worker[1]}. Load a batch's position, which suits any number."
            )
        self._done = self._done if self._resuming else 0
        self._worker, self._resuming = worker, False
        plan = self.plan.by(*worker)
        for first, last in plan.spans(self._done):
            position = plan.position(last)
            batch = self.reader.read(plan.order.at(first, last), position)
            self._done += 1
            told = as_tensors(batch) | {"position": position}
            yield told if self.transform is None else self.transform(told)
        self._done, self.plan = 0, replace(self.plan, start=0)  # the next epoch is a whole one

    def set_epoch(self, epoch: int) -> None:
        """Begin another epoch; call it before the workers start."""
        order = replace(self.plan.order, epoch=epoch)
        self.plan, self._done = replace(self.plan, order=order, start=0), 0

    def state_dict(self) -> dict[str, Any]:
        """Where reading is: plain JSON."""
        worker, workers = self._worker
        if workers == 1:
            return self.plan.position(self._behind())
        here = {"worker": worker, "workers": workers, "batches": self._done}
        return self.plan.position(self.plan.start) | here

    def _behind(self) -> int:
        """The sample behind the last batch of a single reader."""
        return min(self.plan.start + self._done * self.plan.batch_size, len(self.plan.order))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, or from the `position` of a batch.

        Raises:
            ValidationError: It is of other data or another order.
        """
        self.plan = self.plan.resumed(state)
        self._done = int(state.get("batches", 0))
        self._worker = (int(state.get("worker", 0)), int(state.get("workers", 1)))
        self._resuming = True
