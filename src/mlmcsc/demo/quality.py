"""What the database itself says of images, people, models and steels, who know no truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlmcsc.demo.labelling import Laboratory
from mlmcsc.demo.specimens import HEATS
from mlmcsc.domain.agreement.report import AgreementReport, Missing
from mlmcsc.domain.charpy.derived import Temperature
from mlmcsc.domain.charpy.results import Curve, CurveReport
from mlmcsc.domain.quality.report import QualityReport

TRUE_FATT = {heat.name: heat.t50_c for heat in HEATS}


@dataclass(frozen=True)
class Judged:
    """The reports of this release's quality services.

    Attributes:
        agreement: how far people agree.
        check: scores of images, errors of models, and what to look at.
        curves: transition curves by heat, through what people read off the images.
    """

    agreement: AgreementReport
    check: QualityReport
    curves: CurveReport


def judge(lab: Laboratory) -> Judged:
    """Ask for every report, and bring the technicians' scores up to date."""
    lab.db.agreement.update_accuracy()
    first, *others = sorted(TRUE_FATT)
    return Judged(
        agreement=lab.db.agreement.report(),
        check=lab.db.quality.check(),
        curves=lab.db.charpy.curve(property="sfa", source="labels", heat=first, compare=others),
    )


def told(judged: Judged) -> Iterator[str]:
    """One line a report."""
    check, report = judged.check, judged.agreement
    yield (
        f"images: mean quality score {check.scores.mean:.2f}, {check.scores.below} of "
        f"{check.scores.n} below {check.scores.threshold:g}"
    )
    yield f"people: {agreement(report)}"
    yield f"anchoring: {anchoring(report)}"
    yield "steel: " + "; ".join(
        f"heat {curve.name} {temperature(curve)}, truth {TRUE_FATT[curve.name]:.0f} °C"
        for curve in judged.curves.curves
    )
    findings = [f"{each.count} × {each.kind}" for each in check.findings]
    yield f"check: {', '.join(findings) or 'nothing to look at'}"


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
    limits = "" if fatt.low is None else f" (95 % {fatt.low:.0f} to {fatt.high:.0f})"
    return f"{fatt.name} {fatt.value:.0f}{limits} °C"
