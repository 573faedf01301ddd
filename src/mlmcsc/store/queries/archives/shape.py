"""What columns an archived table has."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.archives import Kind
from mlmcsc.store.models import metadata
from mlmcsc.store.types import UtcDateTime

KINDS: tuple[tuple[Any, Kind], ...] = (
    (UtcDateTime, "time"),
    (sa.JSON, "json"),
    (sa.Boolean, "flag"),
    (sa.Integer, "integer"),
    (sa.Float, "real"),
    (sa.LargeBinary, "binary"),
)


def columns(table_name: str) -> dict[str, Kind]:
    """Name and kind of each column of a table, in order."""
    return {str(c.name): _kind(c.type) for c in metadata.tables[table_name].c}


def _kind(kind: sa.types.TypeEngine[Any]) -> Kind:
    return next((name for known, name in KINDS if isinstance(kind, known)), "text")
