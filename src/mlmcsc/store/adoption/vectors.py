"""Feature vectors: decoded safely, the newest of each image kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import IntegrityError
from mlmcsc.store.adoption.converting import Converter, UnfitError
from mlmcsc.store.adoption.inserting import Inserter
from mlmcsc.store.adoption.ledger import Ledger
from mlmcsc.store.adoption.pickled_vectors import read_vector
from mlmcsc.store.queries.features import new_token

TABLE = "features"
SetKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A readable vector, without its numbers: all of them may not fit in memory."""

    id: int
    image_id: int
    key: SetKey
    time: str
    dimension: int
    itemsize: int


def copy_vectors(
    source: driver.Connection,
    cursor: driver.Cursor,
    converter: Converter,
    label_range: tuple[float, float],
    ledger: Ledger,
) -> None:
    """Copy the newest readable vector of each image, type and extractor version.

    A set has one dimension, that of most of its vectors, and the widest of its number formats,
    which holds the others exactly.
    """
    by_set: dict[SetKey, list[_Candidate]] = defaultdict(list)
    for row in source.execute(f"SELECT {','.join(converter.columns)} FROM features ORDER BY id"):
        try:
            candidate = _candidate(_decoded(converter, row), row, ledger)
        except UnfitError as reason:
            ledger.reject(TABLE, row[0], str(reason))
        else:
            by_set[candidate.key].append(candidate)
    inserter = Inserter(cursor, TABLE, (*converter.columns, "dtype"), label_range)
    for key, candidates in by_set.items():
        _copy_set(source, cursor, _Set(key, candidates, converter, inserter, ledger))


def _decoded(converter: Converter, row: tuple[Any, ...]) -> dict[str, Any]:
    values = converter.convert(row)
    for name in ("image_id", "feature_type", "extractor_version", "extraction_timestamp"):
        if values[name] is None:
            raise UnfitError(f"{name} is missing")
    try:
        values["feature_vector"] = read_vector(values["feature_vector"])
    except IntegrityError as error:
        raise UnfitError(str(error)) from None
    return values


def _candidate(values: dict[str, Any], row: tuple[Any, ...], ledger: Ledger) -> _Candidate:
    vector = values["feature_vector"]
    if values["feature_dimension"] not in {None, vector.size}:
        ledger.count("features.feature_dimension was wrong and became the vector's")
    return _Candidate(
        row[0],
        values["image_id"],
        (values["feature_type"], values["extractor_version"]),
        values["extraction_timestamp"],
        vector.size,
        vector.dtype.itemsize,
    )


class _Set:
    """The vectors of one type and extractor version."""

    def __init__(
        self,
        key: SetKey,
        candidates: list[_Candidate],
        converter: Converter,
        inserter: Inserter,
        ledger: Ledger,
    ) -> None:
        self.key = key
        self.converter = converter
        self.inserter = inserter
        self.ledger = ledger
        self.dimension = Counter(c.dimension for c in candidates).most_common(1)[0][0]
        fitting = [c for c in candidates if c.dimension == self.dimension]
        self.dtype = f"float{8 * max(c.itemsize for c in fitting)}"
        self.by_image: dict[int, list[_Candidate]] = defaultdict(list)
        for candidate in fitting:
            self.by_image[candidate.image_id].append(candidate)
        for candidate in candidates:
            if candidate.dimension != self.dimension:
                ledger.reject(
                    TABLE,
                    candidate.id,
                    f"it has {candidate.dimension} numbers; most of {' '.join(key)} have "
                    f"{self.dimension}",
                )

    def insert(self, row: tuple[Any, ...]) -> None:
        """Insert one vector, in the set's number format."""
        values = _decoded(self.converter, row)
        vector = values["feature_vector"].astype(f"<f{int(self.dtype[5:]) // 8}")
        self.inserter.insert(
            values
            | {
                "feature_vector": vector.tobytes(),
                "feature_dimension": vector.size,
                "dtype": self.dtype,
            }
        )


def _copy_set(source: driver.Connection, cursor: driver.Cursor, chosen: _Set) -> None:
    adopted = sum(_copy_newest(source, chosen, image) for image in chosen.by_image.values())
    if adopted:
        cursor.execute(
            "INSERT INTO feature_sets (feature_type, extractor_version, feature_dimension, dtype, "
            "n_vectors, tokens) VALUES (?, ?, ?, ?, ?, json_array(?))",
            (*chosen.key, chosen.dimension, chosen.dtype, adopted, new_token()),
        )


def _copy_newest(source: driver.Connection, chosen: _Set, candidates: list[_Candidate]) -> bool:
    """Insert the newest vector that the schema takes; it supersedes the older ones."""
    columns = ",".join(chosen.converter.columns)
    newest_first = sorted(candidates, key=lambda c: (c.time, c.id), reverse=True)
    current: int | None = None
    for candidate in newest_first:
        if current is not None:
            chosen.ledger.supersede(TABLE, candidate.id, current)
            continue
        row = source.execute(
            f"SELECT {columns} FROM features WHERE id = ?", (candidate.id,)
        ).fetchone()
        try:
            chosen.insert(row)
        except UnfitError as reason:
            chosen.ledger.reject(TABLE, candidate.id, str(reason))
        else:
            chosen.ledger.adopt(TABLE)
            current = candidate.id
    return current is not None
