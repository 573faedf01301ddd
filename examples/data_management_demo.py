"""The whole job through the documented calls, on drawn Charpy fracture surfaces.

Run it from the repository, once `make demo` has set things up:

    .venv/bin/python examples/data_management_demo.py [FOLDER]

Everything it makes goes into FOLDER (a new temporary one when left out). `mlmcsc demo` tells the
longer story, with technicians who see predictions, two models and a report with pictures.
"""

import sys
import tempfile
from pathlib import Path

import cv2

# Run as a script, Python looks for modules beside it; `src` lies one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from src.database import DatabaseManager

from mlmcsc.demo.campaign import DrawnImage, write_campaign
from mlmcsc.demo.metrics import measure
from mlmcsc.demo.model import fit
from mlmcsc.demo.people import CREW
from mlmcsc.demo.texture import texture_features

SEED = 19


def main(folder: Path) -> None:
    """Draw, store, label, train, predict, correct, look."""
    # A test campaign: 12 specimens, 3 photographs of each, with the truth on the side.
    drawn = write_campaign(folder / "images", SEED, specimens=12, images_per_specimen=3)
    with DatabaseManager(f"sqlite:///{folder}/example.db") as db:
        images = archive(db, folder / "images", drawn)
        truth = {image: one.surface.true_sfa for image, one in zip(images, drawn, strict=True)}
        label(db, images, truth)
        tested = learn(db, images, folder / "ridge-1.json")
        look(db, tested, truth)


def archive(db: DatabaseManager, folder: Path, drawn: list[DrawnImage]) -> list[int]:
    """Store the images and what the testing machine measured; ids in the order of `drawn`."""
    # --- Images: a folder at once; file names such as SPEC_A03_-20C_view2.jpg say the rest.
    report = db.ingest(
        folder,
        specimen_from=r"(?P<specimen>SPEC_[A-Z]\d+)_(?P<temperature_c>-?\d+)C_",
    )
    print(f"ingested {report.stored} images, {report.ignored} other files ignored")
    by_name = {image.filename: image for image in db.get_images()}
    images = [by_name[one.filename].id for one in drawn]

    # … or one by one. The same content under any path is the same image.
    same = db.store_image(folder / drawn[0].filename, specimen_id="SPEC_A01")
    print(f"stored again: still image {same}")

    # --- Specimens: what the testing machine measured.
    for bar in {one.specimen.specimen_id: one.specimen for one in drawn}.values():
        db.register_specimen(
            bar.specimen_id, material=bar.material, heat=bar.heat, kv_joule=bar.kv_j
        )
    return images


def label(db: DatabaseManager, images: list[int], truth: dict[int, float]) -> None:
    """Two technicians label; one label is corrected and verified."""
    # --- Technicians and their labels: one call each …
    ada, jonas = (
        db.register_technician(one.technician_id, one.name, experience_level="expert")
        for one in CREW[:2]
    )
    label_id = db.store_label(
        images[0], ada, round(truth[images[0]], 2), time_spent=31.0, difficulty_rating=2
    )
    # … or many at once, all of them or none.
    stored = db.store_labels(
        image_id=images[1:],
        technician_id=jonas,
        label=[min(1.0, max(0.0, round(truth[image] - 0.02, 2))) for image in images[1:]],
    )
    print(f"labels: {1 + stored.stored}")

    # --- Correcting keeps the earlier value; verifying says who looked.
    db.update_label(label_id, label=0.05, reason="measured again at higher magnification")
    db.verify_label(label_id, verified_by="tech_002")
    (before,) = db.get_label_revisions(label_id)
    print(f"label {label_id}: {before.label} before, {db.get_labels(images[0])[0].label} now")


def learn(db: DatabaseManager, images: list[int], model_file: Path) -> list[int]:
    """Train a ridge on texture features and predict every image; ids of the test split."""
    # --- Features: one vector per image, float32.
    vectors = [
        texture_features(cv2.imread(db.get_image(image).path, cv2.IMREAD_GRAYSCALE))
        for image in images
    ]
    db.store_features(images, "texture", vectors, "1.0")

    # --- A version keeps for good what the model learns from; its root proves what was in it.
    version = db.create_data_version("v1.0", "First campaign", "36 views, every image labelled")
    print(f"{version.version}: {version.total_images} images, root {version.root[:16]}")

    # --- Training data: no specimen in two splits, the same every time, on every machine.
    data = db.get_training_data(data_version="v1.0")
    train, labels = zip(*data["train"], strict=True)
    features = db.get_features_for_training(train, feature_type="texture")
    model = fit(features, labels, [db.get_image(image).specimen_id for image in train])
    model.save(model_file)
    print(f"trained on {len(train)} images, features {features.shape}")

    # --- The model and its predictions, with confidence.
    model_id = db.register_model_version(
        "ridge-1", "ridge", str(model_file), training_data_version="v1.0"
    )
    db.set_active_model(model_id)
    values, confidences = model.predict(db.get_features_for_training(images, "texture"))
    db.store_prediction(
        images[0],
        model_id,
        float(values[0]),
        float(confidences[0]),
        detection_bbox=[60, 120, 360, 300],
        processing_time=0.02,
    )
    db.store_predictions(
        image_id=images[1:],
        prediction=values[1:],
        confidence=confidences[1:],
        model_version_id=db.get_active_model().id,
    )
    return [image for image, _ in data["test"]]


def look(db: DatabaseManager, tested: list[int], truth: dict[int, float]) -> None:
    """Judge the model on specimens it never saw, and the database's health."""
    # --- How good is it? On specimens it never saw, against the truth.
    said = [db.get_predictions(image)[0].prediction for image in tested]
    error = measure([truth[image] for image in tested], said).mae
    print(f"mean absolute error on {len(tested)} test images: {100 * error:.1f} %")

    # --- Is the database well?
    db.update_image_quality(tested[0], 0.9)
    health = db.get_system_health()
    print(f"{health['status']}: {health['tables']['labels']} labels, {health['url']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else Path(tempfile.mkdtemp(prefix="mlmcsc-example-")))
