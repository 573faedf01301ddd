from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlmcsc.domain.agreement import (
    anchoring,
    bland_altman,
    control_chart,
    gauge_rr,
    noise_ceiling,
    rater_effects,
)
from mlmcsc.domain.agreement.report import PARTS, AgreementReport, Counts, GoldChart, Missing, Pair
from mlmcsc.errors import ValidationError

START = datetime(2026, 3, 1, tzinfo=UTC)
NONE = Missing("too few labels", "mlmcsc labels queue")


@pytest.fixture(scope="module")
def ratings():
    generator = np.random.default_rng(0)
    return (
        generator.uniform(0, 100, (40, 1)) + generator.normal(size=(40, 3)) * [1, 2, 5] + [0, 0, 4]
    )


def report(**parts):
    missing = dict.fromkeys(PARTS, NONE)
    counts = Counts(
        images=40, labels=120, blind=120, assisted=0, raters=3, gold_images=0,
        labels_in_database=120, restricted_labels=0, restricted_raters=0,
    )  # fmt: skip
    fixed = {"technician": None, "since": None, "until": None, "made_at": START, "counts": counts}
    return AgreementReport(**fixed, **{**missing, **parts})


def test_the_combined_picture_shows_each_part_that_there_is(ratings):
    from mlmcsc.plots import agreement as plots
    from mlmcsc.plots.style import svg

    item, rater = np.indices(ratings.shape)
    names = np.array(["T-1", "T-2", "T-3"])
    days = [START + timedelta(days=day) for day in range(40)]
    off = ratings[:, 0] - ratings[:, 1]
    drawn = svg(
        plots.agreement_overview(
            report(
                raters=rater_effects(ratings.ravel(), item.ravel(), names[rater.ravel()]),
                ceiling=noise_ceiling(ratings, {"cnn v2": ratings.mean(axis=1)}, names.tolist()),
                anchoring=anchoring(ratings[:, 0], ratings[:, 1], ratings[:, 2]),
                pairs=(Pair("T-1", "T-3", bland_altman(ratings[:, 0], ratings[:, 2])),),
                charts=(GoldChart("T-1", control_chart(days, off)),),
            )
        )
    )
    for words in (
        "Raters against the other raters",
        "cnn v2",
        "Anchoring",
        "T-1 \N{MINUS SIGN} T-3",
        "T-1: gold images",
        "Mar",
    ):
        assert words in drawn
    assert "%GRR" not in drawn


def test_a_report_without_results_is_not_drawn():
    from mlmcsc.plots import agreement as plots

    with pytest.raises(ValidationError, match="no result to draw"):
        plots.agreement_overview(report())


def test_a_gauge_study_shows_verdict_and_categories(ratings):
    from mlmcsc.plots import agreement as plots

    found = gauge_rr(np.stack([ratings, ratings + 0.1], axis=2))
    title = plots.gauge_rr(found).to_dict()["title"]
    assert title.startswith(f"%GRR {found.percent_grr:.1f} ({found.verdict})")


def test_a_rater_with_one_item_is_drawn_without_interval():
    from mlmcsc.plots import agreement as plots

    drawn = plots.rater_effects(rater_effects([1.0, 2.0], [1, 1], ["a", "b"])).to_dict()
    assert len(drawn["hconcat"]) == 1  # no scatter to show


def test_raters_held_against_different_references_are_titled_so():
    from mlmcsc.plots import agreement as plots

    gold = rater_effects([1.0, 2.0], [1, 2], ["a", "a"], reference=[0.0, 2.0])
    others = rater_effects([1.0, 2.0], [1, 1], ["b", "c"])
    title = plots.rater_effects([*gold, *others]).to_dict()["title"]
    assert title == "Raters against gold or the other raters"


def test_a_sampled_comparison_says_so():
    from mlmcsc.plots import agreement as plots

    first, second = np.random.default_rng(0).normal(size=(2, 3_000))
    title = plots.bland_altman(bland_altman(first, second), "A", "B").to_dict()["title"]
    assert title == ["A \N{MINUS SIGN} B", "3,000 images, 2,000 shown"]


def test_the_anchoring_picture_tells_how_many_labels_are_copies():
    from mlmcsc.plots import agreement as plots

    shown = np.linspace(-0.2, 0.2, 8)
    label = np.where(np.arange(8) < 3, shown, 0.001)
    drawn = plots.anchoring(anchoring(label, np.zeros(8), shown)).to_dict()
    assert drawn["title"][1] == "3 of 8 labels are the prediction itself"
