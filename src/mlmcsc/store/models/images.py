"""Specimens, image files and what makes two files the same picture."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.store.base import (
    between,
    created_at,
    flag,
    fraction,
    not_negative,
    reference,
    table,
)
from mlmcsc.store.types import BigId, Json, UtcDateTime

specimens = table(
    "specimens",
    sa.Column("specimen_id", sa.String(100), nullable=False, unique=True),
    sa.Column("material", sa.String(100)),
    sa.Column("heat", sa.String(100), index=True),
    sa.Column("temperature_c", sa.Float),
    sa.Column("orientation", sa.String(20)),
    sa.Column("kv_joule", sa.Float),
    sa.Column("le_mm", sa.Float),
    sa.Column("notes", sa.Text),
    created_at(),
    sa.Column("updated_at", UtcDateTime),
    sa.Column("sfa_percent", sa.Float),
    sa.Column("sfa_method", sa.String(20)),
    sa.Column("sfa_details", Json),
    between("sfa_percent", 0, 100),
    between("temperature_c", -273.15, 2000),
    not_negative("kv_joule"),
    not_negative("le_mm"),
)

images = table(
    "images",
    sa.Column("path", sa.String(500), nullable=False, unique=True),
    sa.Column("filename", sa.String(255), nullable=False),
    sa.Column("timestamp", UtcDateTime, nullable=False, index=True),
    created_at(),
    sa.Column("updated_at", UtcDateTime),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("channels", sa.Integer),
    sa.Column("file_size", BigId),
    sa.Column("format", sa.String(10)),
    sa.Column("magnification", sa.Float),
    sa.Column("specimen_id", sa.String(100), sa.ForeignKey("specimens.specimen_id"), index=True),
    sa.Column("acquisition_settings", Json),
    flag("is_valid", default=True),
    sa.Column("quality_score", sa.Float, index=True),
    sa.Column("content_hash", sa.String(64), unique=True),
    sa.Column("hash_algorithm", sa.String(16)),
    sa.Column("file_mtime_ns", BigId),
    sa.Column("bit_depth", sa.Integer),
    sa.Column("pages", sa.Integer),
    sa.Column("pixel_size_um", sa.Float),
    sa.Column("detector", sa.String(100)),
    sa.Column("accelerating_voltage_kv", sa.Float),
    sa.Column("instrument", sa.String(100)),
    sa.Column("storage", sa.String(16), nullable=False, server_default="in_place"),
    sa.Index("idx_images_is_valid_quality_score", "is_valid", "quality_score"),
    fraction("quality_score"),
    between("width", 1, 2**31 - 1),
    between("height", 1, 2**31 - 1),
    not_negative("magnification"),
    not_negative("pixel_size_um"),
    not_negative("accelerating_voltage_kv"),
    sa.CheckConstraint("storage IN ('in_place', 'managed')", name="storage_known"),
)

image_aliases = table(
    "image_aliases",
    reference("image_id", "images", ondelete="CASCADE"),
    sa.Column("path", sa.String(500), nullable=False, unique=True),
    sa.Column("file_size", BigId),
    sa.Column("file_mtime_ns", BigId),
    created_at(),
    sa.Index("idx_image_aliases_image_id", "image_id"),
)
"""Other paths at which the same content was seen."""


def _image(name: str) -> sa.Column[int]:
    """An image as (part of) the primary key of a table about images."""
    owner = sa.ForeignKey("images.id", ondelete="CASCADE")
    return sa.Column(name, BigId, owner, primary_key=True, autoincrement=False)


image_fingerprints = sa.Table(
    "image_fingerprints",
    images.metadata,
    _image("image_id"),
    sa.Column("coarse", sa.BigInteger, nullable=False),
    sa.Column("fine", sa.LargeBinary, nullable=False),
    # Two coarse hashes that differ in at most 3 bits agree in at least one of four 16-bit keys.
    sa.Column("key0", sa.Integer, nullable=False),
    sa.Column("key1", sa.Integer, nullable=False),
    sa.Column("key2", sa.Integer, nullable=False),
    sa.Column("key3", sa.Integer, nullable=False),
    # With the id behind the key, the newest images of a key are found without the others.
    *(sa.Index(f"idx_image_fingerprints_key{k}", f"key{k}", "image_id") for k in range(4)),
)
"""Perceptual hashes, for finding near-duplicates."""

near_duplicates = sa.Table(
    "near_duplicates",
    images.metadata,
    sa.Column("image_id", BigId, sa.ForeignKey("images.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "older_image_id", BigId, sa.ForeignKey("images.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("distance", sa.Integer, nullable=False),
    sa.Index("idx_near_duplicates_older_image_id", "older_image_id"),
)
"""Pairs of images that look the same, found at ingest; a split never separates them."""
