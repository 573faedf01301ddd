"""`mlmcsc quality check`: exit code, tables, JSON, page and plot."""

from __future__ import annotations

import json
import re


def filled(mlmcsc, draw, labels=(0.4, 0.5, 0.6)):
    folder = draw("0.png", seed=0).parent
    for seed in range(1, len(labels)):
        draw(f"{seed}.png", seed=seed)
    mlmcsc("images", "ingest", folder)
    mlmcsc("technician", "register", "tech_001", "--name", "Jo Lund")
    for at, label in enumerate(labels, start=1):
        mlmcsc("images", "set", at, "--quality-score", "0.9")
        mlmcsc("predictions", "add", at, "0.5", "--model", "unversioned", "--confidence", "0.9")
        mlmcsc("labels", "add", at, label, "--technician", "tech_001")


def test_nothing_worse_than_a_remark_exits_0_and_a_warning_1(mlmcsc, draw):
    filled(mlmcsc, draw, labels=(0.5, 0.5))
    assert mlmcsc("quality", "check").code == 0
    mlmcsc("images", "set", 1, "--quality-score", "0.1")
    ran = mlmcsc("quality", "check")
    assert ran.code == 1
    assert "warning: images in use with a quality score below 0.5: 1" in ran.out
    assert "mlmcsc images list --valid --below-quality 0.5" in ran.out


def test_json_is_the_whole_report(mlmcsc, draw):
    filled(mlmcsc, draw)
    told = json.loads(mlmcsc("quality", "check", "--json").out)
    assert told["total_labels"] == 3
    assert told["prediction_accuracy"][0]["overall"]["n"] == 3


def test_a_page_and_a_plot_are_written_once(mlmcsc, draw, tmp_path):
    filled(mlmcsc, draw)
    ran = mlmcsc("quality", "check", "--html", "q.html", "--plot", "q.svg")
    page = (tmp_path / "q.html").read_text()
    assert not re.search(r'(src|href)="', page)  # needs nothing beside it
    assert page.count("<svg") == 4
    assert "Jo Lund" not in page
    assert "Error of each month" in (tmp_path / "q.svg").read_text()
    assert "written to q.html" in ran.err
    assert mlmcsc("quality", "check", "--html", "q.html").code != 0


def test_a_name_that_is_no_page_is_refused_before_any_work(mlmcsc):
    ran = mlmcsc("quality", "check", "--html", "q.pdf")
    assert "name a page that ends in .html" in ran.err
    assert ran.code != 0
