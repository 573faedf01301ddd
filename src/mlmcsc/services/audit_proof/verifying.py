"""One verification of the whole trail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from mlmcsc.domain.audit.checkpoint import Checkpoint, key_id_of
from mlmcsc.domain.audit.findings import AuditReport, Verdict
from mlmcsc.domain.audit.judging import Judgement, Trail
from mlmcsc.domain.audit.redactions import PAYLOAD, WHO
from mlmcsc.domain.audit.trail_check import TrailCheck
from mlmcsc.store.queries import audit_rows, audit_tree
from mlmcsc.store.queries.rows import View

Progress = Callable[[int, int], None]
"""Takes how many events are checked, and how many there are."""

REPORT_EVERY = 50
"""Chunks between two calls of the progress function."""


def verify(
    view: View, external: Checkpoint | None, given_key: str | None, progress: Progress | None
) -> AuditReport:
    """Check everything; see `AuditProof.verify`."""
    began = time.perf_counter()
    stored = audit_tree.checkpoints(view)
    named = stored if external is None else [*stored, external]
    check = TrailCheck([c.tree_size for c in named if _is_size(c.tree_size)])
    for rows in _told(view, audit_rows.placed(view), progress, 0):
        check.placed(rows)
    size = check.tree.size
    last_id = audit_rows.last_id_given(view)
    if last_id is not None and size:
        check.ids_follow(audit_rows.last_placed_id(view))
    for rows in _told(view, audit_rows.unplaced(view), progress, size):
        check.unplaced(rows)
    if last_id is not None:
        check.ids_end(last_id)
    check.finish()
    if check.told_checkpoints != len(stored):
        check.find(
            f"the trail tells of {check.told_checkpoints} checkpoints, but {len(stored)} are "
            "stored: some were deleted or inserted"
        )
    trail = Trail(
        audit_tree.origin(view), audit_tree.own_key(view), size, check.roots
    )
    judgement = Judgement(trail, view.vault.crypto.verify, given_key)
    judgement.judge(stored, external)
    for what in judgement.findings:
        check.find(what)
    return _report(check, judgement, stored, external, time.perf_counter() - began)


def _is_size(size: object) -> bool:
    return isinstance(size, int) and size > 0


def _told(
    view: View,
    parts: Iterator[Sequence[tuple[object, ...]]],
    progress: Progress | None,
    done: int,
) -> Iterator[Sequence[tuple[object, ...]]]:
    """The same parts, telling how far it has come."""
    total = 0 if progress is None else audit_tree.count(view)
    for number, part in enumerate(parts):
        yield part
        done += len(part)
        if progress is not None and number % REPORT_EVERY == 0:
            progress(done, total)


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
