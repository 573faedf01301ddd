"""One pass over the whole trail: commitments, places, roots, redactions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from mlmcsc.domain.audit.findings import MOST_FINDINGS, AuditFinding
from mlmcsc.domain.audit.merkle import HASH_BYTES, GrowingTree
from mlmcsc.domain.audit.recomputing import Row, StoredEvent, recomputed_leaves, what_is_wrong
from mlmcsc.domain.audit.redactions import Redactions

_SEQ = StoredEvent._fields.index("seq")
_ID = StoredEvent._fields.index("id")
_OPERATION = StoredEvent._fields.index("operation")
_LEAF = StoredEvent._fields.index("leaf")
_NO_LEAF: Final = bytes(HASH_BYTES)


@dataclass(slots=True)
class TrailCheck:
    """Feed it the placed events in order of `seq`, then the others in order of `id`.

    Attributes:
        wanted: Tree sizes whose roots will be compared with checkpoints.
        roots: The roots found at these sizes.
        findings: What is wrong, at most 1,000; `n_findings` counts all.
        tail: Events without a place.
        told_checkpoints: CHECKPOINT events; each stored checkpoint has one.
    """

    wanted: list[int]
    roots: dict[int, bytes] = field(default_factory=dict)
    findings: list[AuditFinding] = field(default_factory=list)
    n_findings: int = 0
    tail: int = 0
    told_checkpoints: int = 0
    redactions: Redactions = field(default_factory=Redactions)
    tree: GrowingTree = field(default_factory=GrowingTree)
    _expected: int = 0
    _last_placed: int = 0
    _next_id: int | None = None

    def __post_init__(self) -> None:
        self.wanted = sorted(set(self.wanted), reverse=True)  # the next one is popped from the end

    def find(self, what: str, event_id: int | None = None, seq: int | None = None) -> None:
        """Add a finding."""
        self.add([AuditFinding(event_id, seq, what)])

    def add(self, findings: Iterable[AuditFinding]) -> None:
        """Add findings; beyond the limit they are only counted."""
        for finding in findings:
            self.n_findings += 1
            if len(self.findings) < MOST_FINDINGS:
                self.findings.append(finding)

    def placed(self, rows: Sequence[Row]) -> None:
        """Check the next events of the tree."""
        leaves = self._leaves(rows)
        places = [row[_SEQ] for row in rows]
        if places != list(range(self._expected, self._expected + len(rows))):
            self._misplaced(rows)
        else:
            self._expected += len(rows)
        if rows:
            self._last_placed = rows[-1][_ID]
        self._grow(leaves)

    def unplaced(self, rows: Sequence[Row]) -> None:
        """Check the next events that have no place in the tree yet."""
        self._leaves(rows)
        self.tail += len(rows)
        if self._next_id is not None:
            for row in rows:
                self._follows(row[_ID])

    def ids_follow(self) -> None:
        """From here on, ids must be without gaps: SQLite gives them in the order of commits."""
        self._next_id = self._last_placed + 1

    def ids_end(self, last_given: int) -> None:
        """The last id that the database gave; one that is not there any more was deleted."""
        if self._next_id is None:
            return
        if self._next_id <= last_given:
            self._missing(self._next_id, last_given)
        elif self._next_id > last_given + 1:
            self.find(f"the count of ids given, {last_given}, was changed", self._next_id - 1)

    def finish(self) -> None:
        """Judge what needs the whole trail."""
        self.add(self.redactions.findings())

    def _leaves(self, rows: Sequence[Row]) -> list[bytes]:
        self.redactions.see(rows)
        self.told_checkpoints += [row[_OPERATION] for row in rows].count("CHECKPOINT")
        found = recomputed_leaves(rows)
        leaves = [leaf for leaf in found if leaf is not None]
        if len(leaves) == len(found):
            return leaves
        for row, leaf in zip(rows, found, strict=True):
            if leaf is None:
                for what in what_is_wrong(row):
                    self.find(what, row[_ID], row[_SEQ])
        return [
            _stored(row) if leaf is None else leaf for row, leaf in zip(rows, found, strict=True)
        ]

    def _misplaced(self, rows: Iterable[Row]) -> None:
        for row in rows:
            seq = row[_SEQ]
            if not isinstance(seq, int):
                self.find(f"its place {seq!r} is no number", row[_ID])
                continue
            if seq > self._expected:
                self.find(_lacking("places", self._expected, seq - 1), row[_ID], seq)
            elif seq < self._expected:
                self.find("its place in the tree is taken twice", row[_ID], seq)
            self._expected = seq + 1

    def _follows(self, event_id: int) -> None:
        expected = self._next_id or 0
        if event_id < expected:
            self.find("it was inserted among earlier events", event_id)
            return
        if event_id > expected:
            self._missing(expected, event_id - 1)
        self._next_id = event_id + 1

    def _missing(self, first: int, last: int) -> None:
        self.find(_lacking("events", first, last), first)

    def _grow(self, leaves: Sequence[bytes]) -> None:
        done = 0
        while self.wanted and self.wanted[-1] <= self.tree.size + len(leaves) - done:
            take = self.wanted.pop() - self.tree.size
            self.tree.extend(leaves[done : done + take])
            done += take
            self.roots[self.tree.size] = self.tree.root()
        self.tree.extend(leaves[done:] if done else leaves)


def _stored(row: Row) -> bytes:
    leaf = row[_LEAF]
    return leaf if isinstance(leaf, bytes) and len(leaf) == HASH_BYTES else _NO_LEAF


def _lacking(what: str, first: int, last: int) -> str:
    return (
        f"{what} {first} to {last} are missing"
        if first < last
        else f"{what[:-1]} {first} is missing"
    )
