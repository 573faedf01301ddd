"""How a check of quality looks on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mlmcsc.cli.output import Column, attribute, counted, duration, facts, say, table

if TYPE_CHECKING:
    from mlmcsc.domain.quality.report import Finding, ModelAccuracy, QualityReport


def _mae(accuracy: Any) -> str:
    return "-" if accuracy is None else f"{accuracy.mae:.4g}"


def covered(model: ModelAccuracy) -> str:
    """Coverage of intervals, with its confidence interval and what was promised."""
    found = model.coverage
    if found is None or found.coverage is None or found.low is None or found.high is None:
        return "-"
    return (
        f"{found.coverage:.1%} ({found.low:.1%} to {found.high:.1%}), {found.nominal:.0%} promised"
    )


MODELS = (
    attribute("version", "model"),
    Column("answers", lambda m: f"{m.overall.n:,}", right=True),
    Column("MAE", lambda m: f"{m.overall.mae:.4g}", right=True),
    Column("RMSE", lambda m: f"{m.overall.rmse:.4g}", right=True),
    Column("bias", lambda m: f"{m.overall.bias:+.3g}", right=True),
    Column("R²", lambda m: "-" if m.overall.r2 is None else f"{m.overall.r2:.3f}", right=True),
    Column("MAE blind*", lambda m: _mae(m.independent), right=True),
    Column("MAE assisted", lambda m: _mae(m.assisted), right=True, minor=True),
    Column(
        "ECE", lambda m: "-" if m.calibration is None else f"{m.calibration.ece:.3f}", right=True
    ),
    Column("coverage", covered, whole=True, minor=True),
)


def show_report(found: QualityReport) -> None:
    """Print the report: what there is, then what to look at."""
    facts(overview(found))
    if found.models:
        table(MODELS, found.models, "predictions against labels, in the labels' unit")
        say("* against gold, consensus and blind labels; whoever saw a prediction is pulled to it")
    show_findings(found.findings)
    made = counted(found.summed_chunks, "chunk") if found.summed_chunks else None
    say(f"\nchecked in {duration(found.seconds)}" + (f"; {made} summed up anew" if made else ""))


def overview(found: QualityReport) -> dict[str, Any]:
    """Names and values that tell the state of the data."""
    counts, scores = found.counts, found.scores
    invalid = f", {counts['invalid']:,} of them not to be used" if counts["invalid"] else ""
    quality = None
    if scores.mean is not None and scores.quantiles is not None:
        low, high = scores.quantiles["5%"], scores.quantiles["95%"]
        quality = (
            f"mean {scores.mean:.3f}, 90 % from {low:.3f} to {high:.3f}; "
            f"{scores.below / scores.n:.1%} below {scores.threshold:g}"
        )
    return {
        "images": f"{counts['images']:,}{invalid}",
        "labels": f"{counts['labels']:,}",
        "predictions": f"{counts['predictions']:,}",
        "quality scores": quality,
        "known": shares(found.completeness) or None,
        "labels per image": many(found.labels_per_image),
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
    return f"{found.verification.rate:.1%} of labels ({each})"


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
        named = " ".join(map(str, finding.ids))
        more = f" and {rest:,} more" if (rest := finding.count - len(finding.ids)) > 0 else ""
        say(f"  {finding.of} {named}{more}")
        say(f"  {finding.command}")
