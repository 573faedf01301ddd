"""PyTorch reads a version in one order, with any number of workers, and goes on where it was."""

from __future__ import annotations

import json
import pickle
import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from mlmcsc.errors import UnsupportedError, ValidationError

if find_spec("torch") is None:
    TORCH = pytest.mark.skip(
        reason="PyTorch is NOT installed: to_torch() is untested here (pip install torch==2.13.0)"
    )
else:
    TORCH = pytest.mark.filterwarnings("default")  # PyTorch's own warnings are not ours to mend


@pytest.fixture
def url(sqlite_url):
    return sqlite_url


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed")
def test_without_pytorch_one_is_told_what_to_install(dataset):
    with pytest.raises(UnsupportedError, match="pip install torch"):
        dataset.to_torch()


def loader(dataset, **options):
    from torch.utils.data import DataLoader

    return DataLoader(dataset, **options)


def read(batches):
    return [i for batch in batches for i in batch["image_id"].tolist()]


@TORCH
def test_map_style_samples_belong_together(dataset):
    samples = dataset.to_torch()
    assert len(samples) == 103
    assert samples[0]["image_id"].item() == 2
    assert samples[-1]["label"].item() == 1
    with pytest.raises(IndexError):
        samples[103]
    batches = list(loader(samples, batch_size=20, num_workers=2))
    assert read(batches) == list(range(2, 208, 2))
    labels = np.concatenate([batch["label"].numpy() for batch in batches])
    assert np.array_equal(labels, np.linspace(0, 1, 103))


@TORCH
def test_map_style_is_shuffled_and_sharded_like_batches(dataset):
    order = {"shuffle": True, "seed": 4, "rank": 1, "world_size": 2}
    expected = np.concatenate([b.image_ids for b in dataset.batches(9, **order)]).tolist()
    assert read(loader(dataset.to_torch(**order), batch_size=7)) == expected


@TORCH
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_iterable_batches_come_in_one_order_with_any_number_of_workers(dataset, workers):
    order = {"shuffle": True, "seed": 4}
    expected = [batch.image_ids.tolist() for batch in dataset.batches(10, **order)]
    batches = dataset.to_torch(iterable=True, batch_size=10, **order)
    assert len(batches) == 11
    found = loader(batches, batch_size=None, num_workers=workers)
    assert [batch["image_id"].tolist() for batch in found] == expected


@TORCH
def test_a_position_is_resumed_by_any_number_of_workers(dataset):
    def fresh():
        return dataset.to_torch(iterable=True, batch_size=10, shuffle=True, seed=4)

    whole = read(loader(fresh(), batch_size=None))
    reading = iter(loader(fresh(), batch_size=None, num_workers=2))
    begun = [next(reading) for _ in range(4)]
    state = json.loads(json.dumps(begun[-1]["position"]))
    for workers in (0, 3):
        resumed = fresh()
        resumed.load_state_dict(state)
        assert read(begun) + read(loader(resumed, batch_size=None, num_workers=workers)) == whole
    with pytest.raises(ValidationError, match="another seed"):
        dataset.to_torch(iterable=True, batch_size=10, shuffle=True).load_state_dict(state)


@TORCH
def test_state_dict_of_one_reader_and_epochs(dataset):
    batches = dataset.to_torch(iterable=True, batch_size=10, shuffle=True, seed=4)
    reading = iter(batches)
    begun = [next(reading), next(reading)]
    state = json.loads(json.dumps(batches.state_dict()))
    assert state == begun[-1]["position"]
    again = dataset.to_torch(iterable=True, batch_size=10, shuffle=True, seed=4)
    again.load_state_dict(state)
    first = read(begun) + read(again)
    assert sorted(first) == list(range(2, 208, 2))
    again.set_epoch(1)
    assert read(again) != first
    assert read(again) == read(again)


@TORCH
def test_the_state_of_a_worker_goes_on_as_that_worker(dataset, monkeypatch):
    from types import SimpleNamespace

    from mlmcsc.services.datasets import torch_classes

    def worker(number):
        info = SimpleNamespace(id=number, num_workers=2, seed=number)
        monkeypatch.setattr(torch_classes.data, "get_worker_info", lambda: info)

    worker(1)
    batches = dataset.to_torch(iterable=True, batch_size=10)
    whole = read(batches)
    reading = iter(batches)
    begun = [next(reading), next(reading)]
    state = json.loads(json.dumps(batches.state_dict()))
    again = pickle.loads(pickle.dumps(dataset.to_torch(iterable=True, batch_size=10)))  # noqa: S301
    again.load_state_dict(state)
    assert read(begun) + read(again) == whole
    again.load_state_dict(state)
    worker(0)
    with pytest.raises(ValidationError, match="worker 1 of 2, this is worker 0 of 2"):
        next(iter(again))


