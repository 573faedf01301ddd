"""A frozen version, open for training: exactly its rows, in any order, resumable, never another."""

from __future__ import annotations

import itertools
import json
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.errors import (
    IntegrityError,
    StoreError,
    UnknownKeywordError,
    UnknownRecordError,
    UnsupportedError,
    ValidationError,
)


@pytest.fixture
def url(sqlite_url):
    return sqlite_url


def opened(db):
    """Folders of opened versions."""
    root = db._database.images.thumbnails.parent / "versions"
    return sorted(path for path in root.iterdir() if path.is_dir())


def split_up(batches):
    """The same rows in another file: a row group each."""
    for batch in batches:
        yield from (batch.slice(at, 1) for at in range(batch.num_rows))


def ids_of(batches):
    return np.concatenate([batch.image_ids for batch in batches]).tolist()


def test_a_dataset_is_the_frozen_rows(dataset):
    ids, labels = dataset.to_numpy()
    assert ids.tolist() == list(range(2, 208, 2))
    assert np.array_equal(labels, np.linspace(0, 1, 103))
    assert len(dataset) == 103
    assert dataset.version == "v1"
    assert dataset.report.to_dict() == {
        "version": "v1",
        "split": None,
        "frozen": 103,
        "redacted": 0,
        "restricted": 0,
        "restricted_labels": 0,
        "samples": 103,
    }


def test_a_whole_version_is_an_arrow_table_without_a_copy(dataset):
    import pyarrow as pa

    before = pa.total_allocated_bytes()
    table = dataset.to_arrow()
    assert pa.total_allocated_bytes() - before < 4096
    assert table.column("path")[3].as_py() == "/lab/8.png"
    assert set(table.column_names).isdisjoint({"salt", "leaf", "state"})
    assert dataset.to_pandas()["label"].tolist() == dataset.to_numpy()[1].tolist()


def test_splits_part_the_rows(db, dataset):
    parts = [dataset.split(name) for name in ("train", "val", "test")]
    assert sum(map(len, parts)) == 103
    assert sorted(np.concatenate([part.to_numpy()[0] for part in parts])) == list(range(2, 208, 2))
    assert db.datasets.open("v1", "val").to_numpy()[0].tolist() == parts[1].to_numpy()[0].tolist()
    assert set(parts[2].to_arrow().column("split").to_pylist()) == {2}
    with pytest.raises(ValidationError, match="train, val, test"):
        dataset.split("dev")


def test_rows_of_chosen_images(dataset):
    chosen = dataset.where([10, 3, 4])
    assert chosen.to_numpy()[0].tolist() == [4, 10]
    assert dataset.split("val").where([10, 8]).to_numpy()[0].tolist() == [8]


def test_shuffled_epochs_differ_and_repeat(dataset):
    first = ids_of(dataset.batches(10, shuffle=True, seed=3))
    assert first == ids_of(dataset.batches(7, shuffle=True, seed=3))
    assert first != ids_of(dataset.batches(10, shuffle=True, seed=3, epoch=1))
    assert sorted(first) == ids_of(dataset.batches(10))
    assert [len(batch) for batch in dataset.batches(50)] == [50, 50, 3]
    assert [len(batch) for batch in dataset.batches(50, drop_last=True)] == [50, 50]


def test_rows_of_a_batch_belong_together(dataset):
    ids, labels = dataset.to_numpy()
    of = dict(zip(ids.tolist(), labels.tolist(), strict=True))
    for batch in dataset.batches(16, shuffle=True):
        assert [of[i] for i in batch.image_ids.tolist()] == batch.labels.tolist()
        assert batch.features is None
        assert batch.images is None


def test_ranks_and_workers_share_an_epoch(dataset):
    shares = [
        ids_of(dataset.batches(5, shuffle=True, rank=r, world_size=3, worker=w, workers=2))
        for r in range(3)
        for w in range(2)
    ]
    assert sorted(itertools.chain(*shares)) == list(range(2, 208, 2))


