"""One verification of the whole trail."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mlmcsc.domain.audit.checkpoint import Checkpoint, Verify, key_id_of
from mlmcsc.domain.audit.findings import AuditReport, Verdict
from mlmcsc.domain.audit.judging import Judgement, Trail
from mlmcsc.domain.audit.recomputing import Row
from mlmcsc.domain.audit.redactions import PAYLOAD, WHO
from mlmcsc.domain.audit.trail_check import TrailCheck
from mlmcsc.domain.progress import Tally
from mlmcsc.store.queries import audit_rows, audit_tree
from mlmcsc.store.queries.rows import View

REPORT_EVERY = 50
"""Chunks between two calls of the progress function."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a database holds that is to be verified.

    Attributes:
        origin: How it calls itself in checkpoints.
        own_key: Its public key, hex.
        checkpoints: As stored.
        placed: Events with a place, in order of `seq`, in pieces.
        unplaced: The others, in order of `id`.
        last_id: The last id ever given, where ids have no gaps.
        damage: What is wrong with its id and keys, in words.
    """

    origin: str
    own_key: str
    checkpoints: Sequence[Checkpoint]
    placed: Iterable[Sequence[Row]]
    unplaced: Iterable[Sequence[Row]]
    last_id: int | None
    damage: Sequence[str] = ()


def verify(
    view: View, external: Checkpoint | None, given_key: str | None, progress: Tally | None
) -> AuditReport:
    """Check everything; see `AuditProof.verify`."""
    total = 0 if progress is None else audit_tree.count(view)
    told = _Told(progress, total)
    held = Held(
        origin=audit_tree.origin(view),
        own_key=audit_tree.own_key(view),
        checkpoints=audit_tree.checkpoints(view),
        placed=told(audit_rows.placed(view)),
        unplaced=told(audit_rows.unplaced(view)),
        last_id=audit_rows.last_id_given(view),
        damage=tuple(audit_tree.damaged_keys(view)),
    )
    return judged(held, external, given_key, view.vault.crypto.verify)


def judged(
    held: Held, external: Checkpoint | None, given_key: str | None, signature_holds: Verify
) -> AuditReport:
    """What can be said of it."""
    began = time.perf_counter()
    stored = held.checkpoints
    named = stored if external is None else [*stored, external]
    check = TrailCheck([c.tree_size for c in named if _is_size(c.tree_size)])
    for rows in held.placed:
        check.placed(rows)
    if held.last_id is not None and check.tree.size:
        check.ids_follow()
    for rows in held.unplaced:
        check.unplaced(rows)
    if held.last_id is not None:
        check.ids_end(held.last_id)
    check.finish()
    if check.told_checkpoints != len(stored):
        check.find(
            f"the trail tells of {check.told_checkpoints} checkpoints, but {len(stored)} are "
            "stored: some were deleted or inserted"
        )
    trail = Trail(held.origin, held.own_key, check.tree.size, check.roots)
    judgement = Judgement(trail, signature_holds, given_key)
    judgement.judge(stored, external)
    for what in (*held.damage, *judgement.findings):
        check.find(what)
    return _report(check, judgement, stored, external, time.perf_counter() - began)


def _is_size(size: object) -> bool:
    return isinstance(size, int) and size > 0


@dataclass(slots=True)
class _Told:
    """Passes pieces on, and tells how far it has come."""

    progress: Tally | None
    total: int
    done: int = 0

    def __call__(self, parts: Iterable[Sequence[Row]]) -> Iterator[Sequence[Row]]:
        for number, part in enumerate(parts):
            yield part
            self.done += len(part)
            if self.progress is not None and number % REPORT_EVERY == 0:
                self.progress(self.done, self.total)


def _report(
    check: TrailCheck,
    judgement: Judgement,
    stored: Sequence[Checkpoint],
    external: Checkpoint | None,
    seconds: float,
) -> AuditReport:
    verdict = Verdict.INTACT
    if judgement.doubts:
        verdict = Verdict.CANNOT_TELL
    if check.n_findings:
        verdict = Verdict.TAMPERED
    events = check.tree.size + check.tail
    return AuditReport(
        verdict=verdict,
        findings=tuple(check.findings),
        n_findings=check.n_findings,
        doubts=tuple(judgement.doubts),
        events=events,
        covered=judgement.covered,
        tail=events - judgement.covered,
        redacted_who=check.redactions.count(WHO),
        redacted_payload=check.redactions.count(PAYLOAD),
        checkpoints=len(stored),
        newest=judgement.newest,
        key_id=key_id_of(bytes.fromhex(judgement.key)),
        key_from=judgement.key_from,
        external=external is not None,
        seconds=seconds,
    )
