"""What the pictures of drift tell, and that they are not cut or lie."""

from __future__ import annotations

import json

import numpy as np

from mlmcsc.domain.drift.adjusting import Adjustment
from mlmcsc.domain.drift.attribution import attribute
from mlmcsc.domain.drift.channels import Name, of_categories, of_numbers
from mlmcsc.domain.drift.clusters import Clustered
from mlmcsc.domain.drift.decomposing import Rows
from mlmcsc.domain.drift.report import DriftReport, Side, judged
from mlmcsc.plots.drift import drift_overview, effects, waterfall


def report():
    rng = np.random.default_rng(0)
    quiet, few = rng.normal(size=300), rng.normal(size=40)
    near = few + np.where(few > np.median(few), 0.3, -0.1)  # far enough, and too few to be sure
    sides = {"far": (quiet, quiet + 9), "quiet": (quiet, quiet), "unsure": (few, near)}
    found = [
        of_numbers(Name("inputs", name), tuple(Clustered(v, np.arange(len(v))) for v in both))
        for name, both in sides.items()
    ]
    one = Clustered(np.zeros(50, np.int64), np.arange(50))
    found.append(of_categories(Name("inputs", "constant"), (one, one), ["A"]))
    side = Side("a", 1, 1, 1, 0)
    how = Adjustment.BENJAMINI_HOCHBERG
    return DriftReport(side, side, 0.05, how, 0, judged(found, 0.05, how), (), ())


def test_verdicts_are_those_of_the_table_and_large_effects_are_marked():
    drawn = json.dumps(effects(report()).to_dict())
    assert [each.verdict for each in report().channels if each.p is not None] == [
        "large drift",
        "not certain",
        "steady",
    ]
    for verdict in ("drifted", "not certain", "steady"):
        assert f'"verdict": "{verdict}"' in drawn
    assert "\\u2192" in drawn  # the arrow beside the effect that is beyond the axis


def test_constant_channels_are_not_drawn_and_bins_are_equally_wide():
    drawn = json.dumps(drift_overview(report()).to_dict())
    assert "constant" not in drawn
    far = report().channels[0].drawn.edges
    assert np.ptp(np.diff(far)) < 1e-9


def test_steps_between_means_are_no_bars_and_have_intervals():
    rng = np.random.default_rng(0)
    sides = [
        Rows(rng.normal(0.5, 0.02, 90) + at / 10, np.arange(90), np.zeros((90, 1), np.int64))
        for at in (0, 1)
    ]
    found = attribute("labels", tuple(sides), [("specimen mix", "")], seed=0)
    drawn = waterfall(found).to_dict()
    assert {layer["mark"]["type"] for layer in drawn["layer"]} == {"rule", "point", "text"}
    assert '"low"' in json.dumps(drawn)
