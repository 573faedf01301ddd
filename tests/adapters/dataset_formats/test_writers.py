"""Names and texts that people chose break no format; memory does not grow."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime

import pytest

from mlmcsc.adapters.dataset_formats import FORMATS, Dataset, ExportFolder, Sample, parquet
from mlmcsc.domain.versions.boxes import Box
from mlmcsc.errors import ImageFileError, ImageMissingError, ValidationError

FROZEN = datetime(2026, 1, 2, tzinfo=UTC)
NASTY = 'a: "b"\n- c # \\ \u2028 {x}'


@pytest.fixture
def dataset():
    return Dataset(
        "v1", NASTY, NASTY, "ab" * 32, FROZEN, (0, 1), with_people=False, shard_bytes=10**6
    )


def sample(image_id, path, boxes=None, content_hash=None):
    return Sample(image_id, (str(path),), content_hash, "S", 64, 48, 0.5, "train", None, boxes)


def write(kind, root, dataset, samples, mode=None):
    root.mkdir()
    form = FORMATS[kind]
    with ExportFolder(root, mode or form.images[0]) as folder:
        with form.writer(folder, dataset) as writer:
            for each in samples:
                writer.add(each)
            writer.finish()
        folder.write_sums()
    return root


def test_class_names_and_titles_are_texts_to_a_yaml_reader(dataset, draw, tmp_path):
    yaml = pytest.importorskip("yaml", reason="PyYAML is absent")
    one = sample(1, draw("1.png"), (Box(1, 2, 3, 4, NASTY), Box(1, 2, 3, 4, "yes")))
    root = write("yolo", tmp_path / "yolo", dataset, [one])
    told = yaml.safe_load((root / "data.yaml").read_text("utf-8"))
    assert told["names"] == {0: NASTY, 1: "yes"}
    card = (write("huggingface", tmp_path / "hf", dataset, [one]) / "README.md").read_text("utf-8")
    assert yaml.safe_load(card.split("---\n")[1])["pretty_name"] == NASTY


def test_an_ending_that_is_no_images_tells_nothing():
    assert sample(7, "/x/a.TIF").filename == "000000000007.tif"
    for name in ("a", "a.ti f", "a.okafor", "a.json"):
        assert sample(7, f"/x/{name}").filename == "000000000007.bin"


def test_too_many_classes_are_no_classes(dataset, draw, tmp_path):
    path = draw("1.png")
    many = (sample(n, path, (Box(1, 2, 3, 4, f"note {n}"),)) for n in range(1, 1100))
    with pytest.raises(ValidationError, match=r"more than 1,000 classes"):
        write("coco", tmp_path / "coco", dataset, many, "none")


def test_an_image_is_taken_only_if_it_is_what_was_frozen(dataset, draw, tmp_path):
    path = draw("1.png")
    with pytest.raises(ImageFileError, match="was changed since it was frozen"):
        write("coco", tmp_path / "a", dataset, [sample(1, path, content_hash="0" * 64)])
    with pytest.raises(ImageMissingError, match="is not there"):
        write("webdataset", tmp_path / "b", dataset, [sample(1, tmp_path / "none.png")])
    assert not list((tmp_path / "a").rglob("*.png"))


@pytest.mark.parametrize("kind", ["parquet", "csv", "coco"])
def test_memory_does_not_grow_with_the_rows(dataset, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP", 500)
    box = (Box(1, 2, 3, 4),)

    def peak(rows, name):
        samples = (sample(n, f"/x/{n}.png", box) for n in range(1, rows))
        tracemalloc.reset_peak()
        write(kind, tmp_path / name, dataset, samples, "none")
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        few = peak(1_000, "few")
        # What is made once in a process may fall into either of these, not into both.
        many = min(peak(10_000, "many"), peak(10_000, "again"))
    finally:
        tracemalloc.stop()
    assert many < few + 2_000_000  # 9,000 rows of 350 B and more would be 3 MB
