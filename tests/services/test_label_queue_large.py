"""Large tables: images are drawn, not listed; nobody waits for all labels to be looked at.

Tables count as large here from a few rows on.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import replace

import numpy as np
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.domain.label_queue import Shares
from mlmcsc.store.queries.label_queue import drawing, predicted


@pytest.fixture
def short(monkeypatch):
    """What is looked at at once: a few rows."""
    for module, name, value in [
        (drawing, "WINDOW", 8),
        (drawing, "WIDEST", 16),
        (drawing, "PROBED", 64),
        (drawing, "LOOKED", 32),
        (predicted, "STEPS", (4, 8)),
        (predicted, "SAMPLE", 8),
        (predicted, "BELOW", 16),
    ]:
        monkeypatch.setattr(module, name, value)


@pytest.fixture
def queue(db):
    found = db.label_queue
    return replace(found, settings=replace(found.settings, shares=Shares(0.0, 0.0)))


@pytest.fixture
def who(db):
    return db.register_technician("tech_001", "Jo")


@pytest.fixture
def colleague(db):
    return db.register_technician("tech_002", "Al")


def ids(found):
    return [image.image_id for image in found.images]


def test_gaps_between_images_favour_none_of_them(db, images_of, queue, who, short, sql):
    images = images_of(60)
    sql("DELETE FROM images WHERE id > :low AND id < :high", low=images[9], high=images[50])
    given = [
        ids(queue.next(who, n=1, seed=seed, dry_run=True))[0] - images[0] for seed in range(80)
    ]
    counts = np.bincount(given, minlength=60)
    assert counts.sum() == counts[:10].sum() + counts[50:].sum()
    assert counts.max() < 14  # 4 each, were they many; behind the gap not more than elsewhere


def test_the_last_images_are_found_among_many_labelled_ones(
    db, images_of, queue, who, colleague, short
):
    images = images_of(100)
    db.labels.add_many(image_id=images[:97], technician_id=colleague, label=0.5)
    assert sorted(ids(queue.next(who, n=9))) == images[97:]


def test_the_least_confident_come_first_after_many_of_them_were_labelled(
    db, images_of, queue, who, colleague, short
):
    images = images_of(120)
    db.register_model_version("v1", "net", "/m/v1")
    model = next(each.id for each in db.models.list() if each.version == "v1")
    db.predictions.add_many(
        image_id=images,
        model_version_id=model,
        prediction=0.5,
        confidence=np.linspace(0.1, 0.9, 120),
    )
    db.labels.add_many(image_id=images[:40], technician_id=colleague, label=0.5)
    found = [
        ids(queue.next(who, n=4, strategy="uncertainty", seed=seed, dry_run=True))
        for seed in range(5)
    ]
    assert all(each == sorted(each) for each in found)
    assert all(images[40] <= image < images[80] for each in found for image in each)
    every = queue.next(who, n=200, strategy="uncertainty")
    assert sorted(ids(every)) == images[40:]


def test_overlap_gives_up_after_some_labels_and_says_so(
    db, images_of, queue, who, colleague, short
):
    images = images_of(100)
    db.labels.add_many(image_id=images, technician_id=who, label=0.5)
    nothing = queue.next(who, strategy="overlap")
    assert (nothing.images, nothing.partial) == ((), True)
    some = queue.next(colleague, n=5, strategy="overlap")
    assert (len(some.images), some.partial) == (5, False)


def test_disagreement_is_found_in_large_tables(db, images_of, queue, who, colleague, short):
    images = images_of(60)
    db.register_model_version("v1", "net", "/m/v1")
    model = next(each.id for each in db.models.list() if each.version == "v1")
    db.predictions.add_many(image_id=images, model_version_id=model, prediction=0.2, confidence=0.9)
    db.labels.add_many(
        image_id=images, technician_id=colleague, label=np.linspace(0.2, 0.9, len(images))
    )
    found = queue.next(who, n=3, strategy="disagreement", seed=1)
    assert ids(found) == sorted(ids(found), reverse=True)
    assert min(ids(found)) > images[30]


def _ask(url, who, waiting, answers):
    with DatabaseManager(url) as db:
        waiting.wait()
        answers.put([image.image_id for n in (5, 10, 15) for image in _new(db, who, n)])


def _new(db, who, n):
    return [each for each in db.label_queue.next(who, n=n).images if not each.again]


@pytest.mark.slow
def test_processes_that_ask_at_the_same_time_never_get_the_same_image(db, url, images_of):
    images = set(images_of(60))
    people = [db.register_technician(f"tech_{n:03}", f"Person {n}") for n in range(4)]
    fresh = multiprocessing.get_context("spawn")
    waiting, answers = fresh.Barrier(4), fresh.Queue()
    asking = [fresh.Process(target=_ask, args=(url, who, waiting, answers)) for who in people]
    for process in asking:
        process.start()
    given = [image for _ in asking for image in answers.get(timeout=60)]
    for process in asking:
        process.join()
    assert sorted(given) == sorted(images)
