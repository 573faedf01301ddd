"""The doors through which imported rows come in: the same use cases as everybody's."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from mlmcsc.domain.columns import Columns, check_columns
from mlmcsc.domain.results import BulkResult, StoredImage
from mlmcsc.domain.tables import SYSTEM_METRICS
from mlmcsc.errors import ConflictError, RejectedRowsError, ValidationError
from mlmcsc.services.exchange.values import Reasons
from mlmcsc.store.joined import JoinedStore
from mlmcsc.store.models import specimens, system_metrics
from mlmcsc.store.queries import batches
from mlmcsc.store.queries import exchange as queries
from mlmcsc.store.uow import Transaction


@dataclass(frozen=True, slots=True)
class Doors:
    """The use cases of other services, bound to one store and actor by `bootstrap`."""

    add_image: Callable[..., StoredImage]
    add_specimens: Callable[..., BulkResult]
    add_predictions: Callable[..., BulkResult]
    add_labels: Callable[..., BulkResult]
    add_features: Callable[..., BulkResult]
    register_specimen: Callable[..., int]
    register_technician: Callable[..., int]
    register_model: Callable[..., int]


@dataclass(slots=True)
class Written:
    """What became of some rows; `rejected` maps row index to reason."""

    stored: int = 0
    unchanged: int = 0
    rejected: Reasons = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Writer(Protocol):
    """Writes rows that are equally long columns."""

    def __call__(self, columns: Columns, size: int) -> Written:
        """Write what can be written."""
        ...


def take(columns: Columns, index: Sequence[int]) -> Columns:
    """Some rows of the columns."""
    return {
        name: column[list(index)] if isinstance(column, np.ndarray) else [column[i] for i in index]
        for name, column in columns.items()
    }


def in_bulk(add: Callable[..., BulkResult], **options: Any) -> Writer:
    """Rows through a bulk call: all at once, and again without the wrong ones if there are any."""

    def write(columns: Columns, size: int) -> Written:
        left = list(range(size))
        rejected: Reasons = {}
        while left:
            try:
                stored = add(columns, on_error="raise", **options).stored
            except RejectedRowsError as error:
                wrong = dict(error.rejected)
                rejected |= {left[i]: reason for i, reason in wrong.items()}
                good = [i for i in range(len(left)) if i not in wrong]
                columns, left = take(columns, good), [left[i] for i in good]
            else:
                return Written(stored, rejected=rejected)
        return Written(rejected=rejected)

    return write


def one_by_one(register: Callable[..., int], store: JoinedStore) -> Writer:
    """Rows of a register: new, known already, or known with other facts and rejected."""

    def write(columns: Columns, size: int) -> Written:
        done = Written()
        for index, row in enumerate(rows_of(columns, size)):
            before = store.recorded
            try:
                register(**row)
            except (ValidationError, ConflictError) as error:
                done.rejected[index] = str(error)
                continue
            if store.recorded > before:
                done.stored += 1
            else:
                done.unchanged += 1
        return done

    return write


def rows_of(columns: Columns, size: int) -> Iterator[dict[str, Any]]:
    """The rows, without missing values."""
    plain = {n: c.tolist() if isinstance(c, np.ndarray) else c for n, c in columns.items()}
    for i in range(size):
        yield {name: column[i] for name, column in plain.items() if column[i] is not None}


def specimen_rows(doors: Doors, tx: Transaction, store: JoinedStore) -> Writer:
    """New specimens in bulk; known ones one by one, filling in what was not known of them."""
    new_ones = in_bulk(doors.add_specimens)
    known_ones = one_by_one(doors.register_specimen, store)

    def write(columns: Columns, size: int) -> Written:
        names = list(columns["specimen_id"])
        seen = set(queries.ids_by(tx, specimens, "specimen_id", set(names)))
        new: list[int] = []
        for index, name in enumerate(names):
            if name not in seen:
                new.append(index)
                seen.add(name)
        fresh = set(new)
        known = [i for i in range(size) if i not in fresh]
        return _merged(
            (new_ones(take(columns, new), len(new)), new),
            (known_ones(take(columns, known), len(known)), known),
        )

    return write


def _merged(*parts: tuple[Written, Sequence[int]]) -> Written:
    total = Written()
    for part, index in parts:
        total.stored += part.stored
        total.unchanged += part.unchanged
        total.rejected |= {index[i]: reason for i, reason in part.rejected.items()}
    return total


def feature_rows(doors: Doors) -> Writer:
    """Vectors, by number format; a second vector for the same image and set is rejected."""
    seen: dict[tuple[Any, Any], set[int]] = defaultdict(set)

    def write(columns: Columns, size: int) -> Written:
        formats = columns.get("dtype", [None] * size)
        rest = {name: column for name, column in columns.items() if name != "dtype"}
        parts: list[tuple[Written, Sequence[int]]] = []
        twice: Reasons = {}
        groups: dict[str, list[int]] = defaultdict(list)
        names = (columns["feature_type"], columns["extractor_version"], columns["image_id"])
        for index, (kind, version, image) in enumerate(zip(*names, strict=True)):
            if image in seen[kind, version]:
                twice[index] = f"image_id={image}: has two {kind} {version} vectors in the file."
            else:
                seen[kind, version].add(image)
                groups[formats[index] or "float32"].append(index)
        for dtype, members in groups.items():
            add = in_bulk(doors.add_features, dtype=dtype)
            parts.append((add(take(rest, members), len(members)), members))
        done = _merged(*parts)
        done.rejected |= twice
        return done

    return write


def metric_rows(tx: Transaction) -> Writer:
    """System metrics, straight into their table."""

    def add(columns: Columns, *, on_error: batches.OnError) -> BulkResult:
        checked = check_columns(SYSTEM_METRICS, columns)
        return batches.add_checked(tx, system_metrics, checked, {}, on_error=on_error)

    return in_bulk(add)


def image_rows(doors: Doors, folder: str) -> Writer:
    """Image files; relative paths are relative to `folder`."""

    def write(columns: Columns, size: int) -> Written:
        done = Written()
        for index, row in enumerate(rows_of(columns, size)):
            path = os.path.join(folder, row.pop("image_path"))
            try:
                stored = doors.add_image(path, **row)
            except (ValidationError, ConflictError) as error:
                done.rejected[index] = str(error)
                continue
            done.notes += [f"{path}: {told}" for told in stored.conflicts]
            if stored.created:
                done.stored += 1
            else:
                done.unchanged += 1
        return done

    return write
