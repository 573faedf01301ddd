"""What a version's rows say of labels, people and specimens, counted a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.rows import State

PEOPLE = ("split", "technician_ids")
EVERYTHING = (*PEOPLE, "label_ids", "specimen_id")
ONE_IMAGE = ("split", "label", "label_ids")
"""Columns that `count_people`, `count` and `find_label` read."""


@dataclass(slots=True)
class Contents:
    """What is in a version.

    Attributes:
        splits: Images per split, int64, shape (3,).
        redacted: Images whose label and people an erasure removed.
        labels: Labels that decided a value.
        people: By technician's row id: labels, and labels in the train split.
        specimens: The distinct specimens.
        train_labels: Ids of the labels that decided the train split; int64.
    """

    splits: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(Split), np.int64))
    redacted: int = 0
    labels: int = 0
    people: dict[int, tuple[int, int]] = field(default_factory=dict)
    specimens: set[str] = field(default_factory=set)
    train_labels: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


def count(batches: Iterable[Any]) -> Contents:
    """Everything, of batches with the columns `EVERYTHING`."""
    found = Contents()
    train: list[NDArray[np.int64]] = []
    for batch in batches:
        _add_people(found, batch)
        found.specimens.update(batch.column("specimen_id").unique().drop_null().to_pylist())
        of_label = np.repeat(_splits(batch), _lengths(batch.column("label_ids")))
        ids = batch.column("label_ids").flatten().to_numpy()
        train.append(ids[of_label == Split.TRAIN])
    if train:
        found.train_labels = np.concatenate(train)
    return found


def count_people(batches: Iterable[Any]) -> Contents:
    """Splits, labels and people alone, of batches with the columns `PEOPLE`."""
    found = Contents()
    for batch in batches:
        _add_people(found, batch)
    return found


def _add_people(found: Contents, batch: Any) -> None:
    splits = _splits(batch)
    found.splits += np.bincount(splits, minlength=len(Split))
    found.redacted += int((batch.column("state").to_numpy() == State.REDACTED).sum())
    who = batch.column("technician_ids")
    of_label = np.repeat(splits, _lengths(who))
    ids, at = np.unique(who.flatten().to_numpy(), return_inverse=True)
    labels = np.bincount(at, minlength=len(ids)).tolist()
    train = np.bincount(at[of_label == Split.TRAIN], minlength=len(ids)).tolist()
    for person, more, more_train in zip(ids.tolist(), labels, train, strict=True):
        before, before_train = found.people.get(person, (0, 0))
        found.people[person] = before + more, before_train + more_train
    found.labels += len(of_label)


def _splits(batch: Any) -> NDArray[np.int8]:
    splits: NDArray[np.int8] = batch.column("split").to_numpy()
    return splits


def _lengths(lists: Any) -> NDArray[np.int64]:
    """How many each row lists; none where a row is redacted."""
    lengths = lists.value_lengths().fill_null(0).to_numpy()
    return np.asarray(lengths, dtype=np.int64)


def find_label(batches: Iterable[Any], label_id: int) -> dict[str, Any] | None:
    """The row that a label decided, of batches with the columns `ONE_IMAGE`; None without one."""
    for batch in batches:
        lists = batch.column("label_ids")
        at = np.flatnonzero(lists.flatten().to_numpy() == label_id)
        if len(at):
            row = int(np.searchsorted(np.cumsum(_lengths(lists)), at[0], side="right"))
            found: dict[str, Any] = batch.slice(row, 1).to_pylist()[0]
            return found
    return None
