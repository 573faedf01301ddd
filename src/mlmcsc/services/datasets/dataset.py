"""A frozen dataset, open for training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_tables import FrozenMatrix, FrozenTable, Pictures, Selection
from mlmcsc.domain.datasets.choosing import choose
from mlmcsc.domain.datasets.positions import Plan
from mlmcsc.domain.datasets.sharding import Even, Order, whole
from mlmcsc.domain.records import Record
from mlmcsc.domain.versions.manifest import FrozenFeatures, Manifest
from mlmcsc.errors import StoreError, ValidationError
from mlmcsc.services.datasets import selecting, torch_datasets, vectors
from mlmcsc.services.datasets.samples import Batch, Content, SampleReader, checked

LayOut = Callable[[FrozenTable, FrozenFeatures], None]
PIECE = 1 << 14
"""Samples that `to_numpy` reads in one go."""
AHEAD = 1 << 11
"""Samples of small batches whose places are found in one go."""


@dataclass(frozen=True, slots=True)
class DatasetReport(Record):
    """What a dataset consists of.

    Attributes:
        version: The version's name.
        split: `train`, `val` or `test`; None: all.
        frozen: Rows that the version was made with.
        redacted: Rows of it that were redacted since; not among the samples.
        restricted: Rows of it that are set aside because the processing of data of a person who
            labelled them is restricted (GDPR Art. 18).
        restricted_labels: Labels of restricted people among those that decided the rows.
        samples: Rows that are read.
    """

    version: str
    split: str | None
    frozen: int
    redacted: int
    restricted: int
    restricted_labels: int
    samples: int


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a dataset needs to read more than its rows.

    Attributes:
        pictures: Folder of resized pictures.
        max_pixels: Largest allowed width x height of a picture.
        lay_out: Fetches a feature set from the database; None in a process that has none.
        matrices: Feature sets that are mapped already, by folder: a new mapping for each epoch
            would fault every page in anew, which takes longer than reading it.
    """

    pictures: Path
    max_pixels: int
    lay_out: LayOut | None
    matrices: dict[Path, FrozenMatrix] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Dataset:
    """The samples of a version, ascending by image id; cheap to copy, safe to share and to pickle.

    Attributes:
        manifest: What the version promises.
        report: What was left out, and why.
    """

    manifest: Manifest
    report: DatasetReport
    _table: FrozenTable
    _selection: Selection
    _workshop: Workshop

    def __len__(self) -> int:
        return self._selection.n

    def __repr__(self) -> str:
        named = f"{self.version!r}" + (
            f", split={self.report.split!r}" if self.report.split else ""
        )
        return f"<Dataset {named}: {len(self):,} samples>"

    def __reduce__(self) -> tuple[type[Dataset], tuple[Any, ...]]:
        """Without the database, which no other process can use."""
        plain = replace(self._workshop, lay_out=None, matrices={})
        parts = (self._table, self._selection, plain)
        return Dataset, (self.manifest, self.report, *parts)

    @property
    def version(self) -> str:
        """The version's name."""
        return self.manifest.version

    def split(self, name: str) -> Dataset:
        """The samples of one split: `train`, `val` or `test`.

        Raises:
            ValidationError: There is no such split.
        """
        return self._narrowed(selecting.of_split(self._table, self._selection, name), name)

    def where(self, image_ids: Sequence[int] | NDArray[np.int64]) -> Dataset:
        """The samples of these images; ids that are not among them are passed over."""
        return self._narrowed(
            selecting.of_images(self._table, self._selection, image_ids), self.report.split
        )

    def _narrowed(self, selection: Selection, split: str | None) -> Dataset:
        report = replace(self.report, split=split, samples=selection.n)
        return replace(self, report=report, _selection=selection)

    def batches(
        self,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        epoch: int = 0,
        drop_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
        even: Even = "keep",
        worker: int = 0,
        workers: int = 1,
        state: Mapping[str, Any] | None = None,
        **content: Unpack[Content],
    ) -> Iterator[Batch]:
        """Read an epoch, a batch at a time.

        Args:
            batch_size: Samples of a batch; the last one may have fewer.
            shuffle: Deal the samples in a random order, else by image id; no list of them is made.
            seed: Another seed, another order.
            epoch: Another epoch, another order.
            drop_last: Leave a last batch out that is not full.
            rank: This process among those that train together, from 0.
            world_size: How many these are; each reads other samples.
            even: What becomes of the tail when `world_size` does not divide the samples: `keep`
                (first ranks have one more; every sample once), `drop` or `pad`; see
                `mlmcsc.domain.datasets.sharding`.
            worker: This worker of the rank, from 0; it reads every `workers`-th batch.
            workers: How many these are.
            state: The `position` of a batch of the same dataset, seed, epoch and rank: go on at
                the sample behind it, in this or another process, also with another batch size or
                number of workers.
            content: What else is read; see `Content`.

        Raises:
            ValidationError: A wrong argument, or a state of something else.
            UnknownRecordError: The version holds no such features.
        """
        order = Order(len(self), shuffle, seed, epoch, rank, world_size, even)
        plan = self.plan(order, batch_size, drop_last=drop_last)
        plan = plan.resumed(state) if state is not None else plan
        return _read(self.reader(**content), plan.by(worker, workers))

    def plan(self, order: Order, batch_size: int, *, drop_last: bool = False) -> Plan:
        """How an epoch of this dataset is read."""
        root, selection = self.manifest.root, self._selection.fingerprint
        return Plan(root, selection, order, batch_size, drop_last)

    def reader(self, **content: Unpack[Content]) -> SampleReader:
        """What reads samples by their place in the dataset.

        Raises:
            ValidationError: A wrong argument.
            UnknownRecordError: The version holds no such features.
        """
        asked = checked(content)
        kind = asked.get("features")
        matrix = None if kind is None else self.vectors(kind, asked.get("extractor_version"))
        return SampleReader(
            self._table,
            self._selection,
            matrix,
            asked.get("missing", "error"),
            self._pictures(asked) if asked.get("images") else None,
            asked.get("missing_images", "error"),
        )

    def _pictures(self, asked: Content) -> Pictures:
        return Pictures(
            asked.get("image_size"),
            asked.get("image_mode", "rgb"),
            asked.get("check", "hash"),
            self._workshop.pictures if asked.get("cache") else None,
            self._workshop.max_pixels,
        )

    def vectors(self, feature_type: str, extractor_version: str | None = None) -> FrozenMatrix:
        """The vectors of a feature set, as the version holds them, for each row of the version.

        Raises:
            UnknownRecordError: The version holds no such features.
            AmbiguousError: It holds them of several extractors.
            IntegrityError: They are no longer what they were.
            StoreError: This process has no database to fetch them from.
        """
        chosen = choose(self.manifest, feature_type, extractor_version)
        folder = vectors.place(self._table, chosen)
        matrices = self._workshop.matrices
        known = matrices.pop(folder, None)
        if known is None or not known.there:  # else: caches were emptied, let go of the files
            known = self._mapped(folder, chosen)
        matrices[folder] = known
        return known

    def _mapped(self, folder: Path, chosen: FrozenFeatures) -> FrozenMatrix:
        try:
            return FrozenMatrix(folder)
        except StoreError:  # not laid out yet, or damaged
            if self._workshop.lay_out is None:
                raise
        self._workshop.lay_out(self._table, chosen)
        return FrozenMatrix(folder)

    def to_arrow(self) -> Any:
        """A `pyarrow.Table`; of a whole version it is the mapped file itself, nothing is copied.

        Columns: image_id, content_hash, path, specimen_id, width, height, label, split (int8,
        values of `Split`), label_ids, technician_ids (pseudonymous), annotation, detection.
        """
        table = self._table.arrow()
        if self._selection.whole:
            return table
        return table.take(self._selection.rows(np.arange(len(self))))

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` with the columns of `to_arrow`, in memory."""
        return self.to_arrow().to_pandas()

    def to_numpy(
        self,
        feature_type: str | None = None,
        extractor_version: str | None = None,
        missing: Literal["error", "nan", "drop"] = "error",
    ) -> tuple[NDArray[Any], ...]:
        """Image ids (int64), labels (float64) and, if asked for, vectors (float32, (N, D)).

        All in memory, row i of each belonging to the same image.

        Raises:
            UnknownRecordError: No such features, or (with `error`) samples that have none.
        """
        content: Content = {"missing": missing, "extractor_version": extractor_version}
        if feature_type is not None:
            content["features"] = feature_type
        reader, size, done = self.reader(**content), len(self), 0
        columns: tuple[NDArray[Any], ...] = (np.empty(size, np.int64), np.empty(size, np.float64))
        if reader.matrix is not None:  # its vectors are copied once, to where they stay
            columns += (np.empty((size, reader.matrix.dimension), np.float32),)
        for first in range(0, size, PIECE):
            places = np.arange(first, min(first + PIECE, size))
            into = None if reader.matrix is None else columns[2][done : done + len(places)]
            part = reader.read(places, into=into)
            until = done + len(part)
            columns[0][done:until], columns[1][done:until] = part.image_ids, part.labels
            if len(part) < len(places):  # vectors were left out: the batch has the others
                columns[2][done:until] = part.features
            done = until
        return tuple(column[:done] for column in columns)

    def to_torch(
        self,
        *,
        iterable: bool = False,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int = 0,
        epoch: int = 0,
        drop_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
        even: Even = "keep",
        transform: Callable[[dict[str, Any]], Any] | None = None,
        **content: Unpack[Content],
    ) -> Any:
        """A dataset for `torch.utils.data.DataLoader`; see `batches` for the order.

        Args:
            iterable: False: map-style, one sample an item, fetched in bulk; give it to
                `DataLoader(dataset, batch_size=…)`. True: iterable style, whole batches of
                `batch_size`, in one order with any number of workers; give it to
                `DataLoader(dataset, batch_size=None)`. It has `state_dict`, `load_state_dict` and
                `set_epoch`, and each batch has its `position`.
            batch_size: With `iterable`.
            shuffle: See `batches`; leave `DataLoader`'s own `shuffle` out then.
            seed: See `batches`.
            epoch: See `batches`.
            drop_last: See `batches`.
            rank: See `batches`.
            world_size: See `batches`.
            even: See `batches`.
            transform: Changes each sample, or each batch with `iterable`: a dictionary with
                `image_id`, `label`, `split` and, where asked for, `features` and `image`, as
                tensors. A function of a module, so that worker processes find it.
            content: What else is read; see `Content`.

        Raises:
            UnsupportedError: PyTorch is not installed.
            ValidationError: A wrong argument.
        """
        order = Order(len(self), shuffle, seed, epoch, rank, world_size, even)
        reader = self.reader(**content)
        if iterable:
            size = whole("batch_size", batch_size, 1, 2**31)
            plan = self.plan(order, size, drop_last=drop_last)
            return torch_datasets.batches(reader, plan, transform)
        if batch_size is not None or drop_last:
            raise ValidationError(
                "batch_size, drop_last: give them to DataLoader, or pass iterable=True."
            )
        return torch_datasets.samples(reader, order, transform)


def _read(reader: SampleReader, plan: Plan) -> Iterator[Batch]:
    spans = plan.spans()
    while ahead := list(islice(spans, max(1, AHEAD // plan.batch_size))):
        # Shuffling a hundred numbers takes nearly as long as shuffling a thousand.
        samples = np.concatenate([np.arange(*span, dtype=np.int64) for span in ahead])
        places = plan.order.of(samples)
        for first, last in ahead:
            yield reader.read(places[: last - first], plan.position(last))
            places = places[last - first :]
