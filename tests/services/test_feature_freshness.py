"""A matrix is taken only for the very state that it was made from: restored, copied, overtaken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.config import load_config
from mlmcsc.services import feature_reads
from mlmcsc.store.queries.features import TOKENS

pytestmark = pytest.mark.sqlite_tells


def fill(db, images, value):
    db.store_features(images, "cnn", np.full((len(images), 3), value), "v1")


def read(db, images):
    return db.get_features_for_training(images, "cnn")[:, 0].tolist()


def matrix_folder(db):
    (folder,) = db._database.matrices.root.glob("set-*")
    return folder


def state_of(db):
    return json.loads((matrix_folder(db) / "state.json").read_text())


@pytest.fixture
def laboratory(sqlite_url, draw):
    """A closed SQLite database of four images with vectors of 1 and a matrix; its file and ids."""
    with DatabaseManager(sqlite_url) as db:
        images = [db.store_image(draw(f"{n}.png", seed=n)) for n in range(4)]
        fill(db, images, 1)
        assert read(db, images) == [1] * 4
    return Path(sqlite_url.removeprefix("sqlite:///")), images


def test_a_restored_file_that_grows_to_the_same_count_gives_its_own_vectors(laboratory, tmp_path):
    path, images = laboratory
    shutil.copy(path, tmp_path / "saved.db")
    with DatabaseManager(f"sqlite:///{path}") as db:
        fill(db, images, 2)
        assert read(db, images) == [2] * 4
    for rest in ("-wal", "-shm"):
        Path(f"{path}{rest}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "saved.db", path)
    with DatabaseManager(f"sqlite:///{path}") as db:
        fill(db, images, 3)
        assert read(db, images) == [3] * 4
        fill(db, images[:2], 4)
        assert read(db, images) == [4, 4, 3, 3]


def test_two_copies_with_one_cache_directory_never_see_each_others_vectors(laboratory, tmp_path):
    path, images = laboratory
    copy = shutil.copy(path, tmp_path / "copy.db")
    shared = {"performance": {"cache_directory": str(tmp_path / "shared")}}
    config = load_config(overrides=shared)
    with (
        DatabaseManager(f"sqlite:///{path}", config=config) as one,
        DatabaseManager(f"sqlite:///{copy}", config=config) as two,
    ):
        assert one._database.matrices.root != two._database.matrices.root
        two._database.matrices.root = one._database.matrices.root  # as if names had collided
        for step in range(2, 5):
            fill(one, images, step)
            fill(two, images, -step)
            for _ in range(2):
                assert read(one, images) == [step] * 4
                assert read(two, images) == [-step] * 4


def test_a_reader_that_is_overtaken_does_not_turn_the_matrix_back(db, url, images_of, monkeypatch):
    images = images_of(4)
    fill(db, images, 1)
    assert read(db, images) == [1] * 4
    choose, overtaken = feature_reads.feature_queries.choose, []

    def be_overtaken(view, *named):
        chosen = choose(view, *named)  # the reader's snapshot is taken; now another one is faster
        monkeypatch.setattr(feature_reads.feature_queries, "choose", choose)
        with DatabaseManager(url) as other:
            fill(other, images, 2)
            assert read(other, images) == [2] * 4
        overtaken.append(state_of(db))
        return chosen

    fill(db, images, 1.5)  # so that the reader's own matrix is not fresh
    monkeypatch.setattr(feature_reads.feature_queries, "choose", be_overtaken)
    assert read(db, images) == [2] * 4
    assert [state_of(db)] == overtaken


READER = """
import sys
from mlmcsc import DatabaseManager
url, images = sys.argv[1], [int(i) for i in sys.argv[2:]]
with DatabaseManager(url) as db:
    print("ready", flush=True)
    seen = [0.0]
    while seen[-1] < 25:
        found = set(db.get_features_for_training(images, "cnn").ravel().tolist())
        assert len(found) == 1, found
        seen.append(found.pop())
        assert seen[-1] >= seen[-2], seen[-2:]
    print(len(set(seen)))
"""


def test_readers_in_other_processes_see_whole_states_in_order(db, url, images_of):
    images = images_of(40)
    fill(db, images, 1)
    command = [sys.executable, "-c", READER, url, *map(str, images)]
    readers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        assert [reader.stdout.readline() for reader in readers] == ["ready\n"] * 2
        for value in range(2, 26):
            fill(db, images, value)
            assert read(db, images) == [value] * 40
        for reader in readers:
            out, err = reader.communicate(timeout=60)
            assert reader.returncode == 0, err
            assert int(out) > 1
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()


def test_a_matrix_far_behind_is_built_again(db, images_of):
    images = images_of(4)
    fill(db, images, 1)
    assert read(db, images) == [1] * 4
    before = state_of(db)
    for step in range(TOKENS + 1):
        fill(db, images[:1], step)
    assert read(db, images) == [TOKENS, 1, 1, 1]
    assert state_of(db)["folder"] != before["folder"]
    assert state_of(db)["rows"] == 4


def test_a_matrix_somewhat_behind_is_extended_and_not_built_again(db, images_of):
    images = images_of(4)
    fill(db, images, 1)
    assert read(db, images) == [1] * 4
    before = state_of(db)
    for step in range(3):
        fill(db, images[:1], step)
    assert read(db, images) == [2, 1, 1, 1]
    assert state_of(db)["folder"] == before["folder"]
    assert state_of(db)["rows"] == 5


def test_what_a_builder_that_died_left_behind_is_removed(db, images_of):
    images = images_of(4)
    fill(db, images, 1)
    assert read(db, images) == [1] * 4
    folder = matrix_folder(db)
    (folder / ("f" * 32)).mkdir()
    (folder / "state.json").unlink()
    db._database.matrices.matrices.clear()
    assert read(db, images) == [1] * 4
    assert [part.name for part in folder.iterdir() if part.is_dir()] == [state_of(db)["folder"]]


def test_a_state_is_published_when_its_rows_are_on_the_disk(db, images_of, monkeypatch):
    images = images_of(4)
    fill(db, images, 1)
    assert read(db, images) == [1] * 4
    before, folder, synced = state_of(db), matrix_folder(db), []
    real = os.fsync

    def fsync(handle):
        real(handle)
        published = json.loads((folder / "state.json").read_text()) != before
        synced.append((Path(os.readlink(f"/proc/self/fd/{handle}")).name, published))

    monkeypatch.setattr(os, "fsync", fsync)
    fill(db, images, 2)
    synced.clear()
    assert read(db, images) == [2] * 4
    assert synced == [
        ("image_ids.i64", False),
        ("vectors.f32", False),
        (before["folder"], False),
        (f"state.{os.getpid()}.tmp", False),
        (folder.name, True),
    ]
