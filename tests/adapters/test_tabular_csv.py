"""CSV as laboratories have it, and as spreadsheet programs may see it."""

from __future__ import annotations

import csv
import gzip

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc.adapters.tabular import neutral, open_reader, plain, write_table
from mlmcsc.domain.fields import Kind
from mlmcsc.errors import ValidationError

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
RISKY = st.one_of(
    TEXTS,
    st.builds(str.__add__, st.sampled_from(["=", "'=", "''-", "@", "\t", "\r\n", '"']), TEXTS),
)


@pytest.fixture
def read(tmp_path):
    """Write bytes, read them as CSV: the columns, the lines and the broken rows."""

    def make(data, name="in.csv", size=100, delimiter=None):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        reader = open_reader(path, "csv", delimiter)
        return list(reader.chunks(size)), reader

    return make


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_told_from_the_header(read, separator):
    (chunk,), reader = read(f"a{separator}b\n1{separator}2\n")
    assert chunk.columns == {"a": ["1"], "b": ["2"]}
    assert reader.decimal_comma == (separator == ";")


def test_a_quoted_separator_in_the_header_does_not_count(read):
    (chunk,), _ = read('"a,b,c";d\n1;2\n')
    assert list(chunk.columns) == ["a,b,c", "d"]


def test_a_byte_order_mark_and_excels_sep_line_are_no_data(read):
    (chunk,), _ = read(b"\xef\xbb\xbfsep=;\r\na;b\r\n1;2\r\n")
    assert chunk.columns == {"a": ["1"], "b": ["2"]}
    assert list(chunk.lines) == [3]


def test_rows_are_numbered_by_the_line_they_begin_on(read):
    (chunk,), _ = read('a,b\n1,"two\nlines"\n\n3,4\n')
    assert list(chunk.lines) == [2, 5]
    assert chunk.columns["b"] == ["two\nlines", "4"]


def test_ragged_rows_and_rows_with_nul_are_broken_with_their_line(read):
    (chunk,), _ = read("a,b\n1\n1,2,3\n1,x\x00y\n5,6\n")
    assert chunk.columns["a"] == ["5"]
    told = {b.line: b.reason for b in chunk.broken}
    assert told[2] == "has 1 cells, the header has 2."
    assert told[3] == "has 3 cells, the header has 2."
    assert "NUL" in told[4]


def test_a_malformed_row_does_not_take_the_next_one_with_it(read):
    (chunk,), _ = read('a,b\n"x"y,2\n3,4\n')
    assert [b.line for b in chunk.broken] == [2]
    assert chunk.columns["a"] == ["3"]


def test_a_quote_that_is_never_closed_is_an_error_naming_its_line(read):
    with pytest.raises(ValidationError, match="opened in line 3 is never closed"):
        read('a,b\n1,2\n3,"4\n5,6\n')


@pytest.mark.parametrize("data", ["", "\n", ",\n1,2\n", "a,a\n1,2\n", "a,\n1,2\n"])
def test_a_header_without_a_name_for_every_column_is_refused(read, data):
    with pytest.raises(ValidationError, match=r"in the header|must name the columns"):
        read(data)


def test_text_that_is_not_utf8_is_refused_with_the_repair(read):
    with pytest.raises(ValidationError, match="CSV UTF-8"):
        read("name\nMüller\n".encode("latin-1"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_excels_unicode_text_is_read(read, encoding):
    text = "\ufeffBild\tSFA %\r\nMüller.png\t0,5\r\n"
    (chunk,), reader = read(text.encode(encoding))
    assert chunk.columns == {"Bild": ["Müller.png"], "SFA %": ["0,5"]}
    assert list(reader.names) == ["Bild", "SFA %"]


def test_utf16_that_is_cut_off_or_lacks_its_mark_is_told_as_what_it_is(read):
    with pytest.raises(ValidationError, match="UTF-16 text, but is damaged or cut off"):
        read("a\tb\n1\t2\n".encode("utf-16")[:-1])
    with pytest.raises(ValidationError, match="iconv -f UTF-16LE -t UTF-8"):
        read("a\tb\n1\t2\n".encode("utf-16-le"))


def test_lines_of_empty_cells_are_blank_lines_however_many_cells_they_have(read):
    chunks, _ = read("a,b,c\n,,\n1,2,3\n, ,\n\n,,,,,\n4,5,6\n,,\n", size=1)
    assert [row for c in chunks for row in c.columns["a"]] == ["1", "4"]
    assert [line for c in chunks for line in c.lines] == [3, 7]
    assert sum(c.blank for c in chunks) == 5
    assert not any(c.broken for c in chunks)


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n"])
def test_a_delimiter_that_cannot_stand_between_cells_is_refused(read, delimiter):
    with pytest.raises(ValidationError, match=r"delimiter=.*must be one character"):
        read("a;b\n1;2\n", delimiter=delimiter)


def test_packed_files_are_unpacked(read):
    for name, pack in (("a.csv.gz", gzip.compress), ("a.csv.zst", zstandard.compress)):
        (chunk,), _ = read(pack(b"a\n1\n"), name)
        assert chunk.columns == {"a": ["1"]}


@pytest.mark.parametrize(("name", "pack"), [("gz", gzip.compress), ("zst", zstandard.compress)])
def test_a_torn_packed_file_is_refused(read, name, pack):
    rows = b"".join(b"%d\n" % (i * 7919 % 10007) for i in range(99999))
    with pytest.raises(ValidationError, match="cannot be read"):
        read(pack(b"a\n" + rows)[:-100], f"a.csv.{name}")


def test_chunks_are_no_larger_than_asked(read):
    chunks, _ = read("a\n" + "1\n" * 25, size=10)
    assert [len(c.lines) for c in chunks] == [10, 10, 5]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "＝1"])  # noqa: RUF001  # full width is meant
def test_what_a_spreadsheet_would_run_is_neutralised(text):
    assert neutral(text) == "'" + text


@pytest.mark.parametrize("text", ["-0.5", "+3", "-1e-9", "-0,5", "a=b", "", "'quoted'", "O'Neil"])
def test_numbers_and_plain_text_stay_as_they_are(text):
    assert neutral(text) == text


@given(RISKY)
def test_neutralising_can_always_be_undone(text):
    assert plain(neutral(text)) == text
    assert neutral(text)[:1] not in set("=@\t\r")


@given(st.lists(st.tuples(RISKY, st.one_of(st.none(), st.floats(allow_nan=False)))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_text_and_number_comes_back_as_it_was(tmp_path, rows):
    path = tmp_path / "t.csv"
    columns = {"text": Kind.TEXT, "number": Kind.REAL}
    assert write_table(path, "csv", "", columns, [rows] if rows else []) == len(rows)
    chunks = list(open_reader(path, "csv").chunks(10))
    assert not any(c.broken for c in chunks)
    rows = [(text, number) for text, number in rows if neutral(text).strip() or number is not None]
    assert [t for c in chunks for t in c.columns["text"]] == [text for text, _ in rows]
    numbers = [n for c in chunks for n in c.columns["number"]]
    assert [None if n == "" else float(n) for n in numbers] == [number for _, number in rows]


def test_written_csv_is_what_other_readers_expect(tmp_path):
    path = tmp_path / "t.csv"
    columns = {"t": Kind.TEXT, "f": Kind.FLAG, "j": Kind.JSON}
    write_table(path, "csv", "", columns, [[("=x", True, {"a": [1]}), (None, None, None)]])
    with path.open(newline="") as handle:
        assert list(csv.reader(handle)) == [
            ["t", "f", "j"],
            ["'=x", "true", '{"a":[1]}'],
            ["", "", ""],
        ]
