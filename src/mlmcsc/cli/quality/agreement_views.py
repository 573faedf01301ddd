"""How an agreement report is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlmcsc.cli.output import Column, attribute, console, counted, facts, note, say, table
from mlmcsc.domain.agreement.report import Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mlmcsc.domain.agreement.rater_effects import RaterEffect
    from mlmcsc.domain.agreement.report import (
        AgreementReport,
        CrossedGauge,
        ModelBasis,
        Reliability,
    )

DASH = "-"


INDEPENDENT = (
    "intervals take the images of a specimen together, as they are alike; with fewer than five "
    "specimens they take them as independent and are too narrow"
)


def show(report: AgreementReport) -> None:
    """Print every part that has a result; then what is missing for the others."""
    _counts(report)
    missing: dict[str, Missing] = {}
    for name, (title, view) in VIEWS.items():
        part = getattr(report, name)
        if isinstance(part, Missing):
            missing[title] = part
        else:
            _title(title)
            view(part)
    for each in report.models:
        _show_basis(each)
    _show_missing(missing)
    if report.compared:
        note(INDEPENDENT)


def _show_basis(of: ModelBasis) -> None:
    if of.trained_on:
        images = counted(of.trained_on, "image")
        note(f"{of.model}: {images} left out, as it was trained on them")
    if of.note is not None:
        note(f"{of.model}: {of.note}")


def _show_missing(missing: Mapping[str, Missing]) -> None:
    """What is not told, those together that wait for the same."""
    if missing:
        _title("Not told")
    for part in dict.fromkeys(missing.values()):
        titles = ", ".join(title for title, each in missing.items() if each == part)
        say(f"{titles}:")
        say(f"  {part.why}.")
        say(f"  get it: {part.how}")


def _title(text: str) -> None:
    console().print(f"\n{text}", style="bold")


def _counts(report: AgreementReport) -> None:
    c = report.counts
    say(
        f"{counted(c.raters, 'person', 'people')}, {counted(c.images, 'image')} with two labels or "
        f"more, {counted(c.labels, 'label')} of these: {c.blind:,} made blind, {c.assisted:,} with "
        f"a prediction shown; {counted(c.gold_images, 'gold image')}."
    )
    if report.technician is not None:
        say(f"Pairs, bias, control charts and anchoring: of {report.technician}. The rest: of all.")
    if c.restricted_labels:
        note(
            f"left out: {counted(c.restricted_labels, 'label')} of "
            f"{counted(c.restricted_raters, 'person', 'people')} whose data may not be used"
        )


def number(value: float | None) -> str:
    """Three significant digits, as many as such statistics carry."""
    if value is None:
        return DASH
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004  # 3 digits


def between(low: float | None, high: float | None) -> str:
    """A confidence interval."""
    return DASH if low is None or high is None else f"{number(low)} to {number(high)}"


def _with_interval(value: float | None, low: float | None, high: float | None) -> str:
    return f"{number(value)}  (95 %: {between(low, high)})" if low is not None else number(value)


def _reliability(part: Reliability) -> None:
    icc = part.icc
    single = _with_interval(icc.single, icc.single_low, icc.single_high)
    average = _with_interval(icc.average, icc.average_low, icc.average_high)
    facts(
        {
            "one person, ICC(2,1)": f"{single}  {icc.single_band}",
            f"mean of {icc.k}, ICC(2,k)": f"{average}  {icc.average_band}",
            "missing": icc.reason or None,
            "of": f"{counted(part.images, 'image')} that all of {', '.join(part.raters)} measured",
        }
    )


def _alpha(part: Any) -> None:
    value = _with_interval(part.value, part.low, part.high)
    facts(
        {
            "alpha": f"{value}  {part.band}",
            "of": f"{counted(part.units, 'image')}, {counted(part.raters, 'person', 'people')}, "
            f"{counted(part.values, 'label')}",
        }
    )


def _pairs(part: Any) -> None:
    table(PAIRS, part)


PAIRS = (
    attribute("first", whole=True),
    attribute("second", "minus", whole=True),
    Column("images", lambda p: p.comparison.n, right=True),
    Column("bias", lambda p: number(p.comparison.bias), right=True),
    Column(
        "95 %",
        lambda p: between(p.comparison.bias_low, p.comparison.bias_high),
        right=True,
        minor=True,
    ),
    Column(
        "limits of agreement",
        lambda p: between(p.comparison.lower, p.comparison.upper),
        right=True,
    ),
    Column("grows with value", lambda p: p.comparison.proportional, whole=True, minor=True),
)


def _precision(part: Any) -> None:
    facts(
        {
            "repeatability s_r": _sd(part.s_r, "r", part.limit_r),
            "reproducibility s_R": _sd(part.s_reproducibility, "R", part.limit_reproducibility),
            "between people s_L": None if part.s_l is None else number(part.s_l),
            "of": f"{counted(part.labels, 'label')}, {part.repeated:,} of them repeats; "
            f"{counted(part.shared, 'image')} measured by two people or more",
            "missing": part.reason or None,
        }
    )


def _sd(value: float | None, letter: str, limit: float | None) -> str | None:
    if value is None:
        return None
    return f"{number(value)}  (two results differ by at most {letter} = {number(limit)} in 95 %)"


def _gauge(part: CrossedGauge) -> None:
    gauge = part.gauge
    facts(
        {
            "%GRR": f"{number(gauge.percent_grr)} %  {gauge.verdict}",
            "distinct categories": "unlimited" if gauge.ndc is None else gauge.ndc,
            "of": f"{counted(part.images, 'image')}, each measured {part.repeats} times by "
            f"{', '.join(part.raters)}",
        }
    )
    say("")
    table(COMPONENTS, gauge.components)


COMPONENTS = (
    attribute("name", "source", whole=True),
    Column("standard deviation", lambda c: number(c.sd), right=True),
    Column("% of variance", lambda c: number(c.percent_contribution), right=True),
    Column("% of total sd", lambda c: number(c.percent_variation), right=True),
)


def _raters(part: Any) -> None:
    table(RATERS, part)


def _off(effect: RaterEffect) -> str:
    if effect.biased:
        return "biased"
    return "differs from the others" if effect.differs else DASH


RATERS = (
    attribute("rater", "person", whole=True),
    attribute("against", whole=True),
    attribute("n", "images", right=True),
    Column("bias", lambda r: number(r.bias), right=True),
    Column("95 %", lambda r: between(r.bias_low, r.bias_high), right=True, minor=True),
    Column("finding", _off, whole=True),
    Column("scatter", lambda r: number(r.scatter), right=True),
    Column("slope", lambda r: number(r.slope), right=True, minor=True),
    Column("MAE", lambda r: number(r.mae), right=True, minor=True),
)


def _charts(part: Any) -> None:
    table(CHARTS, part)
    for each in part:
        for signal in each.chart.signals[-3:]:
            say(f"  {each.rater}, {signal.time:%Y-%m-%d %H:%M}: {signal.text}")


CHARTS = (
    attribute("rater", "person", whole=True),
    Column("labels", lambda c: len(c.chart.values), right=True),
    Column("centre", lambda c: number(c.chart.centre), right=True),
    Column("control limits", lambda c: between(c.chart.lower, c.chart.upper), right=True),
    Column("signals", lambda c: len(c.chart.signals), right=True),
    Column("in control", lambda c: c.chart.in_control, whole=True),
)


def _anchoring(part: Any) -> None:
    facts(
        {
            "all": f"{_with_interval(part.slope, part.low, part.high)}  {part.verdict}",
            "meaning": "0: the prediction shown has no effect; 1: it is copied",
            "copies": f"{part.copied:,}, {part.copied_share:.0%} (the prediction, digit for digit)",
            "of": counted(
                part.n, "label made with a prediction shown", "labels made with a prediction shown"
            ),
            "undecided": part.reason or None,
        }
    )
    if len(part.raters) > 1:
        say("")
        table(ANCHORING, part.raters)


ANCHORING = (
    attribute("rater", "person", whole=True),
    attribute("n", "labels", right=True),
    Column("slope", lambda r: number(r.slope), right=True),
    Column("95 %", lambda r: between(r.low, r.high), right=True, minor=True),
    Column("copies", lambda r: f"{r.copied_share:.0%}", right=True),
    attribute("verdict", whole=True),
)


def _ceiling(part: Any) -> None:
    of = [("people", part.humans, None)]
    of += [(each.model.name, each.model, each) for each in part.models]
    table(CEILING, of)
    if not part.models:
        note("no model version predicted enough of these images without being trained on them")


CEILING = (
    Column("rater", lambda row: row[0], whole=True),
    Column("images", lambda row: row[1].items, right=True),
    Column("MAE", lambda row: number(row[1].mae.value), right=True),
    Column("95 %", lambda row: between(row[1].mae.low, row[1].mae.high), right=True),
    Column("RMSE", lambda row: number(row[1].rmse.value), right=True, minor=True),
    Column("concordance", lambda row: number(row[1].concordance.value), right=True, minor=True),
    Column("than people", lambda row: DASH if row[2] is None else row[2].verdict, whole=True),
)

VIEWS: Mapping[str, tuple[str, Callable[[Any], None]]] = {
    "reliability": ("Intraclass correlation", _reliability),
    "alpha": ("Krippendorff's alpha", _alpha),
    "pairs": ("Pairs (Bland-Altman)", _pairs),
    "precision": ("Repeatability and reproducibility (ISO 5725)", _precision),
    "gauge": ("Gauge R&R, crossed (AIAG)", _gauge),
    "raters": ("Bias and scatter of people", _raters),
    "charts": ("Control charts on gold images", _charts),
    "anchoring": ("Anchoring by the prediction shown", _anchoring),
    "ceiling": ("Against the mean of the other people", _ceiling),
}
"""Title and view of each part, in the order in which they are read."""
