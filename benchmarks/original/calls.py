"""The measured calls of the original, on a database of its own or reading one of ours."""

from __future__ import annotations

import os
import pickle
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from sqlalchemy import create_engine, func
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.original.tables import AuditLog, Base, Image, Label, PickledFeature, Prediction

IN_CHUNK = 500
"""Ids per IN list: SQLite's old limit on variables is 999."""

Pairs = list[tuple[int, float]]


class Original:
    """A database, used as the original used it (stdlib sqlite3, default settings)."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._engine = create_engine(f"sqlite:///{path}")
        self._session: sessionmaker[Session] = sessionmaker(bind=self._engine)
        if create:
            Base.metadata.create_all(self._engine)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def store_image(self, path: str) -> int:
        """Header by Pillow, one commit for the row, one for the audit row."""
        with Picture.open(path) as picture:
            width, height, kind = picture.width, picture.height, picture.format
        with self._session() as session:
            row = Image(
                path=path,
                filename=os.path.basename(path),
                width=width,
                height=height,
                format=kind,
                file_size=os.path.getsize(path),
            )
            session.add(row)
            session.commit()
            image_id = row.id
            values = {"path": path, "width": width, "height": height}
            self._audit(session, "images", image_id, values)
        return image_id

    def _audit(self, session: Session, table: str, record_id: int, values: object) -> None:
        session.add(
            AuditLog(
                operation="CREATE",
                table_name=table,
                record_id=record_id,
                user_id="system",
                new_values=values,
            )
        )
        session.commit()

    def store_prediction(self, image_id: int, prediction: float, confidence: float) -> int:
        """One commit for the row, one for the audit row."""
        with self._session() as session:
            row = Prediction(
                image_id=image_id, model_version_id=1, prediction=prediction, confidence=confidence
            )
            session.add(row)
            session.commit()
            row_id = row.id
            self._audit(session, "predictions", row_id, {"prediction": prediction})
        return row_id

    def store_label(self, image_id: int, label: float) -> int:
        """One commit for the row, one for the audit row."""
        with self._session() as session:
            row = Label(image_id=image_id, technician_id=1, label=label)
            session.add(row)
            session.commit()
            row_id = row.id
            self._audit(session, "labels", row_id, {"label": label})
        return row_id

    def store_features(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Pickled vectors; in one go, since only reading them is measured."""
        with self._session() as session:
            session.bulk_insert_mappings(
                PickledFeature,  # type: ignore[arg-type]  # SQLAlchemy takes a mapped class
                [
                    {"image_id": i, "feature_type": "cnn", "feature_vector": pickle.dumps(vector)}
                    for i, vector in zip(ids, vectors, strict=True)
                ],
            )
            session.commit()

    def features(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """ORM rows by IN lists, each vector unpickled."""
        found: dict[int, NDArray[np.float32]] = {}
        with self._session() as session:
            for start in range(0, len(ids), IN_CHUNK):
                query = session.query(PickledFeature).filter(
                    PickledFeature.image_id.in_(ids[start : start + IN_CHUNK]),
                    PickledFeature.feature_type == "cnn",
                )
                for row in query.all():
                    found[row.image_id] = pickle.loads(row.feature_vector)  # noqa: S301  # as it was
        return np.stack([found[i] for i in ids])

    def splits(self) -> tuple[Pairs, Pairs, Pairs]:
        """Every label row by the ORM, shuffled, cut: 70, 15 and 15 %."""
        with self._session() as session:
            query = session.query(Label).join(Image).filter(Image.is_valid)
            rows = [(row.image_id, row.label) for row in query.all()]
        random.shuffle(rows)
        first, second = int(len(rows) * 0.7), int(len(rows) * 0.85)
        return rows[:first], rows[first:second], rows[second:]

    def page(self, offset: int, limit: int) -> list[Image]:
        """A page by OFFSET."""
        with self._session() as session:
            return session.query(Image).order_by(Image.id).offset(offset).limit(limit).all()

    def health(self) -> dict[str, int]:
        """Row counts, labelled images and verified labels, one query each."""
        with self._session() as session:
            counts = {
                kind.__tablename__: session.query(kind).count()
                for kind in (Image, Label, Prediction, AuditLog)
            }
            counts["labelled"] = session.query(func.count(Label.image_id.distinct())).scalar() or 0
            counts["verified"] = session.query(Label).filter(Label.is_verified).count()
        return counts
