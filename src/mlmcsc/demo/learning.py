"""Training on what the database gives out, and predicting back into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlmcsc.demo.folder import Drawn
from mlmcsc.demo.model import RidgeModel, fit
from mlmcsc.demo.texture import EXTRACTOR, VERSION
from mlmcsc.domain.records import DataVersionRecord, ModelVersionRecord, PredictionRecord
from mlmcsc.domain.training import TrainingData
from mlmcsc.errors import UnknownRecordError
from mlmcsc.manager import DatabaseManager

MODEL_NAME = "texture features → ridge"


@dataclass(frozen=True)
class Lesson:
    """A model, the splits it was trained with, and what it predicts for every image.

    Attributes:
        model: the fitted numbers.
        version: its entry in the database.
        frozen: the data version that it was trained on.
        data: the splits of that.
        predictions: by image id.
    """

    model: RidgeModel
    version: ModelVersionRecord
    frozen: DataVersionRecord
    data: TrainingData
    predictions: Mapping[int, PredictionRecord]

    def split_of(self, image_id: int) -> str:
        """`train`, `val` or `test`; an image without a usable label belongs to none."""
        return next((n for n, pairs in self.data.items() if image_id in dict(pairs)), "none")


def learn(
    db: DatabaseManager,
    truth: Mapping[int, Drawn],
    version: str,
    folder: Path,
    *,
    verified_only: bool = False,
) -> Lesson:
    """Freeze the data, train, register, activate, predict every image.

    A version that exists stays as it is.

    Args:
        db: the open database.
        truth: the drawn images by id; only their specimens are used.
        version: name of the version.
        folder: where the model file goes.
        verified_only: whether unverified labels are left out.

    Raises:
        ValidationError: fewer than three specimens in the training split.
        OSError: the model file cannot be written or, when it was registered before, read.
    """
    record, frozen = _registered(db, version), f"{version}-data"
    if record is None:
        db.create_data_version(
            frozen,
            feature_type=EXTRACTOR,
            label_policy="mean",
            verified_only=verified_only,
        )
    data = db.get_training_data(data_version=frozen)
    if record is None:
        model = _fit(db, data, truth)
        folder.mkdir(parents=True, exist_ok=True)
        path = (folder / f"{version}.json").absolute()
        model.save(path)
        db.register_model_version(
            version,
            MODEL_NAME,
            str(path),
            training_data_version=frozen,
            training_loss=model.left_out.mae,
            hyperparameters={
                "alpha": model.alpha,
                "features": f"{EXTRACTOR} {VERSION}",
                "training_images": len(data["train"]),
                "verified_only": verified_only,
            },
        )
    else:
        model = RidgeModel.load(Path(record.model_path))
    record = db.set_active_model(version)
    predictions = _predict(db, model, record, list(truth))
    return Lesson(model, record, db.versions.get(frozen), data, predictions)


def _fit(db: DatabaseManager, data: TrainingData, truth: Mapping[int, Drawn]) -> RidgeModel:
    image_ids = [image_id for image_id, _ in data["train"]]
    labels = [label for _, label in data["train"]]
    features = db.get_features_for_training(image_ids, EXTRACTOR, VERSION)
    return fit(features, labels, [truth[image_id].specimen_id for image_id in image_ids])


def _predict(
    db: DatabaseManager, model: RidgeModel, record: ModelVersionRecord, images: Sequence[int]
) -> dict[int, PredictionRecord]:
    """Predict every image once; what was predicted before is read back."""
    known = db.get_predictions(model_version_id=record.id, limit=len(images))
    if not known:
        values, confidences = model.predict(
            db.get_features_for_training(images, EXTRACTOR, VERSION)
        )
        db.store_predictions(
            image_id=images,
            prediction=np.round(values, 6),
            confidence=np.round(confidences, 6),
            model_version_id=record.id,
        )
        known = db.get_predictions(model_version_id=record.id, limit=len(images))
    return {one.image_id: one for one in known}


def _registered(db: DatabaseManager, version: str) -> ModelVersionRecord | None:
    try:
        return db.models.get(version)
    except UnknownRecordError:
        return None
