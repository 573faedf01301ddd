"""What an import of a dataset needs of other services."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlmcsc.domain.records import TechnicianRecord
from mlmcsc.domain.results import BulkResult, IngestReport


@dataclass(frozen=True, slots=True)
class Doors:
    """The calls of other services, bound to the same store and actor."""

    technician: Callable[[int | str], TechnicianRecord]
    ingest: Callable[..., IngestReport]
    add_labels: Callable[..., BulkResult]
