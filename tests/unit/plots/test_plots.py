"""What holds for every plot: results in, a chart in the house's style out, in whatever form."""

import ast
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from mlmcsc import plots
from mlmcsc.adapters.precious_files import what_it_is
from mlmcsc.domain.backups.drills import DrillReport
from mlmcsc.domain.versions.diff import Bin
from mlmcsc.domain.versions.differences import Transitions, VersionDiff
from mlmcsc.plots.style import INK

alt = pytest.importorskip("altair", reason="plots need the extra `plots`")

TOPICS = sorted(
    path
    for path in Path(plots.__file__).parent.glob("*.py")
    if path.stem not in {"__init__", "style"}
)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def drill(number, **more):
    told = {"passed": True, "rto_seconds": 40.0, "rpo_seconds": 3600.0, "details": {"checks": []}}
    started = NOON + timedelta(days=number)
    return DrillReport(number, "nightly", "a" * 8, "/b", NOON, started, **told | more)


def difference():
    counts = tuple(tuple(7 if (i, j) == (2, 3) else 0 for j in range(10)) for i in range(10))
    edges = tuple(i / 10 for i in range(11))
    return VersionDiff(
        *("v1", "v2", 90, 100, 10, 0, 7, 0, 0, 0, (), (), 0.1),
        histogram=(Bin(0.0, 0.2, 7),),
        transitions=Transitions(edges, counts),
        samples=(),
        next_after_id=None,
    )


@pytest.fixture(params=["drills", "one failed drill", "versions"])
def chart_and_words(request):
    if request.param == "drills":
        drills = [drill(1), drill(2, passed=False)]
        return plots.recovery_history(drills), {"Recovery time (RTO)", "Recovery point (RPO)"}
    if request.param == "one failed drill":
        lone = [drill(1, passed=False, rpo_seconds=None)]
        return plots.recovery_history(lone), {"Recovery time (RTO)", "not restored"}
    words = {"v1 → v2", "7 relabelled, mean +0.1", "From old label to new, images"}
    return plots.version_diff(difference()), words


def test_svg_is_text_with_titles_in_it(chart_and_words):
    chart, words = chart_and_words
    root = ET.fromstring(plots.svg(chart))  # noqa: S314  # our own text

    assert words <= {element.text for element in root.iter()}
    assert float(root.attrib["width"]) <= 390  # a phone


def test_a_plot_may_be_drawn_anew_and_a_picture_of_others_never(chart_and_words):
    drawn = plots.png(chart_and_words[0])
    assert what_it_is(drawn[:4096]) is None
    other = cv2.imencode(".png", cv2.imdecode(np.frombuffer(drawn, np.uint8), 1))[1].tobytes()
    assert what_it_is(other[:4096]) is not None


def test_png_is_a_picture_of_some_ink_on_white(chart_and_words):
    pixels = cv2.imdecode(np.frombuffer(plots.png(chart_and_words[0]), np.uint8), 1)

    assert (pixels[0, 0] == 255).all()
    assert 0.001 < (pixels < 200).any(axis=2).mean() < 0.5


def test_a_notebook_shows_the_houses_style_too(chart_and_words):
    shown = chart_and_words[0]._repr_mimebundle_()
    (spec,) = [value for kind, value in shown.items() if "vegalite" in kind] or [str(shown)]

    assert INK in str(spec)
    assert "transparent" in str(spec)


def test_the_readers_own_charts_stay_as_they_are(chart_and_words):
    plots.svg(chart_and_words[0])
    own = alt.Chart(alt.InlineData(values=[])).mark_point().to_dict()

    assert INK not in str(own)
    assert alt.theme.active == "default"


@pytest.mark.parametrize("path", TOPICS, ids=lambda path: path.stem)
def test_every_chart_is_dressed_and_has_a_public_name(path):
    tree = ast.parse(path.read_text("utf-8"))
    charts = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and ast.unparse(node.returns) == "Any"
    ]

    assert charts
    for chart in charts:
        ends = [node for node in ast.walk(chart) if isinstance(node, ast.Return)]
        assert {ast.unparse(end.value.func) for end in ends} == {"dress"}, chart.name
        assert chart.name in plots.__all__
        assert getattr(plots, chart.name).__module__ == f"mlmcsc.plots.{path.stem}"


def test_plots_load_with_the_first_chart_and_not_before():
    code = (
        "import sys, mlmcsc; mlmcsc.plots; from mlmcsc import plots;"
        "early = 'altair' in sys.modules; plots.svg; print(early, 'altair' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["False", "True"]


def test_no_chart_bears_the_name_of_a_module_that_would_hide_it():
    assert not set(plots.__all__) & {path.stem for path in TOPICS}


def test_an_unknown_chart_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'version_dif'"):
        _ = plots.version_dif
