"""What the database says of images, people and steels, as it would without knowing the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlmcsc import plots
from mlmcsc.demo.labelling import Laboratory
from mlmcsc.demo.report import Chart
from mlmcsc.demo.specimens import HEATS
from mlmcsc.domain.agreement.report import AgreementReport, Missing
from mlmcsc.domain.charpy.derived import Temperature
from mlmcsc.domain.charpy.results import Curve, CurveReport
from mlmcsc.domain.quality.report import QualityReport
from mlmcsc.errors import ValidationError
from mlmcsc.plots.quality import panels

PANELS = {
    "Image quality": "Scores from focus, contrast, clipping, noise and illumination; dashed: the "
    "threshold below which an image is flagged.",
    "Is the confidence true?": "How often a model is right over how sure it says it is; on the "
    "dashed line it can be believed.",
}
"""Panels of the check that the report shows, and how to read them."""
TRUE_FATT = {heat.name: heat.t50_c for heat in HEATS}


@dataclass(frozen=True)
class Judged:
    """The reports of this release's quality services.

    Attributes:
        agreement: how far people agree.
        check: scores of images, errors of models, and what to look at.
        curves: transition curves by heat, through what people read off the images; or why there
            is none, as in a small campaign without a transition.
    """

    agreement: AgreementReport
    check: QualityReport
    curves: CurveReport | str


def judge(lab: Laboratory) -> Judged:
    """Ask for every report, and bring the technicians' scores up to date."""
    lab.db.agreement.update_accuracy()
    return Judged(lab.db.agreement.report(), lab.db.quality.check(), _curves(lab))


def _curves(lab: Laboratory) -> CurveReport | str:
    first, *others = sorted(TRUE_FATT)
    try:
        return lab.db.charpy.curve(
            property="sfa", source="labels", heat=first, compare=others, together=True
        )
    except ValidationError as refused:
        return str(refused)


def words(judged: Judged) -> Iterator[tuple[str, str]]:
    """Name and words of each report."""
    check, report = judged.check, judged.agreement
    if check.scores.mean is not None:
        scored = f"mean quality score {check.scores.mean:.2f}"
        low = f"{check.scores.below} of {check.scores.n} below {check.scores.threshold:g}"
        yield "Images", f"{scored}; {low}"
    yield "Agreement", agreement(report)
    yield "Anchoring", anchoring(report)
    if isinstance(judged.curves, str):
        yield "Transition", judged.curves
    else:
        yield from _temperatures(judged.curves)
    findings = [f"{each.count} {each.kind.replace('_', ' ')}" for each in check.findings]
    yield "To look at", ", ".join(findings) or "nothing"


def _temperatures(report: CurveReport) -> Iterator[tuple[str, str]]:
    for curve in report.curves:
        yield f"Heat {curve.name}", f"{temperature(curve)}; truth {TRUE_FATT[curve.name]:.0f} °C"


def quality_charts(judged: Judged) -> Iterator[Chart]:
    """What the same reports look like; one that has no result has no chart."""
    report = judged.agreement
    if not isinstance(report.raters, Missing):
        yield Chart(
            "The technicians",
            "Each against the mean of the others on the same images, blind labels only; bars are "
            "95 % confidence intervals.",
            plots.svg(plots.rater_effects(report.raters)),
        )
    if not isinstance(report.ceiling, Missing):
        yield Chart(
            "Models beside people",
            "Mean absolute error against the mean of the others on the same images, for people "
            "and, on the same terms, for models: what people do is the noise ceiling.",
            plots.svg(plots.ceiling(report.ceiling)),
        )
    if not isinstance(report.anchoring, Missing):
        yield Chart(
            "The pull of a prediction",
            "Labels made with a prediction on the screen, over that prediction; both as distance "
            "from what others said blind. A flat line is independent, a steep one copies.",
            plots.svg(plots.anchoring(report.anchoring)),
        )
    if not isinstance(judged.curves, str):
        yield Chart(
            "The transition",
            "Shear fraction of each specimen as people read it off the images, over test "
            "temperature; fitted curves with 95 % bands, and the temperature of 50 % shear (FATT).",
            plots.svg(plots.transition_curves(judged.curves)),
        )
    drawn = panels(judged.check)
    for title, caption in PANELS.items():
        if title in drawn:
            yield Chart(title, caption, plots.svg(drawn[title].properties(title="")))


def agreement(report: AgreementReport) -> str:
    """How far people agree, or what is missing to tell."""
    found = report.reliability
    if isinstance(found, Missing):
        return found.why
    icc = found.icc
    return (
        f"ICC(2,1) {icc.single:.3f} (95 % {icc.single_low:.3f} to {icc.single_high:.3f}), "
        f"{icc.single_band}, {len(found.raters)} people on {found.images} images"
    )


def anchoring(report: AgreementReport) -> str:
    """How far a prediction on the screen pulls people, or what is missing to tell."""
    found = report.anchoring
    if isinstance(found, Missing):
        return found.why
    return (
        f"slope {found.slope:.2f} (95 % {found.low:.2f} to {found.high:.2f}; 0 ignores the "
        f"prediction, 1 copies it)"
    )


def temperature(curve: Curve) -> str:
    """A curve's FATT with its confidence limits."""
    fatt: Temperature = curve.fit.derived[0]
    if fatt.value is None:
        return f"{fatt.name}: {fatt.note}"
    limits = ""
    if fatt.low is not None and fatt.high is not None:
        limits = f" (95 % {fatt.low:.0f} to {fatt.high:.0f})"
    return f"{fatt.name} {fatt.value:.0f}{limits} °C"
