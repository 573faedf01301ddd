"""Where a reader is in an epoch: enough to go on at the very next sample, anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from mlmcsc.domain.datasets.sharding import LARGEST, Order, whole
from mlmcsc.domain.records import Record
from mlmcsc.errors import ValidationError

FORMAT: Final = "mlmcsc-position-1"


@dataclass(frozen=True, slots=True)
class Share:
    """Which worker of how many, and how many batches it has read.

    Attributes:
        worker: 0 to `workers` - 1.
        workers: Workers of the rank.
        batches: Batches of this worker that were read.
    """

    worker: int = 0
    workers: int = 1
    batches: int = 0

    @classmethod
    def parted(cls, state: Any) -> tuple[Share, Any]:
        """The share that the state of a worker tells, and the position it began with.

        Raises:
            ValidationError: The share makes no sense.
        """
        names = [each.name for each in fields(cls)]
        if not isinstance(state, Mapping) or not any(name in state for name in names):
            return cls(), state
        workers = whole("workers", state.get("workers"), 1, 2**16)
        worker = whole("worker", state.get("worker"), 0, workers - 1)
        batches = whole("batches", state.get("batches"), 0, LARGEST)
        rest = {name: value for name, value in state.items() if name not in names}
        return cls(worker, workers, batches), rest


@dataclass(frozen=True, slots=True)
class Plan(Record):
    """What is read, in which order, in batches of which size, by which worker.

    Attributes:
        root: Merkle root (hex) of the version.
        selection: Which of its rows are read, by fingerprint.
        order: The rank's samples.
        batch_size: Samples of a batch.
        drop_last: Whether a last batch that is not full is left out.
        worker: This worker among those of the rank, 0 to `workers` - 1.
        workers: Workers that share the rank's batches.
        start: The rank's sample with which batch 0 begins.
    """

    root: str
    selection: str
    order: Order
    batch_size: int
    drop_last: bool = False
    worker: int = 0
    workers: int = 1
    start: int = 0

    def __post_init__(self) -> None:
        whole("batch_size", self.batch_size, 1, 2**31)
        whole("workers", self.workers, 1, 2**16)
        whole("worker", self.worker, 0, self.workers - 1)
        if not isinstance(self.drop_last, bool):
            raise ValidationError(f"drop_last={self.drop_last!r}: give True or False.")

    def __len__(self) -> int:
        """Batches from `start` on, of all workers of the rank."""
        left = len(self.order) - self.start
        return left // self.batch_size if self.drop_last else -(-left // self.batch_size)

    def spans(self, done: int = 0) -> Iterator[tuple[int, int]]:
        """First and last + 1 of the samples of each batch of this worker.

        Args:
            done: Batches of this worker that were read already.
        """
        for batch in range(self.worker + self.workers * done, len(self), self.workers):
            first = self.start + batch * self.batch_size
            yield first, min(first + self.batch_size, len(self.order))

    def by(self, worker: int, workers: int) -> Plan:
        """The same plan for one worker of several."""
        return replace(self, worker=worker, workers=workers)

    def position(self, following: int) -> dict[str, Any]:
        """The state of a reader whose next sample is the rank's number `following`.

        Seed, epoch, rank and what is read must be the same when reading goes on; the size of a
        batch and the number of workers may change.
        """
        told = {"format": FORMAT, "root": self.root, "selection": self.selection}
        # Once for every batch: `asdict` copies deeply, which took a tenth of an epoch.
        order = {each.name: getattr(self.order, each.name) for each in fields(self.order)}
        return told | order | {"next": following}

    def resumed(self, state: Any) -> Plan:
        """The same plan from where `state` stopped.

        Raises:
            ValidationError: The state is of other data, another order or another rank.
        """
        here = self.position(0)
        if not isinstance(state, Mapping) or state.get("format") != FORMAT:
            raise ValidationError(
                "state: give what Batch.position or state_dict() returned, as it was."
            )
        unknown = sorted(map(str, set(state) - set(here)))
        if unknown:
            raise ValidationError(
                f"state: {', '.join(unknown)} is not of a position. The state of a worker goes "
                "back to load_state_dict() in that worker; a batch's position suits every reader."
            )
        other = [
            f"{name} ({state.get(name)!r} in the state, {value!r} here)"
            for name, value in here.items()
            if name != "next"
            and (state.get(name) != value or type(state.get(name)) is not type(value))
        ]
        if other:
            raise ValidationError(
                f"The state was saved for another {', another '.join(other)}. Go on with what it "
                "was saved for, or begin anew without a state."
            )
        return replace(self, start=whole("next", state.get("next"), 0, len(self.order)))
