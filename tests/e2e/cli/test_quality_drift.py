"""`quality drift`: exit code 1 on drift, 0 without, 2 on a wrong call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlmcsc import DatabaseManager

PERIODS = "--reference", "2026-01-01..2026-03-31", "--current", "2026-04-01..2026-06-30"


@pytest.fixture
def measured(sqlite_url):
    """80 images a quarter; in the second one they are less sharp."""
    rng = np.random.default_rng(1)
    with DatabaseManager(sqlite_url) as db, db._database.store._writer.begin() as conn:
        for quarter, month in enumerate((1, 4)):
            start = datetime(2026, month, 3, tzinfo=UTC)
            for at in range(80):
                score = float(np.clip(rng.normal(0.8 - 0.2 * quarter, 0.05), 0, 1))
                taken = (start + timedelta(hours=at)).strftime("%Y-%m-%d %H:%M:%S.%f")
                conn.exec_driver_sql(
                    "INSERT INTO images (path, filename, timestamp, created_at, quality_score, "
                    "magnification) VALUES (?, 'a', ?, ?, ?, 50)",
                    (f"/lab/{quarter}-{at}.png", taken, taken, score),
                )


@pytest.mark.usefixtures("measured")
def test_drift_is_a_finding_with_a_table_and_a_plot(mlmcsc, tmp_path):
    ran = mlmcsc("quality", "drift", *PERIODS, "--plot", tmp_path / "drift.svg")
    assert ran.code == 1, ran.err
    assert "1 of 1 channel drifted" in ran.out
    assert "labels: no attribution, as 0 values in the reference; needs 30." in ran.out
    assert "no vectors are stored" in ran.out
    assert "always 50" in ran.out
    assert ran.out.count("0 values in the reference; needs 30") == 3  # in the table once
    assert "quality_score" in (tmp_path / "drift.svg").read_text()


@pytest.mark.usefixtures("measured")
def test_json_has_every_channel_and_no_number_that_is_none(mlmcsc):
    ran = mlmcsc("--json", "quality", "drift", *PERIODS, "--adjustment", "by")
    assert ran.code == 1
    assert ran.json["drifted"] == ["inputs: quality_score"]
    assert "NaN" not in ran.out
    assert all(each["p"] is not None or each["reason"] for each in ran.json["channels"])


def test_without_data_nothing_is_tested_or_drawn_and_that_is_said(mlmcsc, tmp_path):
    ran = mlmcsc("quality", "drift", "--last", "30d", "--plot", tmp_path / "drift.png")
    assert ran.code == 0, ran.err
    assert "nothing could be tested" in ran.out
    assert "drift.png is not written: nothing could be tested" in ran.err
    assert not list(tmp_path.glob("drift.*"))


def test_the_ends_of_time_and_an_empty_name_end_in_words_not_in_a_crash(mlmcsc):
    open_end = "--reference", "2026-01-01..9999-12-31", "--current", "2025-01-01..2025-12-31"
    assert mlmcsc("quality", "drift", *open_end).code == 0
    before_time = "--reference", "0001-01-01T00:00+05:00..2026-01-01", *PERIODS[2:]
    ran = mlmcsc("quality", "drift", *before_time)
    assert (ran.code, "not within the years 1 to 9999" in ran.err) == (2, True)
    ran = mlmcsc("quality", "drift", *PERIODS, "--features", "")
    assert (ran.code, "features=''" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "words",
    [(), ("--reference", "2026-01-01..2026-02-01"), ("--last", "30d", "--versions", "a", "b")],
)
def test_a_wrong_call_is_refused(mlmcsc, words):
    assert mlmcsc("quality", "drift", *words).code == 2