def doubled(batch):
    return {"x": batch["features"] * 2, "image_id": batch["image_id"]}


@TORCH
def test_features_and_transforms(db, images_of, technician):
    images = images_of(20)
    data = {"image_id": images, "technician_id": [technician] * 20, "label": [0.5] * 20}
    db.store_labels(data)
    stored = np.arange(20 * 3, dtype=np.float32).reshape(20, 3)
    db.store_features(images, "cnn", stored, "v1")
    db.create_data_version("v1.0")
    dataset = db.datasets.open("v1.0")
    batches = dataset.to_torch(iterable=True, batch_size=8, features="cnn", transform=doubled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # spawning: PyTorch's own
        spawned = loader(batches, batch_size=None, num_workers=1, multiprocessing_context="spawn")
        found = list(spawned)
    assert np.array_equal(np.concatenate([b["x"].numpy() for b in found]), stored * 2)
    samples = dataset.to_torch(features="cnn")
    assert np.array_equal(samples[3]["features"].numpy(), stored[3])
    with pytest.raises(ValidationError, match="iterable=True"):
        dataset.to_torch(features="cnn", missing="drop")


@TORCH
@pytest.mark.parametrize("persistent", [False, True])
def test_epochs_after_one_that_was_gone_on_with_are_whole(dataset, persistent):
    batches = dataset.to_torch(iterable=True, batch_size=10, shuffle=True, seed=4)
    whole = read(batches)
    position = next(iter(batches))["position"]
    found = loader(batches, batch_size=None, num_workers=2, persistent_workers=persistent)
    for _ in range(2):  # also where the workers were there before the state was
        batches.load_state_dict(position)
        assert len(batches) == 10
        assert read(found) == whole[10:]
        assert len(batches) == 11
        assert read(found) == whole
    alone = dataset.to_torch(iterable=True, batch_size=10, shuffle=True, seed=4)
    alone.load_state_dict(position)
    next(iter(alone))  # broken off: the next iteration is a whole epoch, too
    assert read(alone) == whole


@TORCH
@pytest.mark.parametrize("iterable", [False, True])
def test_another_epoch_reaches_workers_that_stay(dataset, iterable):
    order = {"shuffle": True, "seed": 4}
    size = {"batch_size": 10} if iterable else {}
    samples = dataset.to_torch(iterable=iterable, **size, **order)
    found = loader(
        samples, batch_size=None if iterable else 10, num_workers=2, persistent_workers=True
    )
    for epoch in (0, 1, 0):
        samples.set_epoch(epoch)
        expected = np.concatenate([b.image_ids for b in dataset.batches(9, epoch=epoch, **order)])
        assert read(found) == expected.tolist()
    with pytest.raises(ValidationError, match="epoch=-1"):
        samples.set_epoch(-1)


@TORCH
def test_the_state_behind_the_last_batch_is_the_end_of_the_epoch(dataset):
    batches = dataset.to_torch(iterable=True, batch_size=10)
    last = [batch["position"] for batch in batches][-1]
    assert batches.state_dict() == last
    batches.load_state_dict(last)
    batches.set_epoch(0)  # the same epoch: what was loaded stays
    assert read(batches) == []
    assert len(read(batches)) == 103
    batches.load_state_dict(last)
    batches.set_epoch(1)
    assert len(read(batches)) == 103


@TORCH
@pytest.mark.parametrize(
    "wrong",
    [
        {"batches": -1, "worker": 0, "workers": 1},
        {"batches": "x", "worker": 0, "workers": 2},
        {"batches": 1},
        {"next": -1},
        {"next": "3"},
        {"next": 1.5},
        {"epoch": 0.0},
    ],
)
def test_a_state_that_makes_no_sense_is_refused(dataset, wrong, monkeypatch):
    from types import SimpleNamespace

    from mlmcsc.services.datasets import torch_classes

    batches = dataset.to_torch(iterable=True, batch_size=10)
    state = batches.state_dict() | wrong
    with pytest.raises(ValidationError):
        batches.load_state_dict(state)
    info = SimpleNamespace(id=0, num_workers=2, seed=1)
    monkeypatch.setattr(torch_classes.data, "get_worker_info", lambda: info)
    with pytest.raises(ValidationError):
        batches.load_state_dict(state)
