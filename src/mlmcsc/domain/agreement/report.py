"""What a comparison of raters tells, part by part: a result, or what is missing for one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypeVar

from mlmcsc.domain.agreement.anchoring import Anchoring
from mlmcsc.domain.agreement.bland_altman import BlandAltman
from mlmcsc.domain.agreement.ceiling import Ceiling
from mlmcsc.domain.agreement.control import ControlChart
from mlmcsc.domain.agreement.gauge import GaugeRR
from mlmcsc.domain.agreement.icc import Icc
from mlmcsc.domain.agreement.krippendorff import Alpha
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.domain.agreement.precision import Precision
from mlmcsc.domain.agreement.rater_effects import RaterEffect

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Missing(Result):
    """Why a part has no result.

    Attributes:
        why: What is needed, and what there is.
        how: A command line that gets it.
    """

    why: str
    how: str


Part: TypeAlias = T | Missing


@dataclass(frozen=True, slots=True)
class Reliability(Result):
    """Intraclass correlation on a complete set of images and raters.

    Attributes:
        raters: Staff numbers of the raters.
        images: How many images all of them measured.
        icc: The statistics.
    """

    raters: tuple[str, ...]
    images: int
    icc: Icc


@dataclass(frozen=True, slots=True)
class Pair(Result):
    """Two raters, or a rater and a reference, on the images that both speak of.

    Attributes:
        first: Staff number.
        second: Staff number, `gold` or `consensus of the others`.
        comparison: Of first minus second.
    """

    first: str
    second: str
    comparison: BlandAltman


@dataclass(frozen=True, slots=True)
class CrossedGauge(Result):
    """A crossed gauge study found among the labels.

    Attributes:
        raters: Staff numbers of the operators.
        images: Number of parts.
        repeats: Labels of each image by each operator.
        gauge: The statistics.
    """

    raters: tuple[str, ...]
    images: int
    repeats: int
    gauge: GaugeRR


@dataclass(frozen=True, slots=True)
class GoldChart(Result):
    """A rater's differences from gold labels, in the order of time.

    Attributes:
        rater: Staff number.
        chart: The chart.
    """

    rater: str
    chart: ControlChart


@dataclass(frozen=True, slots=True)
class ModelBasis(Result):
    """On which of the compared images a model version is scored.

    Attributes:
        model: The version.
        training_known: Whether it is known which images it was trained on.
        trained_on: Images left out, as it was trained on them.
        images: Images with a prediction that are left.
        scored: Whether these are enough.
        note: What to keep in mind of the score, or why there is none.
    """

    model: str
    training_known: bool
    trained_on: int
    images: int
    scored: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class Counts(Result):
    """What there was to compare, after people whose data are restricted were left out.

    Attributes:
        images: Valid images with two labels or more.
        labels: People's labels of these.
        blind: Those measured without a prediction shown.
        assisted: Those measured with one shown.
        raters: People who made them.
        gold_images: Images of these with a gold label.
        labels_in_database: Of all images.
        restricted_labels: Left out, as the processing of their makers' data is restricted.
        restricted_raters: Those people.
    """

    images: int
    labels: int
    blind: int
    assisted: int
    raters: int
    gold_images: int
    labels_in_database: int
    restricted_labels: int
    restricted_raters: int


@dataclass(frozen=True, slots=True)
class AgreementReport(Result):
    """How far people agree with each other, with references, and models with people.

    All values are in the unit of the label range. Agreement is of first measurements that were
    made without a prediction shown.

    Attributes:
        technician: Staff number to whom the parts per rater are narrowed; None for all.
        since: Labels made at or after.
        until: Labels made before.
        made_at: When the report was made.
        counts: What there was to compare.
        reliability: ICC(2,1) and ICC(2,k).
        alpha: Krippendorff's alpha of all images that two people measured.
        pairs: Bland-Altman comparisons.
        precision: Repeatability and reproducibility.
        gauge: Gauge R&R, where a crossed study is found.
        raters: Bias and scatter of each rater.
        charts: Control charts on gold images.
        anchoring: How far a prediction that was shown pulls people.
        ceiling: Noise of people, and model versions scored as one more rater, on images that they
            were not trained on.
        models: What each version is scored on.
    """

    technician: str | None
    since: datetime | None
    until: datetime | None
    made_at: datetime
    counts: Counts
    reliability: Part[Reliability]
    alpha: Part[Alpha]
    pairs: Part[tuple[Pair, ...]]
    precision: Part[Precision]
    gauge: Part[CrossedGauge]
    raters: Part[tuple[RaterEffect, ...]]
    charts: Part[tuple[GoldChart, ...]]
    anchoring: Part[Anchoring]
    ceiling: Part[Ceiling]
    models: tuple[ModelBasis, ...] = ()

    @property
    def compared(self) -> bool:
        """Whether there was anything to compare."""
        return any(not isinstance(getattr(self, part), Missing) for part in PARTS)


PARTS = (
    "reliability",
    "alpha",
    "pairs",
    "precision",
    "gauge",
    "raters",
    "charts",
    "anchoring",
    "ceiling",
)
"""The fields that are a result or `Missing`."""
