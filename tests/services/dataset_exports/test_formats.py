"""Each format, read back by a reader that is not ours, says what the version says."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import tarfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mlmcsc.adapters.tabular import plain
from mlmcsc.domain.splits import Split

SPLITS = ("train", "val", "test")


def truth(lab):
    """Label, specimen, hash and split by image id."""
    return {
        image_id: (
            row["label"],
            row["specimen_id"],
            row["content_hash"].hex(),
            Split(row["split"]).name.lower(),
        )
        for image_id, row in lab.rows().items()
    }


def told(record, number=float, text=str):
    return (
        number(record["label"]),
        text(record["specimen_id"]),
        record["content_hash"],
        record["split"],
    )


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_parquet(lab):
    lab.export(format="parquet", images="copy")
    found = {}
    for split in SPLITS:
        for row in pq.read_table(lab.folder / "out" / f"{split}.parquet").to_pylist():
            found[row["image_id"]] = told(row)
            assert row["split"] == split
            assert (row["width"], row["height"]) == (64, 48)
            assert digest(lab.folder / "out" / row["file"]) == row["content_hash"]
            assert "annotators" not in row
    assert found == truth(lab)


def test_csv_has_no_formulas(lab):
    lab.export(format="csv")
    found = {}
    for split in SPLITS:
        raw = (lab.folder / "out" / f"{split}.csv").read_text("utf-8")
        assert ",=1+1" not in raw
        for row in csv.DictReader(raw.splitlines()):
            found[int(row["image_id"])] = told(row, text=plain)
            assert row["file"] == ""
    assert found == truth(lab)
    assert not (lab.folder / "out" / "images").exists()


def test_jsonl_with_paths(lab):
    lab.export(format="jsonl", images="path")
    found = {}
    for split in SPLITS:
        for line in (lab.folder / "out" / f"{split}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            found[row["image_id"]] = told(row)
            assert digest(row["file"]) == row["content_hash"]
    assert found == truth(lab)


def test_coco(lab):
    report = lab.export(format="coco")
    images, boxes = {}, Counter()
    for split in SPLITS:
        told_ = json.loads((lab.folder / "out/annotations" / f"{split}.json").read_text("utf-8"))
        assert set(told_) == {"info", "licenses", "images", "annotations", "categories"}
        names = {each["id"]: each["name"] for each in told_["categories"]}
        for image in told_["images"]:
            images[image["id"]] = told(image)
            file = lab.folder / "out/images" / split / image["file_name"]
            assert digest(file) == image["content_hash"]
        for box in told_["annotations"]:
            assert box["image_id"] in {each["id"] for each in told_["images"]}
            part = 0.5 if box["segmentation"] else 1.0  # the outline that was drawn is a triangle
            assert box["area"] == part * box["bbox"][2] * box["bbox"][3]
            assert box["iscrowd"] == 0
            boxes[box["image_id"], names[box["category_id"]], tuple(box["bbox"])] += 1
        ids = [each["id"] for each in told_["annotations"]]
        assert ids == list(range(1, len(ids) + 1))
    assert images == truth(lab)
    first, second, _, _, fifth, _ = lab.images[:6]
    assert set(boxes) >= {
        (first, "cleavage", (4, 6, 20, 10)),
        (second, "fracture_surface", (4, 6, 20, 10)),
        (second, "fracture_surface", (0, 0, 9, 9)),
        (fifth, "fibrous zone: #1", (1, 2, 29, 38)),
    }
    assert (report.n_boxes, report.without_boxes) == (8, 6) == (sum(boxes.values()), 6)


def yolo_boxes(root, split):
    """A reader by hand: pixels from shares, by image id."""
    import yaml  # pandas' and datasets' own; a reader that is not ours

    names = yaml.safe_load((root / "data.yaml").read_text("utf-8"))["names"]
    found = {}
    for image in sorted((root / "images" / split).iterdir()):
        lines = (root / "labels" / split / f"{image.stem}.txt").read_text("ascii").splitlines()
        found[int(image.stem)] = []
        for line in lines:
            number, x, y, width, height = line.split()
            x, y, width, height = (float(each) for each in (x, y, width, height))
            box = (64 * (x - width / 2), 48 * (y - height / 2), 64 * width, 48 * height)
            found[int(image.stem)].append((names[int(number)], *(round(each, 4) for each in box)))
    return found


def test_yolo(lab):
    pytest.importorskip("yaml", reason="PyYAML, which reads data.yaml, is absent")
    report = lab.export(format="yolo")
    found = {}
    for split in SPLITS:
        found |= yolo_boxes(lab.folder / "out", split)
    first, second, third, fourth, fifth, sixth = lab.images[:6]
    assert found[first] == [("cleavage", 4, 6, 20, 10)]
    assert found[second] == [("fracture_surface", 4, 6, 20, 10), ("fracture_surface", 0, 0, 9, 9)]
    assert found[fourth] == []  # somebody said that there is nothing
    assert found[fifth] == [("fibrous zone: #1", 1, 2, 29, 38)]
    assert not {third, sixth} & set(found)
    assert report.left_out == {"without boxes": 2, "boxes that cannot be read for certain": 2}


def test_boxes_of_the_model_stand_in_where_people_drew_none(lab):
    report = lab.export(format="coco", boxes="either", images="none")
    document = json.loads((lab.folder / "out/annotations/train.json").read_text("utf-8"))
    for split in ("val", "test"):
        other = json.loads((lab.folder / f"out/annotations/{split}.json").read_text("utf-8"))
        document["annotations"] += other["annotations"]
    boxes = {each["image_id"]: each["bbox"] for each in document["annotations"]}
    assert boxes[lab.images[2]] == [1, 2, 30, 40]
    assert lab.images[3] not in boxes
    assert lab.images[5] not in boxes
    assert report.n_boxes == 10


def test_webdataset(lab):
    lab.export("one", format="webdataset")
    lab.export("two", format="webdataset")
    found = {}
    for split in SPLITS:
        shard = lab.folder / "one" / f"{split}-000000.tar"
        assert shard.read_bytes() == (lab.folder / "two" / shard.name).read_bytes()
        with tarfile.open(shard) as tar:
            members = tar.getmembers()
            assert all(m.isreg() and m.mtime == 0 and "/" not in m.name for m in members)
            keys = [m.name.partition(".")[0] for m in members]
            assert keys == sorted(keys)
            for m in members:
                if m.name.endswith(".json"):
                    row = json.load(tar.extractfile(m))
                    image = tar.extractfile(row["file"]).read()
                    assert hashlib.sha256(image).hexdigest() == row["content_hash"]
                    found[row["image_id"]] = told(row)
    assert found == truth(lab)


def test_every_file_is_in_the_list_that_sha256sum_checks(lab):
    report = lab.export(format="yolo", boxes="either")
    out = lab.folder / "out"
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=out, check=True)
    lines = (out / "SHA256SUMS").read_text("utf-8").splitlines()
    files = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} - {"SHA256SUMS"}
    assert [line[66:] for line in lines] == sorted(files)
    assert digest(out / "SHA256SUMS") == report.export.sha256
    assert sum((out / name).stat().st_size for name in files) == report.export.n_bytes


@pytest.mark.slow
def test_hugging_face_loads_it(lab):
    datasets = pytest.importorskip("datasets", reason="Hugging Face datasets is absent")
    lab.export(format="huggingface", people=True)
    datasets.disable_progress_bars()
    for how in (
        {"path": "imagefolder", "data_dir": str(lab.folder / "out")},
        {"path": str(lab.folder / "out")},
    ):
        loaded = datasets.load_dataset(**how, cache_dir=str(lab.folder / "cache"))
        assert set(loaded) == {"train", "validation", "test"}
        found = {}
        for rows in loaded.values():
            for row in rows:
                found[row["image_id"]] = told(row)
                assert row["image"].size == (64, 48)
                assert len(row["annotators"]) == 1
        assert found == truth(lab)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")  # its own, in every reading
@pytest.mark.filterwarnings("ignore::DeprecationWarning:mlcroissant")
@pytest.mark.parametrize("kind", ["parquet", "croissant", "huggingface", "coco", "webdataset"])
def test_mlcroissant_validates_and_reads_it(lab, kind):
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant is absent")
    lab.export(format=kind, images=None if kind == "webdataset" else "copy", people=kind != "coco")
    dataset = mlcroissant.Dataset(jsonld=str(lab.folder / "out" / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    names = [each.name for each in dataset.metadata.record_sets]
    found = {}
    for name in names:
        for record in dataset.records(name):
            row = {key.rpartition("/")[2]: value for key, value in record.items()}
            row = {k: v.decode() if isinstance(v, bytes) else v for k, v in row.items()}
            found[row["image_id"]] = told(row)
    assert found == ({} if kind in {"coco", "webdataset"} else truth(lab))


def test_coco_has_the_outline_that_somebody_drew(lab):
    lab.export(format="coco")
    found = [
        (each["bbox"], each["segmentation"])
        for path in (lab.folder / "out/annotations").iterdir()
        for each in json.loads(path.read_text("utf-8"))["annotations"]
    ]
    assert ([1, 2, 29, 38], [[1, 2, 30, 2, 30, 40]]) in found
    assert ([4, 6, 20, 10], []) in found
