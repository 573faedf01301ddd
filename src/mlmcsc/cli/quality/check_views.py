"""How a check of quality looks on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mlmcsc.cli.output import Column, attribute, counted, duration, facts, say, table
from mlmcsc.domain.quality.accuracy import FEWEST_FOR_ECE

if TYPE_CHECKING:
    from mlmcsc.domain.quality.accuracy import Accuracy
    from mlmcsc.domain.quality.report import Figures, Finding, ModelAccuracy, QualityReport


IMAGES: Final = {
    "held_out": "not trained on",
    "trained_on": "TRAINED ON",
    "not_known": "training not known",
}
"""What images were to a model, in words."""
TRAINED: Final = (
    "on images that it was trained on a model looks better than it is: its error elsewhere is that "
    "on images not trained on; where its training data are not known here, nobody can tell"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A model on images of one kind."""

    version: str
    images: str
    figures: Figures


def by_split(models: Iterable[ModelAccuracy]) -> list[Row]:
    """One row a model and kind of images, what is told of it first."""
    return [
        Row(model.version, IMAGES[name], figures)
        for model in models
        for name, figures in model.splits.items()
    ]


def mae(accuracy: Accuracy | None) -> str:
    """The error, or a dash."""
    return "-" if accuracy is None else f"{accuracy.mae:.4g}"


def ece(figures: Figures) -> str:
    """The calibration error, or why there is none."""
    found = figures.calibration
    if found is None:
        return "-"
    return f"n < {FEWEST_FOR_ECE}" if found.ece is None else f"{found.ece:.3f}"


def covered(figures: Figures) -> str:
    """Coverage of intervals, with its confidence interval."""
    found = figures.coverage
    if found is None or found.coverage is None or found.low is None or found.high is None:
        return "-"
    return f"{found.coverage:.1%} ({found.low:.0%} to {found.high:.0%})"


MODELS = (
    attribute("version", "model"),
    attribute("images", "images", whole=True),
    Column("n", lambda m: f"{m.figures.overall.n:,}", right=True),
    Column("MAE", lambda m: mae(m.figures.overall), right=True),
    Column("MAE indep.*", lambda m: mae(m.figures.independent), right=True),
    Column("coverage", lambda m: covered(m.figures), whole=True),
    Column("ECE", lambda m: ece(m.figures), right=True, minor=True),
    Column("bias", lambda m: f"{m.figures.overall.bias:+.3g}", right=True, minor=True),
    Column("RMSE", lambda m: f"{m.figures.overall.rmse:.4g}", right=True, minor=True),
    Column("R²", lambda m: r2(m.figures.overall), right=True, minor=True),
    Column("MAE assisted", lambda m: mae(m.figures.assisted), right=True, minor=True),
)


def r2(accuracy: Accuracy) -> str:
    """The share of the labels' variance that is explained, or a dash."""
    return "-" if accuracy.r2 is None else f"{accuracy.r2:.3f}"


def notes(models: Iterable[ModelAccuracy]) -> list[str]:
    """What the figures mean, with the limits that they were made with."""
    figures = [figures for model in models for figures in model.splits.values()]
    said = [
        TRAINED,
        "* against gold, consensus and blind labels; whoever saw a prediction is pulled to it",
    ]
    tolerances = {each.calibration.tolerance for each in figures if each.calibration is not None}
    said += [
        f"ECE: a prediction counts as right within {tolerance:.3g} of the label"
        for tolerance in sorted(tolerances)
    ]
    nominal = {each.coverage.nominal for each in figures if each.coverage is not None}
    said += [f"coverage: {share:.0%} promised, in brackets 95 %" for share in sorted(nominal)]
    return said


def show_report(found: QualityReport) -> None:
    """Print the report: what there is, then what to look at."""
    facts(overview(found))
    if found.models:
        table(MODELS, by_split(found.models), "predictions against labels, in the labels' unit")
        for line in notes(found.models):
            say(line)
    show_findings(found.findings)
    made = counted(found.summed_chunks, "chunk") if found.summed_chunks else None
    say(f"\nchecked in {took(found.seconds)}" + (f"; {made} summed up anew" if made else ""))


def took(seconds: float) -> str:
    """How long it took; most checks take less than a second."""
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else duration(seconds)


def overview(found: QualityReport) -> dict[str, Any]:
    """Names and values that tell the state of the data."""
    counts, scores = found.counts, found.scores
    invalid = f", {counts['invalid']:,} of them not to be used" if counts["invalid"] else ""
    agreed = f", {counts['consensus']:,} of them a consensus" if counts["consensus"] else ""
    quality = None
    if scores.mean is not None and scores.quantiles is not None:
        low, high = scores.quantiles["5%"], scores.quantiles["95%"]
        quality = (
            f"mean {scores.mean:.3f}, 90 % from {low:.3f} to {high:.3f}; "
            f"{scores.below / scores.n:.1%} below {scores.threshold:g}"
        )
    return {
        "images": f"{counts['images']:,}{invalid}",
        "labels": f"{counts['labels']:,}{agreed}",
        "predictions": f"{counts['predictions']:,}",
        "quality scores": quality,
        "known": shares(found.completeness) or None,
        "people's labels per image": many(found.labels_per_image),
        "predictions per image": many(found.predictions_per_image),
        "verified": verified(found),
        "files": files(found),
        "left out": restricted(found),
    }


def shares(completeness: Any) -> str:
    """Fields and which share of the images has them."""
    return ", ".join(f"{name.replace('_', ' ')} {part:.1%}" for name, part in completeness.items())


def many(images: Any) -> str | None:
    """How many images have how many."""
    if not any(images.values()):
        return None
    return ", ".join(f"{name}: {count:,}" for name, count in images.items() if count)


def verified(found: QualityReport) -> str | None:
    """The overall rate, and that of each type of label."""
    if found.verification.rate is None:
        return None
    types = found.verification_by_type
    each = ", ".join(f"{name} {rate.rate:.1%}" for name, rate in types.items() if rate.labels)
    return f"{found.verification.rate:.1%} of people's labels ({each})"


def files(found: QualityReport) -> str | None:
    """What was looked for, and what is not there."""
    looked = found.files
    if not looked.looked_at:
        return None
    if looked.seed is None:
        return f"{looked.missing:,} of {looked.looked_at:,} missing; all looked for"
    return (
        f"{looked.missing:,} of {looked.looked_at:,} looked for at random are missing; with 95 % "
        f"confidence at most {looked.upper:.3%} of all"
    )


def restricted(found: QualityReport) -> str | None:
    """Labels that may not be used."""
    count = found.restricted_labels
    return f"{counted(count, 'label')} of restricted people (Art. 18)" if count else None


def show_findings(findings: Iterable[Finding]) -> None:
    """What to look at, each with its ids and a command."""
    findings = tuple(findings)
    if not findings:
        say("\nnothing to look at")
        return
    say("\nto look at")
    for finding in findings:
        say(f"\n{finding.severity.value}: {finding.message}")
        named = " ".join(finding.named)
        more = f" and {rest:,} more" if (rest := finding.count - len(finding.ids)) > 0 else ""
        say(f"  {finding.of} {named}{more}")
        say(f"  {finding.command}")
        if finding.repair:
            say(f"  {finding.repair}")
