"""What the audit trail records of a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlmcsc.domain.enums import Operation

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One change, written in the transaction that makes it.

    Bulk work leaves one event per batch: `n_rows`, the id range in `new_values` and a SHA-256
    digest of the rows written.

    Attributes:
        operation: What was done.
        table: The table it was done to.
        record_id: The row, for a single change.
        old_values: Changed fields before.
        new_values: Changed fields after.
        reason: Why, when it differs from the actor's general reason.
        n_rows: Number of rows touched.
        digest: SHA-256 (hex) over the batch's canonical rows.
    """

    operation: Operation
    table: str
    record_id: int | None = None
    old_values: Values | None = None
    new_values: Values | None = None
    reason: str | None = None
    n_rows: int = 1
    digest: str | None = None
