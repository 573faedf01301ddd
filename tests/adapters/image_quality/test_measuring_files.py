"""Files in worker processes: whatever one does, the others are measured."""

from __future__ import annotations

import os
import signal

import numpy as np
import psutil
import pytest
from PIL import Image

from mlmcsc.adapters.image_quality import workers
from mlmcsc.adapters.image_quality.tasks import MeasureOptions, Task, measure_one
from mlmcsc.adapters.image_quality.workers import measure_many

OPTIONS = MeasureOptions()


@pytest.fixture
def tasks(tmp_path):
    random = np.random.default_rng(0)
    made = []
    for number in range(6):
        path = tmp_path / f"{number}.png"
        Image.fromarray(random.integers(0, 256, (40, 48), dtype=np.uint8)).save(path)
        made.append(Task(number + 1, str(path)))
    return made


def flat(chunks):
    return [each for chunk in chunks for each in chunk]


def test_workers_tell_what_this_process_tells(tasks, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    tasks += [Task(7, str(tmp_path / "text.png")), Task(8, os.fsdecode(b"gone\xff.png"))]
    here = flat(measure_many([tasks], OPTIONS, 1))
    assert flat(measure_many([tasks[:4], tasks[4:]], OPTIONS, 2)) == here
    assert [each.missing for each in here[-2:]] == [False, True]
    assert all(each.components for each in here[:6])


def test_a_killed_worker_is_replaced(tasks):
    answers = measure_many([[task] for task in tasks * 8], OPTIONS, 2)
    found = next(answers)
    for child in psutil.Process().children():
        if "image_quality.process" in " ".join(child.cmdline()):
            os.kill(child.pid, signal.SIGKILL)
    found += flat(answers)
    assert [each.image_id for each in found] == [task.image_id for task in tasks * 8]
    assert all(each.components for each in found)


def test_a_file_that_ends_its_worker_is_told_and_the_others_go_on(tasks):
    work = workers._Measuring(OPTIONS)
    lost = work.lost(tasks[0], "made the image reader crash; it is damaged.")
    assert lost.problem == f"{tasks[0].path} made the image reader crash; it is damaged."
    assert lost.components is None


@pytest.mark.parametrize("kind", ["png", "bmp", "tif"])
def test_lossless_formats_are_measured_alike(tmp_path, kind):
    pixels = np.random.default_rng(1).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels).save(tmp_path / f"b.{kind}")
    first, second = (
        measure_one(Task(1, str(tmp_path / name)), OPTIONS) for name in ("a.png", f"b.{kind}")
    )
    assert first.components.to_dict() == pytest.approx(second.components.to_dict())


def test_a_picture_larger_than_allowed_is_refused_unread(tasks):
    refused = measure_one(tasks[0], MeasureOptions(max_pixels=100))
    assert "the limit is 100 pixels" in refused.problem


def test_real_micrographs_are_all_measured(micrographs):
    files = [Task(at, str(path)) for at, path in enumerate(sorted(micrographs.iterdir()), 1)]
    assert [each.problem for each in flat(measure_many([files], OPTIONS, 1))] == [None] * len(files)
