"""The run as the report tells it: pictures, tables and plots out of the database."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from mlmcsc.demo import charts
from mlmcsc.demo.evaluation import Scores, technicians_against_truth
from mlmcsc.demo.labelling import Laboratory
from mlmcsc.demo.learning import Lesson
from mlmcsc.demo.people import CREW
from mlmcsc.demo.quality import Judged, quality_charts, words
from mlmcsc.demo.report import (
    THUMBNAIL_PX,
    Chart,
    Picture,
    ReportData,
    SplitRow,
    TechnicianRow,
)
from mlmcsc.domain.records import LabelRecord
from mlmcsc.domain.results import SystemHealth

TITLE = "Charpy fracture surfaces: people and a model"


def report_of(
    lab: Laboratory,
    lesson: Lesson,
    scores: Scores,
    judged: Judged,
    health: SystemHealth,
    seconds: float,
) -> ReportData:
    """Gather what the report tells.

    Args:
        lab: the database and the truth.
        lesson: the last model.
        scores: how it and the technicians did.
        judged: what the quality services say, without the truth.
        health: the state of the database after the run.
        seconds: wall time so far.
    """
    labels = lab.labels()
    return ReportData(
        title=TITLE,
        made_at=datetime.now().astimezone(),
        model=scores.model,
        baseline_mae=scores.baseline_mae,
        technicians=_technicians(lab, labels),
        splits=_splits(lab, lesson),
        pictures=_pictures(lab, lesson, labels),
        charts=_charts(lab, lesson),
        judgements=list(words(judged)),
        quality_charts=list(quality_charts(judged)),
        facts=_facts(lab, lesson, scores, health, labels, seconds),
        steps=_steps(lab.db.url),
    )


def _technicians(lab: Laboratory, labels: Sequence[LabelRecord]) -> list[TechnicianRow]:
    rows = []
    for who in CREW:
        own = [x for x in labels if x.technician_id == lab.technician_ids[who.technician_id]]
        seconds = float(np.mean([one.time_spent or 0.0 for one in own]))
        metrics = technicians_against_truth(lab, own)
        rows.append(TechnicianRow(who.name, who.experience_level, seconds, metrics))
    return rows


def _splits(lab: Laboratory, lesson: Lesson) -> list[SplitRow]:
    return [
        SplitRow(
            name,
            len(pairs),
            sorted({lab.truth[image].specimen_id for image, _ in pairs}),
            float(np.mean([label for _, label in pairs])),
        )
        for name, pairs in lesson.data.items()
        if pairs
    ]


def _pictures(lab: Laboratory, lesson: Lesson, labels: Sequence[LabelRecord]) -> list[Picture]:
    split_of_specimen = {
        lab.truth[image].specimen_id: name
        for name, pairs in lesson.data.items()
        for image, _ in pairs
    }
    pictures = []
    for image, one in lab.truth.items():
        said = [label.label for label in labels if label.image_id == image]
        prediction = lesson.predictions[image]
        about = f"{one.material}, heat {one.heat}, {one.orientation}, KV {one.kv_j:.0f} J"
        pictures.append(
            Picture(
                filename=one.path.name,
                specimen_id=one.specimen_id,
                about=f"{about}, LE {one.lateral_expansion_mm:.2f} mm",
                temperature_c=one.temperature_c,
                split=split_of_specimen.get(one.specimen_id, "unused"),
                true_sfa=one.true_sfa,
                predicted=prediction.prediction,
                confidence=prediction.confidence,
                label=float(np.mean(said)) if said else None,
                jpeg=lab.db.images.thumbnail(image, size=THUMBNAIL_PX).read_bytes(),
            )
        )
    return pictures


def _charts(lab: Laboratory, lesson: Lesson) -> list[Chart]:
    spread = [charts.SplitLabel(name, value) for name, v in lesson.data.items() for _, value in v]
    points = [
        charts.Prediction(lab.truth[image].true_sfa, lesson.predictions[image].prediction, name)
        for name, pairs in lesson.data.items()
        for image, _ in pairs
    ]
    return [
        Chart(
            "The model",
            "Predicted over true shear fraction; on the dashed line they are equal. Judge by the "
            "test specimens: the model has learnt from the others.",
            charts.predicted_against_true(points),
        ),
        Chart(
            "The splits",
            "Labels in each split; ideally all three have the same shape.",
            charts.labels_by_split(spread),
        ),
    ]


def _facts(
    lab: Laboratory,
    lesson: Lesson,
    scores: Scores,
    health: SystemHealth,
    labels: Sequence[LabelRecord],
    seconds: float,
) -> list[tuple[str, str]]:
    report = lesson.data.report
    return [
        ("Seed", str(lab.seed)),
        ("Database", f"{health.url} ({health.database}), {health.status}"),
        ("Size", f"{health.database_bytes / 1e6:.1f} MB"),
        ("Active model", health.active_model or "none"),
        ("First model", f"{100 * scores.first_model.mae:.1f} % off on the same test images"),
        ("Against labels", f"{100 * scores.against_labels.mae:.1f} % off"),
        ("Verified", f"{sum(one.is_verified for one in labels)} of {len(labels)} labels"),
        ("Corrected", f"{sum(one.revision > 1 for one in labels)} label, earlier value kept"),
        (
            "Left out",
            "; ".join(f"{n} images: {why}" for why, n in report.left_out.items()) or "none",
        ),
        ("Near-duplicates", f"{report.near_duplicate_links} pairs, kept together"),
        ("Time", f"{seconds:.1f} s"),
    ]


def _steps(url: str) -> list[tuple[str, str]]:
    url = shlex.quote(url)
    return [
        (f"mlmcsc --database {url} database status", "See what is in the database."),
        (f"mlmcsc --database {url} labels list", "Read the labels."),
        (f"mlmcsc --database {url} training split", "Get the same splits again."),
        ("mlmcsc images ingest FOLDER", "Bring your own images into a database of your own."),
    ]