RESUME = """
import json, sys
from mlmcsc import DatabaseManager
with DatabaseManager(sys.argv[1]) as db:
    batches = db.datasets.open("v1", "train").batches(
        4, shuffle=True, seed=11, state=json.loads(sys.argv[2])
    )
    print(json.dumps([i for batch in batches for i in batch.image_ids.tolist()]))
"""


def test_another_process_goes_on_at_the_next_sample(db, url, dataset):
    reading = dataset.split("train").batches(9, shuffle=True, seed=11)
    read = [next(reading), next(reading)]
    state = json.dumps(read[-1].position)
    command = [sys.executable, "-c", RESUME, url, state]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    whole = ids_of(dataset.split("train").batches(100, shuffle=True, seed=11))
    assert ids_of(read) + json.loads(run.stdout) == whole
    with pytest.raises(ValidationError, match="another seed"):
        dataset.split("train").batches(9, shuffle=True, seed=12, state=json.loads(state))
    with pytest.raises(ValidationError, match="another selection"):
        dataset.split("val").batches(9, shuffle=True, seed=11, state=json.loads(state))


def test_a_pickled_dataset_maps_the_same_files_without_a_database(db, dataset):
    sent = pickle.dumps(dataset.split("train"))
    assert len(sent) < 4096
    db.close()
    received = pickle.loads(sent)  # noqa: S301 - our own, from above
    assert received.to_numpy()[0].tolist() == dataset.split("train").to_numpy()[0].tolist()


def test_redacted_rows_are_left_out_and_counted(db, freeze):
    freeze(range(1, 11), np.linspace(0, 1, 10), redacted=[2, 9])
    dataset = db.datasets.open("v1")
    assert dataset.to_numpy()[0].tolist() == [1, 3, 4, 5, 6, 7, 8, 10]
    assert (dataset.report.frozen, dataset.report.redacted, dataset.report.samples) == (10, 2, 8)


def test_rows_of_restricted_people_are_set_aside_until_the_restriction_ends(db, freeze):
    person = db.register_technician("tech_001", "Jo Lund", experience_level="expert")
    other = person + 1
    freeze(range(1, 5), [0, 0.1, 0.2, 0.3], people=[[person], [other], [other, person], [other]])
    assert len(db.datasets.open("v1")) == 4
    db.holds.restrict("tech_001", "the labels are contested")
    dataset = db.datasets.open("v1")
    assert dataset.to_numpy()[0].tolist() == [2, 4]
    assert (dataset.report.restricted, dataset.report.restricted_labels) == (2, 2)
    assert dataset.to_arrow().num_rows == 2
    db.holds.release("tech_001", reason="agreed")
    assert len(db.datasets.open("v1")) == 4


def test_rows_that_were_changed_past_us_are_never_trained_on(db, freeze):
    import pyarrow.parquet as pq

    freeze(range(1, 4), [0, 0.5, 1])
    (stored,) = (db._database.versions.root / "rows").glob("*.parquet")
    table = pq.read_table(stored)
    pq.write_table(table, stored, compression="none")
    with pytest.raises(IntegrityError, match="changed or cut short"):
        db.datasets.open("v1")


def test_the_signed_root_decides_even_where_hashes_fit(db, sql, freeze):
    freeze(range(1, 4), [0, 0.5, 1])
    freeze(range(1, 4), [0, 0.5, 0.9], version="v2")
    sql("UPDATE data_versions SET layers = (SELECT layers FROM data_versions WHERE version='v2')")
    with pytest.raises(IntegrityError, match="not those that were frozen"):
        db.datasets.open("v1")
    changed = sql("SELECT manifest FROM data_versions")[0][0].replace("latest", "mean")
    sql("UPDATE data_versions SET manifest = :m WHERE version = 'v2'", m=changed)
    with pytest.raises(IntegrityError, match="signature"):
        db.datasets.open("v2")


