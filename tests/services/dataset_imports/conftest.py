"""Small datasets of each format, drawn and written by hand."""

from __future__ import annotations

import io
import json
import tarfile

import pytest


@pytest.fixture
def coco(draw, tmp_path):
    """Three images in two splits; SFA in per cent as an attribute; one box."""

    def make(*, sfa=(10, 50, 100), bbox=(4, 5, 20, 30)):
        for number in range(3):
            draw(f"coco/images/{'train' if number < 2 else 'val'}/{number}.png", seed=number)
        (tmp_path / "coco/annotations").mkdir(exist_ok=True)
        for split, numbers in (("train", (0, 1)), ("val", (2,))):
            images = [
                {
                    "id": n,
                    "file_name": f"{n}.png",
                    "width": 64,
                    "height": 48,
                    "specimen_id": f"S{n // 2}",
                    "attributes": {"SFA": sfa[n]},
                }
                for n in numbers
            ]
            boxes = [
                {"id": 1, "image_id": n, "category_id": 7, "bbox": list(bbox)} for n in numbers
            ]
            document = {
                "images": images,
                "annotations": boxes[:1] if split == "train" else [],
                "categories": [{"id": 7, "name": "shear lip"}],
            }
            (tmp_path / f"coco/annotations/instances_{split}2017.json").write_text(
                json.dumps(document)
            )
        return tmp_path / "coco"

    return make


@pytest.fixture
def yolo(draw, tmp_path):
    """Two images, one with a box and one with nothing in it; values in metadata.csv."""
    for number in range(2):
        draw(f"yolo/images/train/{number}.png", seed=number)
    folder = tmp_path / "yolo"
    (folder / "labels/train").mkdir(parents=True)
    (folder / "labels/train/0.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    (folder / "labels/train/1.txt").write_text("")
    (folder / "data.yaml").write_text('path: .\ntrain: images/train\nnames:\n  0: "shear lip"\n')
    (folder / "metadata.csv").write_text(
        "file_name,label\nimages/train/0.png,0.25\nimages/train/1.png,0.75\n"
    )
    return folder


@pytest.fixture
def huggingface(draw, tmp_path):
    """Two images with boxes under `objects`."""
    lines = []
    for number in range(2):
        draw(f"hf/train/{number}.png", seed=number)
        objects = {"bbox": [[1, 2, 3, 4]], "categories": ["dimple"]}
        lines.append({"file_name": f"{number}.png", "label": 0.5 + number / 4, "objects": objects})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "hf/train/metadata.jsonl").write_text(text)
    return tmp_path / "hf"


@pytest.fixture
def tar(tmp_path):
    """Write members (name, bytes or ready `TarInfo`) to a tar."""

    def make(*members, name="wds/train-000000.tar", mode="w"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with tarfile.open(path, mode) as out:
            for member in members:
                if isinstance(member, tarfile.TarInfo):
                    out.addfile(member)
                    continue
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                out.addfile(info, io.BytesIO(member[1]))
        return path.parent

    return make


@pytest.fixture
def webdataset(draw, tar):
    """Two samples, one with a box."""
    members = []
    for number in range(2):
        members.append((f"{number:03d}.png", draw(f"{number}.png", seed=number).read_bytes()))
        boxes = [{"bbox": [1, 2, 3, 4], "class": "dimple"}] if number else None
        told = {"label": 0.25, "specimen_id": "S1"} | ({"boxes": boxes} if boxes else {})
        members.append((f"{number:03d}.json", json.dumps(told).encode()))
    return tar(*members)
