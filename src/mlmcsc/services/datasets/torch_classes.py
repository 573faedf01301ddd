"""The two kinds of PyTorch dataset; imported only where PyTorch is.

Both carry paths of mapped files and plain numbers: worker processes map the files themselves, and
no connection to a database crosses over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from importlib import import_module
from typing import Any

import numpy as np

from mlmcsc.domain.datasets.positions import Plan, Share
from mlmcsc.domain.datasets.sharding import LARGEST, Order, whole
from mlmcsc.errors import ValidationError
from mlmcsc.services.datasets.samples import Batch, SampleReader
from mlmcsc.services.datasets.torch_shared import Shared

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
        self.reader, self.transform = reader, transform
        self._order, self._shared = order, Shared(order.epoch)

    def __len__(self) -> int:
        return len(self._order)

    @property
    def order(self) -> Order:
        """The order of this epoch."""
        return replace(self._order, epoch=self._shared.epoch)

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
        """Shuffle for another epoch, in all worker processes; between two epochs.

        Raises:
            ValidationError: It is no whole number from 0.
        """
        self._shared.epoch = whole("epoch", epoch, 0, LARGEST)


class Batches(data.IterableDataset):  # type: ignore[misc]  # its base is known at run time only
    """Iterable style: whole batches, in one order with any number of workers.

    In a worker process of `DataLoader` it gives every K-th batch of the order, which `DataLoader`
    puts together again. One rule for where reading goes on: the iteration after `load_state_dict`
    goes on from that state, once; every other one is a whole epoch, also after breaking off and
    after an epoch that was gone on with.
    """

    def __init__(self, reader: SampleReader, plan: Plan, transform: Transform | None) -> None:
        self.reader, self.transform = reader, transform
        self._plan, self._shared = plan, Shared(plan.order.epoch)
        self._share = Share()
        self._loaded = False  # in this very worker process

    @property
    def plan(self) -> Plan:
        """How the iteration that began last is read, or the next one if a state waits for it."""
        order = replace(self._plan.order, epoch=self._shared.epoch)
        waiting = self._shared.waiting
        return replace(self._plan, order=order, start=waiting or self._plan.start)

    def __len__(self) -> int:
        """Batches of the next iteration."""
        return len(replace(self._plan, start=self._shared.waiting or 0))

    def __iter__(self) -> Iterator[Any]:
        info = data.get_worker_info()
        worker = (0, 1) if info is None else (info.id, info.num_workers)
        self._begin(info, *worker)
        plan = self.plan.by(*worker)
        for first, last in plan.spans(self._share.batches):
            position = plan.position(last)
            batch = self.reader.read(plan.order.at(first, last), position)
            self._share = replace(self._share, batches=self._share.batches + 1)
            told = as_tensors(batch) | {"position": position}
            yield told if self.transform is None else self.transform(told)

    def _begin(self, info: Any, worker: int, workers: int) -> None:
        """Find out whether this iteration goes on from a state, once."""
        if self._loaded:
            told, self._loaded = self._share, False
            if told.batches and (told.worker, told.workers) != (worker, workers):
                raise ValidationError(
                    f"The state is of worker {told.worker} of {told.workers}, this is worker "
                    f"{worker} of {workers}. Load a batch's position, which suits any number."
                )
            self._share = replace(told, worker=worker, workers=workers)
            return
        if info is None:
            start = self._shared.waiting
            self._shared.withdraw()
        else:
            start = self._shared.take(info)
        self._plan, self._share = replace(self._plan, start=start or 0), Share(worker, workers)

    def set_epoch(self, epoch: int) -> None:
        """Read another epoch, in all worker processes; between two iterations.

        A state that was loaded stays loaded if it is of that epoch; else the epoch begins whole.

        Raises:
            ValidationError: It is no whole number from 0.
        """
        epoch = whole("epoch", epoch, 0, LARGEST)
        if epoch != self._shared.epoch:
            self._plan, self._share = replace(self._plan, start=0), Share()
            self._shared.withdraw()
        self._shared.epoch = epoch

    def state_dict(self) -> dict[str, Any]:
        """Where reading is: plain JSON; after the last batch, the end of the epoch.

        The main process does not see how far its worker processes are: save the `position` of
        the last batch then.
        """
        share, plan = self._share, self.plan
        if share.workers == 1:
            behind = plan.start + share.batches * plan.batch_size
            return plan.position(min(behind, len(plan.order)))
        return plan.position(plan.start) | asdict(share)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state, or from the `position` of a batch, in the next iteration.

        Raises:
            ValidationError: It is of other data or another order, or no such state.
        """
        if data.get_worker_info() is None:
            self._plan, self._share = self.plan.resumed(state), Share()
            self._shared.offer(self._plan.start)
            return
        share, position = Share.parted(state)
        self._plan, self._share, self._loaded = self.plan.resumed(position), share, True
