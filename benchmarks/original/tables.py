"""Mapped classes with the documented columns that the measured calls touch."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """All tables."""


class Image(Base):
    """An image file."""

    __tablename__ = "images"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(String(500), unique=True)
    filename: Mapped[str] = mapped_column(String(255))
    timestamp: Mapped[datetime] = mapped_column(default=_now, index=True)
    created_at: Mapped[datetime] = mapped_column(default=_now)
    width: Mapped[int | None]
    height: Mapped[int | None]
    file_size: Mapped[int | None]
    format: Mapped[str | None] = mapped_column(String(10))
    magnification: Mapped[float | None]
    specimen_id: Mapped[str | None] = mapped_column(String(100), index=True)
    is_valid: Mapped[bool] = mapped_column(default=True)
    quality_score: Mapped[float | None] = mapped_column(index=True)


class Label(Base):
    """A technician's label."""

    __tablename__ = "labels"
    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    technician_id: Mapped[int] = mapped_column(index=True)
    label: Mapped[float]
    label_type: Mapped[str] = mapped_column(String(50), default="manual")
    timestamp: Mapped[datetime] = mapped_column(default=_now, index=True)
    time_spent: Mapped[float | None]
    notes: Mapped[str | None]
    is_verified: Mapped[bool] = mapped_column(default=False)


class Prediction(Base):
    """A model's prediction."""

    __tablename__ = "predictions"
    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    model_version_id: Mapped[int] = mapped_column(index=True)
    prediction: Mapped[float]
    confidence: Mapped[float] = mapped_column(index=True)
    timestamp: Mapped[datetime] = mapped_column(default=_now, index=True)


class PickledFeature(Base):
    """A vector, pickled."""

    __tablename__ = "pickled_features"
    id: Mapped[int] = mapped_column(primary_key=True)
    image_id: Mapped[int] = mapped_column(index=True)
    feature_type: Mapped[str] = mapped_column(String(50), index=True)
    feature_vector: Mapped[bytes] = mapped_column(LargeBinary)


class AuditLog(Base):
    """Who did what."""

    __tablename__ = "audit_logs"
    id: Mapped[int] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(String(50), index=True)
    table_name: Mapped[str] = mapped_column(String(50))
    record_id: Mapped[int | None]
    user_id: Mapped[str] = mapped_column(String(100))
    timestamp: Mapped[datetime] = mapped_column(default=_now, index=True)
    new_values: Mapped[Any | None] = mapped_column(JSON)
