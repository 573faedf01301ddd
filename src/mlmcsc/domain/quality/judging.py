"""What is to be looked at, how much it matters, and what to run next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mlmcsc.domain.quality.report import (
    SHOWN,
    Files,
    Finding,
    ModelAccuracy,
    Scores,
    Severity,
)
from mlmcsc.domain.quality.sums import Case

WORST_FIRST: Final = (Severity.ERROR, Severity.WARNING, Severity.INFO)
ECE_LIMIT: Final = 0.1
"""Expected calibration error from which a model's confidence misleads."""
FEWEST: Final = 100
"""Answers with a label below which a model's confidence is not judged."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is judged.

    Attributes:
        counts: How many, by kind of finding.
        ids: Of the first of them.
        scores: Quality scores.
        models: Accuracy per model version.
        files: Whether files are there.
        confidence_threshold: `quality.flag_threshold`.
        far_residual: From where on an answer lies far out, and how many do.
        far_score: Below which score an image lies far out, and how many do.
        outliers: Largest residuals, as `Sums` keeps them.
        spreads: Images whose labels lie farthest apart.
        lowest: Images of the lowest scores.
    """

    counts: Mapping[str, int]
    ids: Mapping[str, Sequence[int]]
    scores: Scores
    models: Sequence[ModelAccuracy]
    files: Files
    confidence_threshold: float
    far_residual: tuple[float, int]
    far_score: tuple[float, int]
    outliers: Sequence[Case]
    spreads: Sequence[Case]
    lowest: Sequence[Case]


def judge(seen: Evidence) -> tuple[Finding, ...]:
    """All findings, the worst first."""
    found = [*_files(seen), *_images(seen), *_labels(seen), *_answers(seen), *_models(seen)]
    return tuple(sorted(found, key=lambda finding: WORST_FIRST.index(finding.severity)))


def _files(seen: Evidence) -> Iterator[Finding]:
    files = seen.files
    if not files.missing:
        return
    about = f"image files that are not there: {files.missing:,} of {files.looked_at:,}"
    if files.seed is not None and files.share is not None and files.upper is not None:
        about += (
            f" in a random sample of all {files.images:,}; so about {files.share:.2%} are "
            f"missing, with 95 % confidence at most {files.upper:.2%}"
        )
    show = f"mlmcsc images show {files.ids[0]}"
    command = show if files.seed is None else "mlmcsc quality check --all-files"
    yield Finding(
        "missing_files", Severity.ERROR, files.missing, "image", files.ids, about, command
    )


def _images(seen: Evidence) -> Iterator[Finding]:
    limit = seen.scores.threshold
    yield from _some(
        seen,
        "low_quality",
        Severity.WARNING,
        f"images in use with a quality score below {limit:g}",
        f"mlmcsc images list --valid --max-quality {limit:g}",
    )
    yield from _some(
        seen,
        "not_scored",
        Severity.WARNING,
        "images in use without a quality score",
        "mlmcsc quality update-scores",
    )
    fence, count = seen.far_score
    ids = tuple(image for size, image, _ in seen.lowest if -size < fence)
    if count and ids:
        yield Finding(
            "far_out_scores",
            Severity.INFO,
            count,
            "image",
            ids,
            f"images scored far below the others, under {fence:.3f}: {count:,}",
            f"mlmcsc images show {ids[0]}",
        )
    for field in ("specimen", "magnification", "pixel_size"):
        told = field.replace("_", " ")
        yield from _shown(seen, f"no_{field}", f"images without {told}")
    pairs = "pairs of images in use that look the same (splits keep them together)"
    yield from _shown(seen, "look_alikes", pairs)


def _labels(seen: Evidence) -> Iterator[Finding]:
    yield from _some(
        seen,
        "not_labelled",
        Severity.INFO,
        "images without a label",
        "mlmcsc images list --unlabelled",
    )
    yield from _some(
        seen,
        "not_verified",
        Severity.INFO,
        "labels that nobody has verified",
        "mlmcsc labels list --unverified",
        of="label",
    )
    count = seen.counts.get("disagreeing", 0)
    if count:
        ids = tuple(image for _, image, _ in seen.spreads)[: min(count, SHOWN)]
        yield Finding(
            "disagreeing_labels",
            Severity.WARNING,
            count,
            "image",
            ids,
            f"images that people label more than 10 % of the range apart: {count:,}",
            f"mlmcsc labels list --image {ids[0]}",
        )


def _answers(seen: Evidence) -> Iterator[Finding]:
    limit = seen.confidence_threshold
    yield from _some(
        seen,
        "low_confidence",
        Severity.INFO,
        f"predictions with a confidence below {limit:g}",
        f"mlmcsc predictions list --max-confidence {limit:g}",
        of="prediction",
    )
    fence, count = seen.far_residual
    cases = [case for case in seen.outliers if case[0] >= fence][: min(count, SHOWN)]
    if cases:
        yield Finding(
            "far_out_predictions",
            Severity.WARNING,
            count,
            "prediction",
            tuple(row for _, row, _ in cases),
            f"predictions {fence:.3g} or more off the label, far more than the others: {count:,}",
            f"mlmcsc images show {cases[0][2]}",
        )


def _models(seen: Evidence) -> Iterator[Finding]:
    for model in seen.models:
        trust = model.calibration
        if trust is not None and trust.n >= FEWEST and trust.ece > ECE_LIMIT:
            about = (
                f"model {model.version} is right less or more often than its confidence says: "
                f"expected calibration error {trust.ece:.2f}"
            )
            yield _of_model("poor_calibration", model, about)
        covered = model.coverage
        if covered is not None and covered.too_low:
            about = (
                f"intervals of model {model.version} that are to hold {covered.nominal:.0%} of "
                f"the labels hold {covered.coverage:.1%} of the later ones: it has drifted"
            )
            yield _of_model("poor_coverage", model, about)


def _of_model(kind: str, model: ModelAccuracy, about: str) -> Finding:
    row = model.model_version_id
    command = f"mlmcsc models show {shlex.quote(model.version)}"
    return Finding(kind, Severity.WARNING, 1, "model", (row,), about, command)


def _some(
    seen: Evidence, kind: str, severity: Severity, about: str, command: str, *, of: str = "image"
) -> Iterator[Finding]:
    count = seen.counts.get(kind, 0)
    if count:
        ids = tuple(seen.ids[kind])
        yield Finding(kind, severity, count, of, ids, f"{about}: {count:,}", command)


def _shown(seen: Evidence, kind: str, about: str) -> Iterator[Finding]:
    if seen.counts.get(kind, 0):
        first = f"mlmcsc images show {seen.ids[kind][0]}"
        yield from _some(seen, kind, Severity.INFO, about, first)
