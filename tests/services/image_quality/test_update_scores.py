"""Scores of stored images: which are made, when again, and what becomes of bad files."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mlmcsc.domain.image_quality import FORMULA
from mlmcsc.errors import UnknownRecordError, UnsupportedError, ValidationError
from mlmcsc.services.image_quality import updating


@pytest.fixture
def photos(db, draw, tmp_path):
    """Five stored images; their ids."""
    for seed in range(5):
        draw(f"photos/{seed}.png", seed=seed, size=(96, 64))
    return db.ingest(tmp_path / "photos", workers=1).image_ids


def path_of(db, image):
    return db.get_image(image).path


def test_every_image_gets_a_score_and_its_components(db, photos):
    done = db.image_quality.update_scores(0.3)
    assert (done.selected, done.scored, done.problem_count) == (5, 5, 0)
    assert sum(done.histogram) == 5
    for image in photos:
        stored = db.image_quality.get(image)
        assert db.get_image(image).quality_score == stored.score
        assert stored.formula == FORMULA
        assert stored.content_hash == db.get_image(image).content_hash
        assert stored.flagged == (stored.score < 0.3)
        assert None not in (stored.tenengrad, stored.noise, stored.saturation)


def test_a_second_run_finds_nothing_to_do(db, photos, nothing_written):
    db.image_quality.update_scores()
    with nothing_written():
        assert db.image_quality.update_scores().selected == 0


def test_images_of_an_older_formula_or_of_changed_content_are_measured_again(db, photos, sql):
    db.image_quality.update_scores()
    sql("UPDATE image_quality SET formula = '0' WHERE image_id = :i", i=photos[0])
    sql("UPDATE image_quality SET content_hash = 'x' WHERE image_id = :i", i=photos[1])
    assert db.image_quality.update_scores(dry_run=True).selected == 2
    assert db.image_quality.update_scores().scored == 2
    assert db.image_quality.update_scores().selected == 0


@pytest.mark.sqlite_tells
def test_all_and_since_measure_anew(db, photos, sql):
    db.image_quality.update_scores()
    db.images.update(photos[0], timestamp=datetime(2001, 1, 1, tzinfo=UTC))
    assert db.image_quality.update_scores(everything=True).scored == 5
    since = datetime(2010, 1, 1, tzinfo=UTC)
    assert db.image_quality.update_scores(since=since).scored == 4


@pytest.mark.sqlite_tells
def test_a_dry_run_and_a_limit(db, photos, nothing_written):
    with nothing_written():
        assert db.image_quality.update_scores(dry_run=True).selected == 5
    assert db.image_quality.update_scores(limit=2).scored == 2
    assert db.image_quality.update_scores().scored == 3


def test_files_that_cannot_be_measured_are_told_and_keep_their_score(db, photos, tmp_path):
    db.image_quality.update_scores()
    before = {image: db.image_quality.get(image) for image in photos}
    gone, damaged, other, touched, _ = photos
    os.unlink(path_of(db, gone))
    whole = (tmp_path / "photos" / "1.png").read_bytes()
    (tmp_path / "photos" / "1.png").write_bytes(whole[: len(whole) // 2])
    shutil.copy(path_of(db, touched), path_of(db, other))
    os.utime(path_of(db, touched), ns=(1, 1))
    done = db.image_quality.update_scores(everything=True)
    reasons = {each.image_id: each.reason for each in done.problems}
    assert set(reasons) == {gone, damaged, other}
    assert "no such file" in reasons[gone]
    assert "another picture" in reasons[other]
    assert (done.scored, done.kept) == (2, 3)
    for image, reason in reasons.items():
        assert db.get_image(image).quality_score == before[image].score
        assert db.image_quality.get(image) == replace(before[image], problem=reason)
    unreadable = db.image_quality.list(unreadable=True).items
    assert {record.image_id for record in unreadable} == set(reasons)
    (tmp_path / "photos" / "1.png").write_bytes(whole)
    assert db.image_quality.update_scores(dry_run=True).selected == 3  # tried again
    assert db.image_quality.update_scores().scored == 1
    assert db.image_quality.get(damaged).problem is None


@pytest.mark.sqlite_tells
def test_a_score_that_a_person_gave_outlives_a_missing_file(db, photos):
    db.images.update_quality(photos[0], 0.9)
    os.unlink(path_of(db, photos[0]))
    assert db.image_quality.update_scores().kept == 1
    assert db.get_image(photos[0]).quality_score == 0.9


@pytest.mark.sqlite_tells
def test_a_disk_that_is_not_mounted_is_told_and_nothing_is_written(db, photos, tmp_path, refuses):
    db.image_quality.update_scores()
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    refuses(UnsupportedError, "mounted", db.image_quality.update_scores, everything=True)
    (tmp_path / "photos").mkdir()  # the empty place where a disk belongs
    refuses(UnsupportedError, "mounted", db.image_quality.update_scores, everything=True)


@pytest.mark.sqlite_tells
def test_a_limit_gets_past_files_that_failed_before(db, photos):
    for image in photos[:3]:
        os.unlink(path_of(db, image))
    runs = [db.image_quality.update_scores(limit=3) for _ in range(3)]
    assert [(run.scored, run.problem_count) for run in runs] == [(0, 3), (2, 1), (0, 3)]


def test_only_invalidate_touches_is_valid_and_nothing_sets_it_back(db, photos):
    low = db.image_quality.update_scores(1.0)
    assert low.flagged == 5
    assert {db.get_image(image).is_valid for image in photos} == {True}
    assert db.image_quality.update_scores(1.0, invalidate=True).invalidated == 5
    assert {db.get_image(image).is_valid for image in photos} == {False}
    assert db.image_quality.update_scores(0.0).reflagged == 5
    assert len(db.image_quality.list(flagged=True)) == 0
    assert {db.get_image(image).is_valid for image in photos} == {False}


def test_an_image_that_a_person_set_back_to_valid_stays_valid(db, photos):
    chosen, *others = photos
    db.image_quality.update_scores(1.0, invalidate=True)
    db.images.update(chosen, is_valid=True)
    for how in ({}, {"everything": True}, {"everything": True}, {}):
        assert db.image_quality.update_scores(1.0, invalidate=True, **how).invalidated == 0
        assert db.get_image(chosen).is_valid
    assert not any(db.get_image(image).is_valid for image in others)


@pytest.mark.sqlite_tells
def test_every_score_names_the_threshold_that_it_was_last_judged_by(db, photos):
    db.image_quality.update_scores(0.0)
    assert db.image_quality.update_scores(1e-9).reflagged == 0
    assert {record.threshold for record in db.image_quality.list()} == {1e-9}


@pytest.mark.sqlite_tells
def test_a_run_that_is_interrupted_goes_on_where_it_was(db, photos, monkeypatch):
    monkeypatch.setattr(updating, "BATCH", 2)
    monkeypatch.setattr(updating, "CHUNK", 1)

    def interrupt(doing, done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        db.image_quality.update_scores(progress=interrupt)
    assert len(db.image_quality.list()) == 2
    rest = db.image_quality.update_scores()
    assert (rest.selected, rest.scored) == (3, 3)


@pytest.mark.sqlite_tells
def test_no_write_is_open_while_files_are_measured(db, photos, technician):
    """A technician's label is stored between any two files."""

    def label(doing, done, total):
        db.store_label(photos[0], technician, 0.5)

    assert db.image_quality.update_scores(progress=label).scored == 5


