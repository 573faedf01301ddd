"""What a verification of the audit trail says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mlmcsc.domain.records import Record

MOST_FINDINGS: Final = 1000
"""Findings that a report lists; more are counted."""


class Verdict(StrEnum):
    """What can be said of the trail."""

    INTACT = "intact"
    TAMPERED = "tampered"
    CANNOT_TELL = "cannot tell"


EXIT_CODES: Final = {Verdict.INTACT: 0, Verdict.TAMPERED: 1, Verdict.CANNOT_TELL: 2}


@dataclass(frozen=True, slots=True)
class AuditFinding(Record):
    """One thing that is not as it was written.

    Attributes:
        event_id: The event, where it is about one.
        seq: Its place in the tree.
        what: What is wrong.
    """

    event_id: int | None
    seq: int | None
    what: str


@dataclass(frozen=True, slots=True)
class AuditReport(Record):
    """The result of `AuditProof.verify`.

    Attributes:
        verdict: Tampered when there is any finding; cannot tell when something needed to judge is
            missing.
        findings: What is wrong, at most 1,000.
        n_findings: How many there are.
        doubts: Why nothing certain can be said.
        events: Events checked, the tail included.
        covered: How many of them a genuine checkpoint covers.
        tail: Events after the newest checkpoint: consistent in themselves, but whoever owns the
            database could have rewritten them.
        redacted_who: Events whose personal part was redacted, with a REDACT event to tell of it.
        redacted_payload: Events whose payload was.
        checkpoints: Stored checkpoints checked.
        newest: When the newest genuine checkpoint was signed (RFC 3339).
        key_id: The signing key that was trusted.
        key_from: Where that key came from: `argument`, `checkpoint` or `database`.
        external: Whether a checkpoint kept outside was compared.
        seconds: How long the verification took.
    """

    verdict: Verdict
    findings: tuple[AuditFinding, ...]
    n_findings: int
    doubts: tuple[str, ...]
    events: int
    covered: int
    tail: int
    redacted_who: int
    redacted_payload: int
    checkpoints: int
    newest: str | None
    key_id: str | None
    key_from: str | None
    external: bool
    seconds: float

    @property
    def events_per_second(self) -> float:
        """Speed of the verification."""
        return self.events / self.seconds if self.seconds else 0.0

    @property
    def exit_code(self) -> int:
        """0 intact, 1 tampered, 2 cannot tell."""
        return EXIT_CODES[self.verdict]
