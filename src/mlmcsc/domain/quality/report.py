"""What a check of quality says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from mlmcsc.domain.quality.accuracy import Accuracy, Calibration, Coverage

SHOWN: Final = 20
"""Ids that a finding names; its count says how many there are."""


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at.

    Attributes:
        kind: A fixed word.
        severity: How much it matters; from `warning` on the check says no.
        count: How many there are.
        of: What the ids are of: `image`, `label`, `prediction`, `model` or `pair` of images.
        ids: The first of them, the worst first where there is a worst.
        message: One sentence.
        command: Shows what was counted.
        repair: Mends it, or asks for what is missing, in capitals; None where that is for people.
    """

    kind: str
    severity: Severity
    count: int
    of: str
    ids: tuple[int, ...] | tuple[tuple[int, int], ...]
    message: str
    command: str
    repair: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The ids as they are written."""
        return tuple(f"{i[0]}={i[1]}" if isinstance(i, tuple) else str(i) for i in self.ids)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of some labels are verified; the rate is None of none."""

    labels: int
    verified: int

    @property
    def rate(self) -> float | None:
        """Share in [0, 1]."""
        return self.verified / self.labels if self.labels else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"labels": self.labels, "verified": self.verified, "rate": self.rate}


@dataclass(frozen=True, slots=True)
class Scores:
    """Quality scores of the images that have one.

    Attributes:
        n: Images with a score.
        mean: Their mean; None of none.
        sd: Their standard deviation (n - 1); None of fewer than two.
        quantiles: `5 %`, `25 %` … to the score, to 0.001; None of none.
        histogram: Images in 20 equal steps from 0 to 1.
        threshold: `quality.min_quality_score`.
        below: Images below it.
    """

    n: int
    mean: float | None
    sd: float | None
    quantiles: Mapping[str, float] | None
    histogram: tuple[int, ...]
    threshold: float
    below: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON, with the share below the threshold."""
        share = self.below / self.n if self.n else None
        return {**asdict(self), "share_below": share}


@dataclass(frozen=True, slots=True)
class Figures:
    """A model version against the labels of some images.

    Attributes:
        overall: Against every reference.
        independent: Against gold, consensus and blind labels.
        assisted: Against labels whose maker saw a prediction: these flatter the model.
        by_basis: Against each kind of reference.
        by_month: `YYYY-MM` of the answer to the accuracy, against every reference.
        calibration: Of its confidence.
        coverage: Of its conformal intervals.
    """

    overall: Accuracy
    independent: Accuracy | None
    assisted: Accuracy | None
    by_basis: Mapping[str, Accuracy]
    by_month: Mapping[str, Accuracy]
    calibration: Calibration | None
    coverage: Coverage | None


@dataclass(frozen=True, slots=True)
class ModelAccuracy:
    """One model version against the labels.

    Attributes:
        model_version_id: Database id.
        version: Its name.
        splits: Figures by what the images were to the model, the first being what is told of it:
            `held_out`, those it was not trained on; `trained_on`; `not_known`, where the data
            version that it was trained on is not known here.
    """

    model_version_id: int
    version: str
    splits: Mapping[str, Figures]

    @property
    def told_of(self) -> str:
        """Which images the headline figures are of."""
        return next(iter(self.splits))

    @property
    def told(self) -> Figures:
        """The headline figures."""
        return self.splits[self.told_of]

    def to_dict(self) -> dict[str, Any]:
        """As JSON: the headline figures, and those of each split."""
        return {
            "model_version_id": self.model_version_id,
            "version": self.version,
            "images": self.told_of,
            **asdict(self.told),
            "splits": {name: asdict(figures) for name, figures in self.splits.items()},
        }


@dataclass(frozen=True, slots=True)
class Files:
    """Whether the image files are there.

    Attributes:
        images: Images that there are.
        looked_at: Files looked for: all, or a random sample.
        missing: Of those, how many are not there.
        share: Share missing: exact, or estimated from the sample; None without images.
        upper: With 95 % confidence no larger share is missing.
        seed: Of the sample; None where all were looked for.
        ids: Images of the first missing files.
        unusable: How many are no files, or empty ones.
        unusable_ids: Images of the first of them.
    """

    images: int
    looked_at: int
    missing: int
    share: float | None
    upper: float | None
    seed: int | None
    ids: tuple[int, ...]
    unusable: int = 0
    unusable_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class QualityReport:
    """The state of the data.

    Attributes:
        checked_at: When.
        counts: Images, labels, predictions and others by name.
        scores: Quality scores of images.
        completeness: Field to the share of images that have it, in [0, 1].
        labels_per_image: Images with `0`, `1`, `2` and `3+` labels.
        predictions_per_image: Images with so many predictions.
        verification: Of all labels.
        verification_by_type: By label type.
        verification_by_month: By month of the label, `YYYY-MM`.
        models: Accuracy per model version, by id.
        confidence_threshold: `quality.flag_threshold`.
        low_confidence: Predictions below it.
        outliers: Largest residuals: dicts of prediction and image id and the residual.
        disagreements: Images whose labels lie farthest apart, likewise.
        duplicate_pairs: Pairs of valid images that look the same.
        files: Whether files are there.
        restricted_labels: Labels left out, as their makers' processing is restricted (Art. 18).
        findings: What to look at, the worst first.
        summed_chunks: Chunks of images whose sums had to be made anew.
        seconds: How long the check took.
    """

    checked_at: datetime
    counts: Mapping[str, int]
    scores: Scores
    completeness: Mapping[str, float]
    labels_per_image: Mapping[str, int]
    predictions_per_image: Mapping[str, int]
    verification: Rate
    verification_by_type: Mapping[str, Rate]
    verification_by_month: Mapping[str, Rate]
    models: tuple[ModelAccuracy, ...]
    confidence_threshold: float
    low_confidence: int
    outliers: tuple[Mapping[str, Any], ...]
    disagreements: tuple[Mapping[str, Any], ...]
    duplicate_pairs: int
    files: Files
    restricted_labels: int
    findings: tuple[Finding, ...]
    summed_chunks: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing was found that is a warning or worse."""
        return all(finding.severity is Severity.INFO for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As JSON, under plain names."""
        return {
            "checked_at": self.checked_at.isoformat(),
            "ok": self.ok,
            "total_images": self.counts["images"],
            "valid_images": self.counts["images"] - self.counts["invalid"],
            "total_labels": self.counts["labels"],
            "total_predictions": self.counts["predictions"],
            "average_quality_score": self.scores.mean,
            "quality_score_distribution": self.scores.to_dict(),
            "data_completeness": dict(self.completeness),
            "labels_per_image": dict(self.labels_per_image),
            "predictions_per_image": dict(self.predictions_per_image),
            "label_verification_rate": self.verification.rate,
            "label_verification": {
                **self.verification.to_dict(),
                "by_type": {k: v.to_dict() for k, v in self.verification_by_type.items()},
                "by_month": {k: v.to_dict() for k, v in self.verification_by_month.items()},
            },
            "prediction_accuracy": [model.to_dict() for model in self.models],
            "low_confidence": {
                "threshold": self.confidence_threshold,
                "predictions": self.low_confidence,
            },
            "outliers": [dict(case) for case in self.outliers],
            "disagreements": [dict(case) for case in self.disagreements],
            "duplicate_pairs": self.duplicate_pairs,
            "files": asdict(self.files),
            "restricted_labels": self.restricted_labels,
            "findings": [asdict(finding) for finding in self.findings],
            "summed_chunks": self.summed_chunks,
            "seconds": self.seconds,
        }
