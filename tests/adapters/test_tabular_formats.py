"""JSON Lines, Parquet, drafts and the file of rejected rows."""

from __future__ import annotations

import csv
import resource
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlmcsc.adapters.tabular import RejectedRows, draft, format_of, open_reader, write_table
from mlmcsc.domain.fields import Kind
from mlmcsc.errors import ValidationError

NOW = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)
COLUMNS = {
    "n": Kind.INTEGER,
    "x": Kind.REAL,
    "t": Kind.TEXT,
    "f": Kind.FLAG,
    "j": Kind.JSON,
    "at": Kind.TIMESTAMP,
    "v": Kind.VECTOR,
}
ROWS = [
    (1, 0.1, "=x\n", True, {"a": [None, "ü"]}, NOW, np.array([0.1, 2.0], dtype="<f4")),
    (2**62, None, None, False, None, NOW, np.array([3.0, 4.0], dtype="<f4")),
]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.ndjson"])
def test_json_lines_come_back_typed(tmp_path, name):
    path = tmp_path / name
    packed = {".gz": "gz", ".zst": "zst"}.get(path.suffix, "")
    assert write_table(path, "jsonl", packed, COLUMNS, [ROWS]) == 2
    (chunk,) = open_reader(path, "jsonl").chunks(10)
    assert chunk.columns["n"] == [1, 2**62]
    assert chunk.columns["t"] == ["=x\n", None]
    assert chunk.columns["j"] == [{"a": [None, "ü"]}, None]
    assert datetime.fromisoformat(chunk.columns["at"][0]) == NOW
    assert np.float32(chunk.columns["v"][0]).tolist() == ROWS[0][-1].tolist()


def test_parquet_comes_back_typed_and_vectors_as_a_matrix(tmp_path):
    path = tmp_path / "a.parquet"
    assert write_table(path, "parquet", "", COLUMNS, [ROWS[:1], ROWS[1:]]) == 2
    assert pq.read_schema(path).field("v").type == pa.list_(pa.float32())
    reader = open_reader(path, "parquet")
    assert reader.total == 2
    (chunk,) = reader.chunks(10)
    assert chunk.columns["n"].tolist() == [1, 2**62]
    assert chunk.columns["x"] == [0.1, None]
    assert chunk.columns["at"] == [NOW, NOW]
    assert chunk.columns["v"].shape == (2, 2)
    assert list(chunk.lines) == [1, 2]


def test_parquet_vectors_of_unequal_length_come_as_lists(tmp_path):
    pq.write_table(pa.table({"v": [[1.0], [1.0, 2.0], None]}), tmp_path / "a.parquet")
    (chunk,) = open_reader(tmp_path / "a.parquet", "parquet").chunks(10)
    assert chunk.columns["v"] == [[1.0], [1.0, 2.0], None]


