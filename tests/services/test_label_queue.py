"""Images handed out to be labelled: never twice, checks among them, nothing lost in a crash."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlmcsc import Actor, Permission
from mlmcsc.domain.label_queue import Shares
from mlmcsc.errors import (
    ConflictError,
    HeldError,
    PermissionDeniedError,
    UnknownRecordError,
    ValidationError,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def ids(found):
    return [image.image_id for image in found.images]


def later(db, monkeypatch, **span):
    """From now on it is so much later."""
    clock = db._database.store.clock
    monkeypatch.setattr(db._database.store, "clock", lambda: clock() + timedelta(**span))


def with_shares(db, duplicate=0.0, gold=0.0):
    queue = db.label_queue
    return replace(queue, settings=replace(queue.settings, shares=Shares(duplicate, gold)))


@pytest.fixture
def people(db):
    return [db.register_technician(f"tech_{n:03}", f"Person {n}") for n in range(8)]


def test_people_who_ask_at_the_same_time_never_get_the_same_image(db, images_of, people, sql):
    images = set(images_of(120))
    queue = with_shares(db)
    got, errors, start = {}, [], threading.Barrier(8)

    def ask(who):
        try:
            start.wait()
            got[who] = [i for n in (5, 10, 15) for i in ids(queue.next(who, n=n))[n - 5 :]]
        except Exception as error:  # noqa: BLE001  # told below
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert sorted(i for mine in got.values() for i in mine) == sorted(images)
    assert sql("SELECT count(*) FROM label_reservations WHERE released_at IS NULL") == [(120,)]


def test_asking_again_gives_the_same_images_first(db, images_of, people):
    images_of(30)
    first = db.label_queue.next(people[0], n=5, seed=1)
    again = db.label_queue.next(people[0], n=8, seed=2)
    assert ids(again)[:5] == ids(first)
    assert [image.again for image in again.images] == [True] * 5 + [False] * 3
    assert [image.reserved_until for image in again.images[:5]] == [
        image.reserved_until for image in first.images
    ]


def test_a_labelled_image_closes_its_reservation_with_the_label(db, images_of, people, sql, audit):
    images_of(10)
    first = ids(db.label_queue.next(people[0], n=2))
    label = db.store_label(first[0], people[0], 0.5)
    second = ids(db.label_queue.next(people[0], n=2))
    assert second[0] == first[1]
    assert first[0] not in second
    closed = sql("SELECT image_id, label_id FROM label_reservations WHERE released_at IS NOT NULL")
    assert closed == [(first[0], label)]
    assert [e.operation for e in audit() if e.table_name == "label_reservations"] == [
        "CREATE",
        "UPDATE",
        "CREATE",
    ]


def test_what_expires_goes_to_somebody_else(db, images_of, people, monkeypatch):
    images = images_of(3)
    assert sorted(ids(with_shares(db).next(people[0], n=3))) == images
    assert ids(with_shares(db).next(people[1], n=3)) == []
    later(db, monkeypatch, minutes=61)
    assert db.label_queue.status() == []
    assert sorted(ids(with_shares(db).next(people[1], n=3))) == images


def test_what_is_given_back_goes_to_somebody_else(db, images_of, people):
    images = images_of(3)
    db.label_queue.next(people[0], n=3)
    assert db.label_queue.release(people[0]) == 3
    assert sorted(ids(db.label_queue.next(people[1], n=3))) == images


def test_a_dry_run_writes_nothing(db, images_of, people, nothing_written):
    images_of(5)
    with nothing_written():
        found = db.label_queue.next(people[0], n=3, dry_run=True)
    assert len(found.images) == 3
    assert {image.reserved_until for image in found.images} == {None}


def test_invalid_and_labelled_images_stay_behind(db, images_of, people):
    images_of(5, is_valid=False)
    labelled, free = images_of(2)
    db.store_label(labelled, people[1], 0.5)
    assert ids(db.label_queue.next(people[0], n=9)) == [free]


@pytest.fixture
def told(db, images_of, people):
    """Twelve images with predictions of two models; the less confident the higher the id."""
    images = images_of(12)
    db.register_model_version("v1", "net", "/m/v1")
    db.register_model_version("v2", "net", "/m/v2")
    models = [model.id for model in db.models.list() if model.version in {"v1", "v2"}]
    db.set_active_model("v2")
    for model in models:
        for n, image in enumerate(images):
            apart = 0.4 if n == 3 and model == models[0] else 0.0
            db.store_prediction(image, model, 0.5 - apart, 0.9 - n / 20)
    return images


def test_uncertainty_gives_the_least_confident_first(db, told, people):
    db.store_label(told[-1], people[1], 0.5)
    db.store_prediction(told[-2], db.models.active().id, 0.5, 0.99)  # surer by now
    found = with_shares(db).next(people[0], n=3, strategy="uncertainty")
    assert ids(found) == [told[-3], told[-4], told[-5]]


def test_disagreement_gives_what_models_and_labels_say_differently(db, told, people):
    db.store_label(told[7], people[1], 0.95)
    found = with_shares(db).next(people[0], n=2, strategy="disagreement")
    assert ids(found) == [told[7], told[3]]


def test_diversity_gives_what_looks_least_like_the_labelled_images(db, images_of, people):
    images = images_of(6)
    angles = np.array([0, 0.1, 0.2, 0.3, 1.5, 0.75])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    db.store_features(images, "cnn", vectors, extractor_version="1")
    db.store_label(images[0], people[1], 0.5)
    found = with_shares(db).next(people[0], n=2, strategy="diversity")
    assert ids(found) == [images[4], images[5]]


def test_overlap_gives_what_colleagues_labelled_to_as_many_as_wanted(db, images_of, people):
    labelled, _unlabelled = images_of(2)
    db.store_label(labelled, people[0], 0.5)
    queue = with_shares(db)
    assert ids(queue.next(people[0], strategy="overlap")) == []
    first = queue.next(people[1], strategy="overlap", raters=3)
    assert ids(first) == [labelled]
    assert not first.images[0].show_prediction
    assert ids(queue.next(people[2], strategy="overlap", raters=2)) == []
    assert ids(queue.next(people[2], strategy="overlap", raters=3)) == [labelled]
    assert ids(queue.next(people[3], strategy="overlap", raters=3)) == []


def test_checks_come_in_their_share_and_are_not_told_apart(db, images_of, people, sql):
    me, chief = people[0], people[1]
    old, gold, _new = images_of(80), images_of(10), images_of(100)
    db.labels.add_many(image_id=old, technician_id=me, label=0.5, timestamp=LONG_AGO)
    db.labels.add_many(image_id=gold, technician_id=chief, label=0.5, label_type="gold")
    found = [
        each for n in range(1, 9) for each in with_shares(db, 0.1, 0.05).next(me, n=5 * n).images
    ]
    given = dict(sql("SELECT image_id, purpose FROM label_reservations"))
    assert len(given) == 40
    purposes = [*given.values()]
    assert (purposes.count("duplicate"), purposes.count("gold")) == (4, 2)
    assert {i for i, purpose in given.items() if purpose == "duplicate"} <= set(old[:30])
    assert {i for i, purpose in given.items() if purpose == "gold"} <= set(gold)
    blind = {each.image_id for each in found if not each.show_prediction}
    assert blind > {i for i, purpose in given.items() if purpose != "new"}
    assert not any("duplicate" in str(each.to_dict()) for each in found)


def test_status_tells_why_only_to_those_who_judge_quality(db, images_of, people):
    images_of(1)
    db.label_queue.next(people[0], n=1)
    (seen,) = db.label_queue.status()
    assert (seen.technician_id, seen.purpose, seen.strategy) == ("tech_000", "new", "random")
    labeller = db.acting_as(Actor(db.actor.subject, frozenset({Permission.LABEL})))
    (hidden,) = labeller.label_queue.status()
    assert (hidden.purpose, hidden.strategy) == (None, None)


def test_people_who_may_not_label_get_nothing(db, images_of, people, refuses):
    images_of(3)
    db.technicians.update("tech_000", is_active=False)
    db.holds.restrict("tech_001", ground="asked for")
    refuses(ConflictError, "technician set tech_000 --active", db.label_queue.next, people[0])
    refuses(HeldError, "privacy holds tech_001", db.label_queue.next, people[1])
    refuses(UnknownRecordError, "99", db.label_queue.next, 99)
    reader = db.acting_as(Actor(db.actor.subject, frozenset({Permission.READ})))
    refuses(PermissionDeniedError, "label", reader.label_queue.next, people[2])


def test_requests_that_make_no_sense_are_refused(db, images_of, people, refuses):
    images_of(1)
    for match, asked in [
        ("strategy='best': must be one of", {"strategy": "best"}),
        ("n=0", {"n": 0}),
        ("raters=1", {"strategy": "overlap", "raters": 1}),
        ("seed=-1", {"seed": -1}),
        ("no predictions", {"strategy": "uncertainty"}),
    ]:
        refuses(ValidationError, match, db.label_queue.next, people[0], **asked)
    refuses(UnknownRecordError, "no features", db.label_queue.next, people[0], strategy="diversity")


def test_the_same_seed_chooses_the_same_images(db, images_of, people):
    images_of(50)
    once, twice = (db.label_queue.next(people[0], n=9, seed=4, dry_run=True) for _ in range(2))
    assert once == twice
    assert once.seed == 4


def test_an_image_its_holder_labelled_is_out_no_more_and_counts_once(db, images_of, people):
    (image,) = images_of(1)
    db.store_label(image, people[0], 0.5)
    queue = with_shares(db)
    assert ids(queue.next(people[1], strategy="overlap", raters=3)) == [image]
    db.store_label(image, people[1], 0.5)
    assert queue.status() == []
    assert ids(queue.next(people[2], strategy="overlap", raters=3)) == [image]


def test_a_new_image_its_holder_labelled_may_be_disputed_at_once(db, told, people, sql):
    queue = with_shares(db)
    mine = ids(queue.next(people[0], n=12, strategy="random"))
    made = [db.store_label(image, people[0], 0.95) for image in mine]
    found = ids(queue.next(people[1], n=12, strategy="disagreement"))
    assert sorted(found) == sorted(mine)
    closed = sql("SELECT label_id FROM label_reservations WHERE released_at IS NOT NULL")
    assert sorted(label for (label,) in closed) == sorted(made)


def test_images_that_became_invalid_or_were_deleted_are_given_back(db, images_of, people, sql):
    invalid, deleted, fine = images_of(3)
    queue = with_shares(db)
    queue.next(people[0], n=3)
    db.images.update(invalid, is_valid=False)
    sql("DELETE FROM images WHERE id = :id", id=deleted)
    assert [each.image_id for each in queue.status()] == [fine]
    assert ids(queue.next(people[0], n=3, dry_run=True)) == [fine]
    assert ids(queue.next(people[0], n=3)) == [fine]
    open_ = sql("SELECT image_id FROM label_reservations WHERE released_at IS NULL")
    assert open_ == [(fine,)]


def test_what_is_out_with_people_who_may_not_label_any_more_goes_to_others(
    db, images_of, people, sql
):
    images = images_of(6)
    queue = with_shares(db)
    queue.next(people[0], n=3)
    queue.next(people[1], n=3)
    db.technicians.update("tech_000", is_active=False)
    db.holds.restrict("tech_001", ground="asked for")
    assert queue.status() == []
    assert sorted(ids(queue.next(people[2], n=6, dry_run=True))) == images
    assert sorted(ids(queue.next(people[2], n=6))) == images
    assert sql(
        "SELECT DISTINCT technician_id FROM label_reservations WHERE released_at IS NULL"
    ) == [(people[2],)]