def test_images_deleted_or_changed_meanwhile_are_passed_over(db, photos, sql, monkeypatch):
    monkeypatch.setattr(updating, "CHUNK", 5)

    def change(doing, done, total):
        sql("DELETE FROM images WHERE id = :i", i=photos[0])
        sql("UPDATE images SET content_hash = 'new' WHERE id = :i", i=photos[1])

    done = db.image_quality.update_scores(progress=change)
    assert (done.scored, done.passed_over) == (3, 2)
    assert db.get_image(photos[1]).quality_score is None


@pytest.mark.sqlite_tells
def test_worker_processes_measure_what_this_process_measures(db, photos):
    db.image_quality.update_scores(workers=1)
    here = [db.image_quality.get(image).score for image in photos]
    db.image_quality.update_scores(everything=True, workers=2)
    assert [db.image_quality.get(image).score for image in photos] == here


WRONG = [
    ({"threshold": 1.5}, "threshold"),
    ({"threshold": float("nan")}, "threshold"),
    ({"limit": 0}, "limit"),
    ({"workers": -1}, "workers"),
    ({"workers": 2, "cluster": "tcp://a:1"}, "exclude"),
    ({"everything": True, "since": datetime(2020, 1, 1, tzinfo=UTC)}, "exclude"),
    *(
        ({"cluster": address}, "tcp://host:8786")
        for address in (
            "host:8786",
            "tcp://a:b",
            "tcp://",
            "tcp://:",
            "tcp://a",
            "tcp://a:99999",
            5,
        )
    ),
]


@pytest.mark.sqlite_tells
def test_wrong_arguments_are_refused_before_anything_is_written(db, photos, refuses):
    for asked, told in WRONG:
        refuses(ValidationError, told, db.image_quality.update_scores, **asked)


@pytest.mark.sqlite_tells
def test_an_image_that_was_never_measured_is_told_as_such(db, image):
    with pytest.raises(UnknownRecordError, match="was not measured"):
        db.image_quality.get(image)
    with pytest.raises(UnknownRecordError, match="does not exist"):
        db.image_quality.get(10**6)
    for wrong in ("x", 1.5, float("nan"), 2**63, None):
        with pytest.raises(ValidationError, match="image_id"):
            db.image_quality.get(wrong)


@pytest.mark.sqlite_tells
def test_the_threshold_is_that_of_the_settings_unless_given(db, photos):
    other = replace(db.image_quality, threshold=0.9)
    assert other.update_scores().threshold == 0.9


@pytest.mark.sqlite_tells
@pytest.mark.slow
def test_a_dask_cluster_measures_and_tells_when_it_sees_no_file(db, photos, monkeypatch):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
    ) as cluster:
        address = cluster.scheduler_address
        assert db.image_quality.update_scores(cluster=address).scored == 5
        from mlmcsc.adapters.image_quality import cluster as module

        measure = module.measure_one

        def unseen(task, options):
            return measure(replace(task, path="/elsewhere" + task.path), options)

        monkeypatch.setattr(module, "measure_one", unseen)
        with pytest.raises(UnsupportedError, match="do not see the files"):
            db.image_quality.update_scores(cluster=address, everything=True)
    assert db.get_image(photos[0]).quality_score is not None


@pytest.mark.sqlite_tells
def test_a_scheduler_that_does_not_answer_is_told(db, photos, monkeypatch, refuses):
    pytest.importorskip("distributed")
    from mlmcsc.adapters.image_quality import cluster

    monkeypatch.setattr(cluster, "SECONDS_TO_CONNECT", 0.3)
    call = db.image_quality.update_scores
    refuses(UnsupportedError, "no Dask scheduler answers", call, cluster="tcp://127.0.0.1:9")