def test_parquet_nanoseconds_and_decimals_are_read(tmp_path):
    table = pa.table(
        {
            "at": pa.array([NOW], pa.timestamp("ns", "UTC")),
            "x": pa.array([1], pa.int64()).cast(pa.decimal128(21, 2)),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    (chunk,) = open_reader(tmp_path / "a.parquet", "parquet").chunks(10)
    assert chunk.columns["at"] == [NOW]
    assert list(chunk.columns["x"]) == [1.0]


def test_lines_that_are_no_json_object_are_broken_with_their_number(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n\nnot\n[1]\n{"b": NaN}\n{"a": 2}\n')
    (chunk,) = open_reader(tmp_path / "a.jsonl", "jsonl").chunks(10)
    assert chunk.columns["a"] == [1, 2]
    assert [b.line for b in chunk.broken] == [3, 4, 5]


def test_an_object_with_a_key_twice_is_broken_at_any_depth(tmp_path):
    lines = [
        r'{"label": 0.1, "label" : 0.2}',
        r'{"a": {"x": [{"b": 1, "b": 1}]}}',
        r'{"a": 3, "note": "\"a\": twice, but in a text"}',
        r'{"a": 4, "in": {"a": 5}}',
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    (chunk,) = open_reader(tmp_path / "a.jsonl", "jsonl").chunks(10)
    assert chunk.columns["a"] == [3, 4]
    assert [(b.line, b.reason) for b in chunk.broken] == [
        (1, "the key 'label' stands twice in one object."),
        (2, "the key 'b' stands twice in one object."),
    ]


def test_utf16_json_lines_are_refused_with_the_repair(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a": 1}', encoding="utf-16")
    with pytest.raises(ValidationError, match="iconv -f UTF-16 -t UTF-8"):
        open_reader(tmp_path / "a.jsonl", "jsonl")


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_file_that_is_not_there_is_told(tmp_path, kind):
    with pytest.raises(ValidationError, match="no such file"):
        open_reader(tmp_path / "gone", kind)


def test_a_damaged_parquet_file_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not at all")
    with pytest.raises(ValidationError, match="not a whole Parquet file"):
        open_reader(tmp_path / "a.parquet", "parquet")


def test_the_suffix_tells_the_format_or_the_caller_does():
    assert format_of(Path("a.CSV.gz")) == "csv"
    assert format_of(Path("a.pq")) == "parquet"
    assert format_of(Path("a.dat"), "jsonl") == "jsonl"
    with pytest.raises(ValidationError, match="does not tell the format"):
        format_of(Path("a.xlsx"))
    with pytest.raises(ValidationError, match="must be one of csv, jsonl, parquet"):
        format_of(Path("a.csv"), "xml")


def test_a_draft_that_is_not_published_leaves_no_trace(tmp_path):
    target = tmp_path / "out.csv"
    target.write_text("old")
    with draft(target) as made:
        made.path.write_text("half")
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]
    assert target.read_text() == "old"


@pytest.fixture
def full_disk():
    """A disk with room for 64 KiB per file: writing more fails as on a full one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize("name", ["o.csv", "o.csv.gz", "o.jsonl", "o.jsonl.zst", "o.parquet"])
def test_a_full_disk_is_told_with_the_file_that_was_asked_for(tmp_path, name):
    target = tmp_path / name
    noise = np.random.default_rng(0).bytes(1 << 19).hex()
    rows = [[(noise[i : i + 1024],) for i in range(0, len(noise), 1024)]]
    packed = {".gz": "gz", ".zst": "zst"}.get(target.suffix, "")
    with pytest.raises(ValidationError) as caught, draft(target) as made:  # noqa: PT012  # one act
        write_table(made.path, format_of(target), packed, {"t": Kind.TEXT}, rows)
        made.publish()
    assert str(caught.value).startswith(f"{target}: cannot be written: ")
    assert "Make room on that disk" in str(caught.value)
    assert ".part" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_is_told_with_its_repair(tmp_path):
    (tmp_path / "file").write_text("")
    for target, told in (
        (tmp_path / "none" / "o.csv", f"Create the folder {tmp_path}/none"),
        (tmp_path / "file" / "o.csv", f"Check the folder {tmp_path}/file"),
        (tmp_path, "is a folder. Name a file in it"),
        (tmp_path / ("n" * 300), "shorter name"),
    ):
        with pytest.raises(ValidationError) as caught, draft(target) as made:
            made.publish()
        assert str(caught.value).startswith(f"{target}: ")
        assert told in str(caught.value)
        assert ".part" not in str(caught.value)


def test_a_file_name_as_long_as_a_folder_takes_can_be_written(tmp_path):
    with draft(tmp_path / ("n" * 255)) as made:
        made.publish()
    assert (tmp_path / ("n" * 255)).is_file()


def test_rejected_rows_keep_every_column_that_any_of_them_has(tmp_path):
    with RejectedRows() as rejects:
        rejects.add(2, "label: wrong", {"a": "=1", "b": -0.5, "_line": "9"})
        rejects.add(7, "=reason", {"c": {"x": 1}, "a": None})
        rejects.publish(tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="") as handle:
        assert list(csv.reader(handle)) == [
            ["a", "b", "c", "_line", "_reason"],
            ["'=1", "-0.5", "", "2", "label: wrong"],
            ["", "", '{"x":1}', "7", "'=reason"],
        ]
