"""Turning read files into rows: new, known, moved or contradictory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlmcsc.domain.columns import Columns
from mlmcsc.domain.enums import Operation, Storage
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.image_facts import ImageFacts
from mlmcsc.domain.image_rows import compare, image_row
from mlmcsc.domain.records import ImageRecord
from mlmcsc.domain.results import StoredImage
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import images
from mlmcsc.store.queries import batches, near_duplicates, registers, rows
from mlmcsc.store.queries import images as image_queries
from mlmcsc.store.queries.changes import Change, merged, record_changes
from mlmcsc.store.uow import Transaction


@dataclass(slots=True)
class _Met:
    """What files of stored content change, written and told once a batch."""

    aliases: list[dict[str, Any]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    def write(self, tx: Transaction) -> None:
        image_queries.add_aliases(tx, self.aliases)
        record_changes(tx, Operation.UPDATE, images.name, merged(self.changes))


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that was read.

    Attributes:
        facts: What it says; `facts.path` is where the stored content will be found.
        given: Checked metadata that the caller states.
        source: The path it came from, when it was copied into the managed store.
    """

    facts: ImageFacts
    given: Mapping[str, Any]
    source: str | None = None


def write_arrivals(
    tx: Transaction, arrivals: Sequence[Arrival], *, operation: Operation
) -> list[StoredImage | ConflictError]:
    """Store a batch; one outcome per arrival, in order.

    A conflict (the path holds other content than its image, or a given fact contradicts a stored
    one) is an outcome of its arrival alone: nothing of that arrival is written.
    """
    registers.lock(tx, images)
    known = image_queries.by_content(tx, [a.facts.content_hash for a in arrivals])
    taken = image_queries.known_files(tx, [a.facts.path for a in arrivals])
    outcomes: list[StoredImage | ConflictError | None] = [None] * len(arrivals)
    fresh: dict[str, int] = {}
    met = _Met()
    for index, arrival in enumerate(arrivals):
        content = arrival.facts.content_hash
        if content in known:
            outcomes[index] = _meet(tx, met, arrival, *known[content])
        elif arrival.facts.path in taken:
            outcomes[index] = _other_content(arrival.facts.path, taken[arrival.facts.path].image_id)
        elif content not in fresh:
            fresh[content] = index
    created = _insert(tx, [arrivals[i] for i in fresh.values()], operation)
    for index, stored in zip(fresh.values(), created, strict=True):
        outcomes[index] = stored
    for index, arrival in enumerate(arrivals):
        if outcomes[index] is None:  # the same content twice in one batch
            first = created[list(fresh).index(arrival.facts.content_hash)]
            outcomes[index] = _meet(tx, met, arrival, first.id, first.path)
    met.write(tx)
    return [outcome for outcome in outcomes if outcome is not None]


def _other_content(path: str, image_id: int) -> ConflictError:
    return ConflictError(
        f"{path} holds other content than when it was stored as image {image_id}. Store the new "
        "picture under a new path, or put the old file back."
    )


def _insert(
    tx: Transaction, arrivals: Sequence[Arrival], operation: Operation
) -> list[StoredImage]:
    if not arrivals:
        return []
    made = [image_row(a.facts, a.given, tx.now) for a in arrivals]
    for (row, _), arrival in zip(made, arrivals, strict=True):
        row["storage"] = (Storage.IN_PLACE if arrival.source is None else Storage.MANAGED).value
    image_queries.ensure_specimens(tx, [row["specimen_id"] for row, _ in made])
    columns: Columns = {name: [row[name] for row, _ in made] for name in made[0][0]}
    if operation is Operation.CREATE:
        ids = [rows.insert(tx, images, row) for row, _ in made]
        for image_id, (row, _) in zip(ids, made, strict=True):
            tx.record(AuditEvent(operation, "images", image_id, new_values=row))
    else:
        ids = batches.insert_batch(tx, images, columns, operation).tolist()
    prints = {
        image_id: arrival.facts.fingerprint
        for image_id, arrival in zip(ids, arrivals, strict=True)
        if arrival.facts.fingerprint is not None
    }
    nearest = near_duplicates.link(tx, prints)
    image_queries.add_aliases(
        tx, [_alias(i, a) for i, a in zip(ids, arrivals, strict=True) if a.source is not None]
    )
    return [
        StoredImage(
            image_id,
            arrival.source or arrival.facts.path,
            created=True,
            near_duplicate_of=nearest.get(image_id),
            conflicts=tuple(conflicts),
        )
        for image_id, arrival, (_, conflicts) in zip(ids, arrivals, made, strict=True)
    ]


def _alias(image_id: int, arrival: Arrival) -> dict[str, Any]:
    return {
        "image_id": image_id,
        "path": arrival.source or arrival.facts.path,
        "file_size": arrival.facts.file_size,
        "file_mtime_ns": arrival.facts.mtime_ns,
    }


def _meet(
    tx: Transaction, met: _Met, arrival: Arrival, image_id: int, stored_path: str
) -> StoredImage | ConflictError:
    """The content is stored already: remember the path, add new facts, refuse contradictions."""
    conflict = _enrich(tx, met, arrival, image_id)
    if conflict is not None:
        return conflict
    path = arrival.source or arrival.facts.path
    elsewhere = stored_path not in {path, arrival.facts.path}
    if arrival.source is not None:
        _adopt(tx, met, arrival, image_id)
    elif elsewhere:
        met.aliases.append(_alias(image_id, arrival))
    else:
        stamp = {"file_mtime_ns": arrival.facts.mtime_ns, "file_size": arrival.facts.file_size}
        met.changes += registers.alter(tx, images, _require(tx, image_id), stamp)
    return StoredImage(
        image_id, path, created=False, duplicate_of=stored_path if elsewhere else None
    )


def _adopt(tx: Transaction, met: _Met, arrival: Arrival, image_id: int) -> None:
    """The copy in the managed store is the record from now on; earlier paths are remembered."""
    before = _require(tx, image_id)
    home = {"path": arrival.facts.path, "storage": Storage.MANAGED.value}
    met.aliases.append(_alias(image_id, arrival))
    moved = registers.alter(tx, images, before, home)
    met.changes += moved
    if moved and before.path not in {
        arrival.facts.path,
        arrival.source,
    }:
        last_seen = {"file_size": before.file_size, "file_mtime_ns": before.file_mtime_ns}
        met.aliases.append({"image_id": image_id, "path": before.path, **last_seen})


def _enrich(tx: Transaction, met: _Met, arrival: Arrival, image_id: int) -> ConflictError | None:
    given = arrival.given
    if not given:
        return None
    before = _require(tx, image_id)
    stored = {name: getattr(before, name) for name in given}
    new, differing = compare(stored, given)
    if differing:
        told = "; ".join(f"{n} is {stored[n]!r}, not {v!r}" for n, v in differing.items())
        return ConflictError(
            f"{arrival.source or arrival.facts.path} is stored as image {image_id} and differs: "
            f"{told}. Correct it with update_image, or leave the keyword out."
        )
    if "specimen_id" in new:
        image_queries.ensure_specimens(tx, [new["specimen_id"]])
    met.changes += registers.alter(tx, images, before, new)
    return None


def _require(tx: Transaction, image_id: int) -> ImageRecord:
    record = rows.get(tx, images, ImageRecord, image_id)
    if record is None:
        raise AssertionError(f"image {image_id} vanished inside its own transaction")
    return record


def at_path(arrival: Arrival, path: str) -> Arrival:
    """The same content, to be found at its place in the managed store."""
    return replace(arrival, facts=replace(arrival.facts, path=path), source=arrival.facts.path)
