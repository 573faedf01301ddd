"""How good images are, sums kept of quality, and images handed out to be labelled."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.store.base import (
    flag,
    fraction,
    metadata,
    not_negative,
    reference,
    table,
)
from mlmcsc.store.types import BigId, Json, UtcDateTime

IMAGES_PER_CHUNK: Final = 4096
"""Images whose sums of quality are kept together; the triggers of migration 0005 know it too."""

image_quality = table(
    "image_quality",
    reference("image_id", "images", unique=True, ondelete="CASCADE"),
    sa.Column("formula", sa.String(16), nullable=False),
    sa.Column("measured_at", UtcDateTime, nullable=False, index=True),
    # The content that was measured: an image read again from a changed file is not scored yet.
    sa.Column("content_hash", sa.String(64)),
    sa.Column("tenengrad", sa.Float),
    sa.Column("laplacian_variance", sa.Float),
    sa.Column("rms_contrast", sa.Float),
    sa.Column("clipped_low", sa.Float),
    sa.Column("clipped_high", sa.Float),
    sa.Column("noise", sa.Float),
    sa.Column("illumination_gradient", sa.Float),
    sa.Column("saturation", sa.Float),
    sa.Column("score", sa.Float),
    sa.Column("threshold", sa.Float, nullable=False),
    flag("flagged", default=False),
    sa.Column("problem", sa.String(500)),
    sa.Index("idx_image_quality_flagged", "flagged"),
    *(not_negative(name) for name in ("tenengrad", "laplacian_variance", "rms_contrast", "noise")),
    *(fraction(name) for name in ("clipped_low", "clipped_high", "saturation", "score")),
    not_negative("illumination_gradient"),
    fraction("threshold"),
    sa.CheckConstraint("score IS NOT NULL OR problem IS NOT NULL", name="scored_or_problem"),
)
"""The measured components behind `images.quality_score`, or why a file could not be measured.

With both, the score is that of an earlier measurement.
"""

quality_aggregates = sa.Table(
    "quality_aggregates",
    metadata,
    sa.Column("chunk", BigId, primary_key=True, autoincrement=False),
    sa.Column("sums", Json, nullable=False),
    sa.Column("computed_at", UtcDateTime, nullable=False),
)
"""Sums over IMAGES_PER_CHUNK images and what is said of them; wrong once the chunk is marked.

On SQLite the row of chunk -1 holds the largest ids whose chunks have been marked.
"""

quality_marks = table(
    "quality_marks",
    sa.Column("chunk", BigId, nullable=False),
    sa.Index("idx_quality_marks_chunk", "chunk"),
)
"""Chunks written to since their sums were made; triggers add them, whoever writes.

SQLite has none on inserts: who makes sums marks the chunks of rows with larger ids than were seen.

A row a statement and never an update, so that no writer waits for another. Who makes the sums
anew deletes the marks seen in the same snapshot: one that is committed later stays.
"""

label_reservations = table(
    "label_reservations",
    reference("image_id", "images", ondelete="CASCADE"),
    reference("technician_id", "technicians"),
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("strategy", sa.String(16), nullable=False),
    sa.Column("reserved_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("released_at", UtcDateTime),
    reference("label_id", "labels", nullable=True, ondelete="SET NULL"),
    sa.Index("idx_label_reservations_technician_id", "technician_id", "released_at"),
    sa.Index("idx_label_reservations_image_id", "image_id"),
    sa.Index("idx_label_reservations_label_id", "label_id"),
    sa.CheckConstraint("purpose IN ('new', 'overlap', 'duplicate', 'gold')", name="purpose_known"),
)
"""Images handed out to a technician until a time; open while `released_at` is NULL."""


def _open(name: str, *columns: Any, condition: str = "") -> sa.Index:
    """At most one open reservation per these columns: nothing is handed out twice."""
    where = sa.text(f"released_at IS NULL{condition}")
    columns = tuple(label_reservations.c[column] for column in columns)
    return sa.Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


sa.Index(
    "idx_label_reservations_expires_at",
    label_reservations.c.expires_at,
    sqlite_where=sa.text("released_at IS NULL"),
    postgresql_where=sa.text("released_at IS NULL"),
)
_open("uq_label_reservations_open", "image_id", "technician_id")
_open("uq_label_reservations_new", "image_id", condition=" AND purpose = 'new'")

__all__ = [
    "IMAGES_PER_CHUNK",
    "image_quality",
    "label_reservations",
    "quality_aggregates",
    "quality_marks",
]
