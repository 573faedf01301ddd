"""Reading in worker processes: whatever a file or a worker does, the others are read."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import psutil
import pytest
from PIL import Image

from mlmcsc.adapters import image_workers
from mlmcsc.adapters.image_workers import ReadOptions, Unreadable, read_many
from mlmcsc.adapters.image_workers_process import answer, limit_processor_time, request

OPTIONS = ReadOptions()


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(0)
    paths = [str(tmp_path / f"{number:02}.png") for number in range(12)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (32, 40), dtype=np.uint8)).save(path)
    return paths


def readers():
    return [
        child
        for child in psutil.Process().children()
        if "image_workers_process" in " ".join(child.cmdline())
    ]


def stop_readers(how):
    for child in readers():
        os.kill(child.pid, how)


def test_workers_tell_what_this_process_tells(pictures, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    os.mkfifo(tmp_path / "pipe.png")
    paths = [*pictures, str(tmp_path / "text.png"), str(tmp_path / "pipe.png"), "gone.png"]
    (here,) = read_many(paths, OPTIONS, 1)
    (there,) = read_many(paths, OPTIONS, 2)
    assert there == here
    assert [type(outcome) for outcome in here[-3:]] == [Unreadable] * 3


def test_workers_killed_between_requests_are_replaced(pictures, monkeypatch):
    monkeypatch.setattr(image_workers, "CHUNK", 1)
    answers = read_many(pictures, OPTIONS, 2)
    found = next(answers)
    stop_readers(signal.SIGKILL)
    found += [outcome for (outcome,) in answers]
    assert [outcome.path for outcome in found] == pictures
    assert not any(isinstance(outcome, Unreadable) for outcome in found)
    assert readers() == []


def test_a_dead_worker_is_noticed_and_can_be_closed(pictures):
    worker = image_workers._Worker(image_workers._Reading(OPTIONS))
    assert len(worker.ask(pictures)) == 12
    worker._process.kill()
    worker._process.wait()
    with pytest.raises(image_workers._WorkerLostError, match="crash"):
        worker.ask(pictures * 1000)  # more than a pipe holds
    worker.close()


def test_a_worker_that_hangs_is_given_up_and_its_files_are_read_by_another(pictures, monkeypatch):
    # Long enough for a new worker to start where nothing is compiled yet.
    monkeypatch.setattr(image_workers, "LEAST_SECONDS", 8.0)
    monkeypatch.setattr(image_workers, "SECONDS_PER_FILE", 0.0)
    monkeypatch.setattr(image_workers, "CHUNK", 1)
    answers = read_many(pictures, OPTIONS, 2)
    next(answers)
    stop_readers(signal.SIGSTOP)
    rest = [outcome for (outcome,) in answers]
    assert [outcome.path for outcome in rest] == pictures[1:]
    assert not any(isinstance(outcome, Unreadable) for outcome in rest)
    assert readers() == []


def test_a_file_that_takes_too_long_is_told_with_the_limit(pictures, monkeypatch):
    monkeypatch.setattr(image_workers, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(image_workers, "SECONDS_PER_FILE", 0.001)
    ((outcome,),) = read_many(pictures[:1], OPTIONS, 2)
    assert isinstance(outcome, Unreadable)
    assert outcome.reason.startswith(pictures[0])
    assert "more than 0.001 s" in outcome.reason
    assert "workers=1" in outcome.reason


def test_processor_time_is_limited_for_each_request():
    import resource

    before = resource.getrlimit(resource.RLIMIT_CPU)
    try:
        limit_processor_time(1000.0)
        soft, _ = resource.getrlimit(resource.RLIMIT_CPU)
        assert 1000 <= soft - time.process_time() <= 1002
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


@pytest.mark.parametrize("error", [RuntimeError("odd"), KeyError(7), MemoryError()])
def test_whatever_a_decoder_raises_concerns_its_file_only(pictures, monkeypatch, error):
    def decode(*_, **__):
        raise error

    monkeypatch.setattr("mlmcsc.adapters.image_workers_process.read_facts", decode)
    (outcomes,) = read_many(pictures[:2], OPTIONS, 1)
    for outcome, path in zip(outcomes, pictures, strict=False):
        assert isinstance(outcome, Unreadable)
        assert path in outcome.reason
        assert ("memory" if isinstance(error, MemoryError) else type(error).__name__) in (
            outcome.reason
        )


def test_an_interruption_is_no_unreadable_file(pictures, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("mlmcsc.adapters.image_workers_process.read_facts", interrupt)
    with pytest.raises(KeyboardInterrupt):
        next(read_many(pictures, OPTIONS, 1))


def test_a_file_whose_name_is_not_unicode_is_read(pictures, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/half\xff.png")
    os.rename(pictures[0], path)
    ((facts,),) = read_many([path], OPTIONS, 2)
    assert (facts.path, facts.filename) == (path, os.path.basename(path))
    os.unlink(path)
    ((gone,),) = read_many([path], OPTIONS, 2)
    assert "no such file" in gone.reason


def test_metadata_that_no_text_can_hold_concerns_its_file_only(pictures, monkeypatch):
    from dataclasses import replace

    from mlmcsc.adapters.images import read_facts

    def with_half_a_sign(path, **options):
        return replace(read_facts(path, **options), acquisition_settings={"note": "\ud800"})

    monkeypatch.setattr("mlmcsc.adapters.image_workers_process.read_facts", with_half_a_sign)
    monkeypatch.setattr(
        "mlmcsc.adapters.image_workers_process.limit_processor_time", lambda _: None
    )
    assert b"metadata cannot be stored" in answer(request(pictures[:1], OPTIONS, 9.0))