def test_opened_files_are_a_cache(db, dataset):
    (folder,) = opened(db)
    stamp = (folder / "rows.arrow").stat().st_mtime_ns
    assert len(db.datasets.open("v1")) == 103
    assert (folder / "rows.arrow").stat().st_mtime_ns == stamp  # mapped, not written again
    with (folder / "labels.f64").open("r+b") as file:
        file.truncate(8)
    assert db.datasets.open("v1").to_numpy()[1].tolist() == np.linspace(0, 1, 103).tolist()
    sent = pickle.dumps(dataset)
    (folder / "state.json").unlink()
    with pytest.raises(StoreError, match="Open the version again"):
        pickle.loads(sent)  # noqa: S301 - our own, from above


@pytest.mark.parametrize("name", ["labels.f64", "rows.arrow", "technicians.i64"])
def test_damaged_files_of_the_cache_are_written_again(db, dataset, name):
    rows = dataset.to_arrow()
    person = db.register_technician("tech_001", "Jo Lund")  # the first of the people in the rows
    (folder,) = opened(db)
    damaged = bytearray((folder / name).read_bytes())
    damaged[:8] = b"XXXXXXXX"
    (folder / name).unlink()  # not under the feet of who has mapped it
    (folder / name).write_bytes(damaged)
    again = db.datasets.open("v1")
    assert again.to_numpy()[1].tolist() == np.linspace(0, 1, 103).tolist()
    assert again.to_arrow().equals(rows)
    assert len(again._table.rows_of_people(np.asarray([person]))) == 35


def test_other_layers_of_a_version_replace_its_opened_files(db, sql, freeze):
    freeze(range(1, 4), [0, 0.5, 1])
    db.datasets.open("v1")
    before = opened(db)
    folder = db._database.versions
    (layer,) = read_layers(json.loads(sql("SELECT layers FROM data_versions")[0][0]))
    with folder.locked():
        again = folder.write(split_up(folder.layer(layer)))
    sql("UPDATE data_versions SET layers = :l", l=json.dumps([again.to_dict()]))
    assert len(db.datasets.open("v1")) == 3
    assert len(opened(db)) == 1
    assert opened(db) != before  # what may have been redacted is not left lying


def test_unknown_versions_and_keywords_are_named(db, sql, dataset):
    with pytest.raises(UnknownRecordError, match="v1"):
        db.datasets.open("v7")
    sql("INSERT INTO data_versions (version, name, created_at) VALUES ('old', 'old', '2026-01-01')")
    with pytest.raises(UnsupportedError, match="without the list"):
        db.datasets.open("old")
    with pytest.raises(UnknownKeywordError, match="feature_type"):
        dataset.batches(4, feature_type="cnn")
    for wrong in ({"missing": "no"}, {"image_size": 5}, {"image_size": (0, 5)}, {"check": "stat"}):
        with pytest.raises(ValidationError):
            dataset.batches(4, **wrong)
    with pytest.raises(ValidationError):
        dataset.batches(0)
    for wrong in (
        {"missing": np.array([1, 2])},
        {"images": 1},
        {"drop_last": "no"},
        {"extractor_version": "v1"},
    ):
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            dataset.batches(4, **wrong)


def test_a_tag_opens_the_version_that_it_points_to(db, dataset):
    db.versions.tag("v1", "production")
    assert db.datasets.open("production").version == "v1"


def test_memory_does_not_grow_with_the_version(db, freeze):
    n = 70_000
    freeze(range(1, n + 1), np.linspace(0, 1, n))
    dataset = db.datasets.open("v1")
    assert dataset._table.files(np.asarray([3, 65_540]))[1].path == "/lab/65541.png"
    train = dataset.split("train")
    next(train.batches(64, shuffle=True))  # what is loaded once
    tracemalloc.start()
    try:
        count = sum(len(batch) for batch in train.batches(64, shuffle=True, seed=1))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == len(train) == 42_000
    assert peak < 250_000  # bytes: a list of the rows alone would be 336,000
