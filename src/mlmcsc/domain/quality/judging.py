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
        pairs: First pairs of images that look the same, the older first.
        unmeasurable: Images in use without a score, as their files cannot be read.
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
    pairs: Sequence[tuple[int, int]]
    unmeasurable: int


def judge(seen: Evidence) -> tuple[Finding, ...]:
    """All findings, the worst first."""
    found = [
        *_files(seen),
        *_images(seen),
        *_lacking(seen),
        *_labels(seen),
        *_answers(seen),
        *_models(seen),
    ]
    return tuple(sorted(found, key=lambda finding: WORST_FIRST.index(finding.severity)))


def _files(seen: Evidence) -> Iterator[Finding]:
    files = seen.files
    # Each file is looked for by `validate`, also where only a sample was.
    command = "mlmcsc database validate"
    if files.missing:
        about = f"image files that are not there: {files.missing:,} of {files.looked_at:,}"
        if files.seed is not None and files.share is not None and files.upper is not None:
            about += (
                f" in a random sample of all {files.images:,}; so about {files.share:.2%} are "
                f"missing, with 95 % confidence at most {files.upper:.2%}"
            )
        yield Finding(
            "missing_files", Severity.ERROR, files.missing, "image", files.ids, about, command
        )
    if files.unusable:
        about = f"image files that are empty, or no files: {files.unusable:,}"
        ids = files.unusable_ids
        yield Finding(
            "unusable_files", Severity.ERROR, files.unusable, "image", ids, about, command
        )
    yield from _some(
        seen,
        "unreadable",
        Severity.WARNING,
        "images that could not be measured when last tried",
        "mlmcsc quality scores --unreadable",
    )


def _images(seen: Evidence) -> Iterator[Finding]:
    limit = seen.scores.threshold
    yield from _some(
        seen,
        "low_quality",
        Severity.WARNING,
        f"images in use with a quality score below {limit:g}",
        f"mlmcsc images list --valid --below-quality {limit!r}",
    )
    measurable = seen.counts.get("not_scored", 0) > seen.unmeasurable
    yield from _some(
        seen,
        "not_scored",
        Severity.WARNING,
        "images in use without a quality score",
        "mlmcsc images list --valid --without score",
        repair="mlmcsc quality update-scores" if measurable else None,
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
            f"mlmcsc images list --below-quality {fence!r}",
        )


def _lacking(seen: Evidence) -> Iterator[Finding]:
    for field, option in REPAIRS.items():
        first = next(iter(seen.ids.get(f"no_{field}", ())), None)
        told = field.replace("_", " ")
        yield from _some(
            seen,
            f"no_{field}",
            Severity.INFO,
            f"images without {told}",
            f"mlmcsc images list --without {field}",
            repair=f"mlmcsc images set {first} {option}",
        )
    if seen.pairs:
        count = max(seen.counts.get("look_alikes", 0), len(seen.pairs))
        yield Finding(
            "look_alikes",
            Severity.INFO,
            count,
            "pair",
            tuple(seen.pairs),
            f"pairs of images in use that look the same (splits keep them together): {count:,}",
            f"mlmcsc images show {seen.pairs[0][1]}",
        )


REPAIRS: Final = {
    "specimen": "--specimen-id SPECIMEN",
    "magnification": "--magnification MAGNIFICATION",
    "pixel_size": "--pixel-size-um MICROMETRES",
}
"""What an image can lack, and the option that sets it."""


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
        "mlmcsc labels list --unverified --by-people",
        of="label",
    )
    count = seen.counts.get("disagreeing", 0)
    ids = tuple(image for _, image, _ in seen.spreads)[: min(count, SHOWN)]
    if ids:
        yield Finding(
            "disagreeing_labels",
            Severity.WARNING,
            count,
            "image",
            ids,
            "images that people, who saw no prediction, label more than 10 % of the range apart: "
            f"{count:,}",
            f"mlmcsc labels list --image {ids[0]}",
        )


def _answers(seen: Evidence) -> Iterator[Finding]:
    limit = seen.confidence_threshold
    yield from _some(
        seen,
        "low_confidence",
        Severity.INFO,
        f"predictions with a confidence below {limit:g}",
        f"mlmcsc predictions list --below-confidence {limit!r}",
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
        if model.told_of == "trained_on":
            about = (
                f"model {model.version} has no predictions for labelled images that it was not "
                "trained on: how good it is cannot be told"
            )
            yield _of_model("only_trained_on", model, about, Severity.INFO)
            continue  # what it says of those is no measure of anything
        trust = model.told.calibration
        if trust is not None and trust.ece is not None and trust.ece > ECE_LIMIT:
            about = (
                f"model {model.version} is right less or more often than its confidence says: "
                f"expected calibration error {trust.ece:.2f}"
            )
            yield _of_model("poor_calibration", model, about)
        covered = model.told.coverage
        if covered is not None and covered.too_low:
            about = (
                f"intervals of model {model.version} that are to hold {covered.nominal:.0%} of "
                f"the labels, made from the images labelled first, hold {covered.coverage:.1%} of "
                "the labels made later"
            )
            yield _of_model("poor_coverage", model, about)


def _of_model(
    kind: str, model: ModelAccuracy, about: str, severity: Severity = Severity.WARNING
) -> Finding:
    row, name = model.model_version_id, shlex.quote(model.version)
    command = f"mlmcsc models show {'-- ' if model.version.startswith('-') else ''}{name}"
    return Finding(kind, severity, 1, "model", (row,), about, command)


def _some(
    seen: Evidence,
    kind: str,
    severity: Severity,
    about: str,
    command: str,
    *,
    of: str = "image",
    repair: str | None = None,
) -> Iterator[Finding]:
    """The finding, if there are such rows: those that sums count and nobody can name are none."""
    count, ids = seen.counts.get(kind, 0), tuple(seen.ids.get(kind, ()))
    if count and ids:
        yield Finding(kind, severity, count, of, ids, f"{about}: {count:,}", command, repair)
