"""The campaign into the database: images, specimens, technicians, features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mlmcsc.demo.folder import Drawn, Plan
from mlmcsc.demo.people import CREW
from mlmcsc.demo.texture import EXTRACTOR, VERSION, texture_features
from mlmcsc.domain.results import IngestReport
from mlmcsc.errors import ConflictError, ImageFileError
from mlmcsc.manager import DatabaseManager

NAMING_RULE = r"(?P<specimen>SPEC_[A-Z]\d+)_(?P<temperature_c>-?\d+)C_"
"""What the laboratory's file names say: `SPEC_A03_-20C_view2.jpg`."""


def refuse_other_data(db: DatabaseManager, plan: Plan, drawn: Sequence[Drawn]) -> None:
    """Keep invented labels out of a database that somebody works with.

    Raises:
        ConflictError: it holds specimens or images that are not this campaign's.
    """
    ours = {one.specimen_id for one in drawn}
    images = db.get_images(limit=len(drawn) + 1)
    strange = next((i.path for i in images if i.specimen_id not in ours), None)
    for specimen in db.specimens.list(limit=len(ours) + 1):
        if specimen.notes != plan.mark:
            strange = strange or specimen.specimen_id
    if strange is not None or len(images) > len(drawn):
        raise ConflictError(
            f"{db.url} holds other data than this demo's, such as {strange or images[-1].path}. "
            "Its labels are invented and do not belong there: give --database an empty database."
        )


def register_specimens(db: DatabaseManager, plan: Plan, drawn: Sequence[Drawn]) -> None:
    """Tell the database what the testing machine measured; temperatures come with the images."""
    for one in {each.specimen_id: each for each in drawn}.values():
        db.register_specimen(
            one.specimen_id,
            material=one.material,
            heat=one.heat,
            orientation=one.orientation,
            kv_joule=one.kv_j,
            le_mm=one.lateral_expansion_mm,
            notes=plan.mark,
        )


def ingest(db: DatabaseManager, drawn: Sequence[Drawn]) -> tuple[IngestReport, list[int]]:
    """Store the image files; return the report and the image id of each, in order.

    Raises:
        ImageFileError: a drawn file is gone or was changed since.
    """
    report = db.ingest([one.path for one in drawn], specimen_from=NAMING_RULE, on_error="raise")
    if len(report.image_ids) != len(drawn):
        raise ImageFileError(f"{len(drawn)} images were drawn, {len(report.image_ids)} are stored.")
    return report, list(report.image_ids)


def register_technicians(db: DatabaseManager) -> dict[str, int]:
    """Register the crew; return the id to label with, by staff number."""
    return {
        one.technician_id: db.register_technician(
            one.technician_id, one.name, experience_level=one.experience_level
        )
        for one in CREW
    }


def store_features(
    db: DatabaseManager, drawn: Sequence[Drawn], image_ids: Sequence[int]
) -> tuple[int, int]:
    """Extract and store the texture of every image; return how many are new, and their length."""
    described = {s.extractor_version: s for s in db.features.sets() if s.feature_type == EXTRACTOR}
    known = described.get(VERSION)
    if known is not None and known.n_vectors == len(drawn):
        return 0, known.feature_dimension
    vectors = np.stack([texture_features(_grey(one.path)) for one in drawn])
    db.store_features(image_ids, EXTRACTOR, vectors, VERSION)
    return vectors.shape


def _grey(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    # Bytes first: OpenCV cannot open every path that the system can.
    grey = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ImageFileError(f"{path} cannot be read as an image; delete the folder to draw anew.")
    return np.asarray(grey, np.uint8)
