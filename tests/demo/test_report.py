import base64
import re
from datetime import datetime

import cv2
import numpy as np
import pytest

from mlmcsc.demo.charts import SplitLabel, labels_by_split
from mlmcsc.demo.report import (
    Chart,
    Picture,
    ReportData,
    SplitRow,
    TechnicianRow,
    thumbnail,
    write_report,
)
from mlmcsc.domain.quality.accuracy import Accuracy


@pytest.fixture(scope="module")
def data(campaign):
    chart = Chart("Labels", "One row per split.", labels_by_split([SplitLabel("train", 0.4)]))
    return ReportData(
        title="A <demo> & more",
        made_at=datetime(2026, 3, 2, 12, 30),  # noqa: DTZ001 (shown as it stands)
        model=Accuracy(n=10, mae=0.0456, rmse=0.06, bias=-0.012, r2=0.91),
        baseline_mae=0.31,
        technicians=[TechnicianRow("Ada", "expert", 27.4, Accuracy(60, 0.02, 0.03, 0.01, 0.9))],
        splits=[SplitRow("train", 60, ["SPEC_A01", "SPEC_A02"], 0.5)],
        pictures=[
            Picture(
                filename=one.filename,
                specimen_id=one.specimen.specimen_id,
                about=one.specimen.material,
                temperature_c=one.specimen.temperature_c,
                split="train",
                true_sfa=one.surface.true_sfa,
                predicted=0.5,
                confidence=0.8,
                label=None if one.number == 5 else 0.4,
                jpeg=thumbnail(one.surface.pixels, 60),
            )
            for one in campaign.images
        ],
        charts=[chart],
        judgements=[("Agreement", "ICC(2,1) 0.99 <excellent>")],
        quality_charts=[chart],
        facts=[("Seed", "0")],
        steps=[("mlmcsc database status", "Look at the database.")],
    )


@pytest.fixture(scope="module")
def html(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "new" / "report.html"
    assert write_report(path, data) == path
    return path.read_text(encoding="utf-8")


def test_every_image_is_in_the_report(html, data):
    embedded = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)"', html)

    assert [base64.b64decode(one) for one in embedded] == [p.jpeg for p in data.pictures]
    assert all(picture.filename in html for picture in data.pictures)


def test_nothing_is_fetched_from_elsewhere(html):
    assert "http" not in html
    assert "//" not in re.sub(r"base64,[^\"]+", "", html)
    references = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert all(one.startswith(("data:", "#")) for one in references)
    assert "<script" not in html
    assert "@import" not in html
    assert re.findall(r"<link\b", html) == []


def test_the_headline_numbers_are_told(html):
    plain = html.replace("\N{NO-BREAK SPACE}", " ")

    for number in ("4.6 %", "2.0 %", "31.0 %", "−1.2 %", "0.91"):  # noqa: RUF001 (a minus sign)
        assert number in plain


def test_charts_are_part_of_the_page_scale_with_it_and_do_not_clash(html):
    charts = re.findall(r"<svg[^>]*>", html)

    assert len(charts) == 2
    for chart in charts:
        assert re.fullmatch(r'<svg role="img" aria-label="Labels" viewBox="[\d. ]+">', chart)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(set(ids)) == len(ids)


def test_text_is_escaped(html):
    assert "A &lt;demo&gt; &amp; more" in html
    assert "<demo>" not in html
    assert "ICC(2,1) 0.99 &lt;excellent&gt;" in html


def test_an_image_that_nobody_labelled_says_so(html):
    assert html.count("label none") == 12


def test_a_thumbnail_is_a_small_jpeg_in_the_right_colours():
    red = np.zeros((400, 200, 3), np.uint8)
    red[..., 0] = 200

    small = cv2.imdecode(np.frombuffer(thumbnail(red), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert small.shape == (240, 120, 3)
    assert small[..., 0].mean() > 190
    assert small[..., 2].mean() < 10
