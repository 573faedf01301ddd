"""Damaged, foreign and malicious files: one clear error, never a wrong fact."""

import os
import struct
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.adapters.image_containers import source as byte_source
from mlmcsc.adapters.images import read_facts, read_pixels
from mlmcsc.errors import ImageFileError, ImageMissingError

OWN_TO_THE_FILE = {"path", "filename", "file_size", "mtime_ns", "content_hash", "fingerprint"}
FOREIGN = {
    "text": (b"temperature;energy\n-40;12.5\n", "text beginning 'temperature"),
    "GIF": (b"GIF89a" + bytes(60), "a GIF image"),
    "PDF": (b"%PDF-1.7\n" + bytes(60), "a PDF document"),
    "CZI": (b"ZISRAWFILE" + bytes(60), "a Zeiss CZI image"),
    "WebP": (b"RIFF\x00\x00\x00\x00WEBP" + bytes(60), "a WebP image"),
    "HEIF": (b"\x00\x00\x00\x18ftypheic" + bytes(60), "an HEIF"),
    "text that begins with BM": (b"BMW 320, tested on Monday\n", "text beginning 'BMW"),
    "zeros": (bytes(100), "unknown, beginning with the bytes 00"),
    "one byte": (b"\xff", "unknown"),
}


def content_of(facts):
    return {name: getattr(facts, name) for name in facts.__slots__ if name not in OWN_TO_THE_FILE}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_content_named_as_an_image_is_refused_by_name(write, kind):
    content, found = FOREIGN[kind]
    path = write(content, "picture.png")
    with pytest.raises(ImageFileError) as error:
        read_facts(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert found in message
    assert message.endswith("Convert it to JPEG, PNG, BMP or TIFF.")


def test_an_empty_file_is_refused(write):
    with pytest.raises(ImageFileError, match="the file is empty"):
        read_facts(write(b"", "empty.jpg"))


def test_a_missing_file_has_its_own_error(tmp_path):
    with pytest.raises(ImageMissingError, match=r"gone\.tif: there is no such file"):
        read_facts(tmp_path / "gone.tif")


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(ImageFileError, match="a directory"):
        read_facts(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageFileError, match="not a regular file"):
        read_facts(tmp_path / "pipe.jpg")


def test_a_pipe_that_takes_a_files_place_is_not_waited_for(samples, write, tmp_path, monkeypatch):
    path = write(samples["png"])
    regular = os.stat(path)
    os.mkfifo(tmp_path / "pipe.png")
    monkeypatch.setattr(byte_source.os, "stat", lambda _: regular)  # as it was a moment before
    with pytest.raises(ImageFileError, match="not a regular file"):
        read_facts(tmp_path / "pipe.png")


@pytest.mark.parametrize("marker", [0x00, 0x01, 0xD0, 0xD8])
def test_a_marker_that_decoders_pass_over_hides_no_segment(samples, write, marker):
    whole = samples["jpeg"]
    hidden = bytes((0xFF, marker)) + (2 + len(whole)).to_bytes(2) + whole
    with pytest.raises(ImageFileError, match=f"damaged: FF {marker:02X} before"):
        read_facts(write(whole[:2] + hidden + whole[2:]))


@pytest.mark.parametrize("path", ["a\x00b.png", "x" * 5000])
def test_an_impossible_path_is_refused(path):
    with pytest.raises(ImageFileError, match="cannot be opened"):
        read_facts(path)


@settings(max_examples=400, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), data=st.data())
def test_a_cut_off_file_never_gives_wrong_facts(samples, tmp_path_factory, share, data):
    kind = data.draw(st.sampled_from(sorted(samples)))
    whole = tmp_path_factory.getbasetemp() / "whole"
    whole.write_bytes(samples[kind])
    cut = tmp_path_factory.getbasetemp() / "cut"
    cut.write_bytes(samples[kind][: int(share * len(samples[kind]))])
    try:
        facts = read_facts(cut, fingerprint=False)
    except ImageFileError:
        return
    # Only bytes that mean nothing (padding behind the last page) may be missing unnoticed.
    assert content_of(facts) == content_of(read_facts(whole, fingerprint=False))
    np.testing.assert_array_equal(read_pixels(cut), read_pixels(whole))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_cut_off_real_file_never_gives_wrong_facts(micrographs, tmp_path, share):
    for path in sorted(micrographs.iterdir()):
        content = path.read_bytes()
        cut = tmp_path / path.name
        cut.write_bytes(content[: int(share * len(content))])
        try:
            facts = read_facts(cut, fingerprint=False)
        except ImageFileError:
            continue
        assert content_of(facts) == content_of(read_facts(path, fingerprint=False)), path.name


@pytest.mark.parametrize("kind", ["jpeg", "png", "bmp", "tiff", "BigTIFF", "lzw tiff"])
def test_one_missing_byte_at_the_end_is_noticed(samples, write, kind):
    with pytest.raises(ImageFileError, match=r"cut off|damaged"):
        read_facts(write(samples[kind][:-1]), fingerprint=False)


@settings(max_examples=600, deadline=None)
@given(
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1),
    in_header=st.booleans(),
    data=st.data(),
)
def test_damaged_bytes_raise_nothing_but_an_image_file_error(
    samples, tmp_path_factory, flips, in_header, data
):
    content = bytearray(samples[data.draw(st.sampled_from(sorted(samples)))])
    for share, value in flips:
        content[int(share * min(len(content), 300 if in_header else len(content)))] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content)
    try:
        read_facts(path)
        read_pixels(path)
    except ImageFileError as error:
        assert str(path) in str(error)  # noqa: PT017 - most examples raise nothing, rightly


def test_a_decompression_bomb_is_refused_before_decoding(write):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + zlib.crc32(kind + body).to_bytes(4)

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    bomb += chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    with pytest.raises(ImageFileError, match=r"60000 x 60000 pixels .* the limit is 500000000"):
        read_facts(write(bomb))


@pytest.mark.parametrize("kind", ["jpeg", "png", "bmp", "tiff"])
def test_the_pixel_limit_is_the_callers(samples, write, kind):
    path = write(samples[kind])
    with pytest.raises(ImageFileError, match="the limit is 767 pixels"):
        read_facts(path, max_pixels=767)
    assert read_facts(path, max_pixels=768).width == 32


def test_more_channels_than_a_picture_has_are_refused(tmp_path):
    cube = np.zeros((8, 8, 40), np.uint8)
    tifffile.imwrite(tmp_path / "cube.tif", cube, photometric="minisblack", planarconfig="contig")
    with pytest.raises(ImageFileError, match="40 channels, the limit is 32"):
        read_facts(tmp_path / "cube.tif")


def test_pages_that_form_a_loop_are_noticed(samples, write):
    content = bytearray(samples["tiff"])
    first = struct.unpack("<I", content[4:8])[0]
    entries = struct.unpack("<H", content[first : first + 2])[0]
    end = first + 2 + 12 * entries
    content[end : end + 4] = struct.pack("<I", first)
    with pytest.raises(ImageFileError, match="loop"):
        read_facts(write(bytes(content)))


def test_a_wrong_png_checksum_is_noticed(samples, write):
    content = bytearray(samples["png"])
    content[-20] ^= 1
    with pytest.raises(ImageFileError, match="wrong checksum"):
        read_facts(write(bytes(content)), fingerprint=False)


def test_a_jpeg_that_cannot_be_decoded_is_refused_at_once(samples, write):
    content = samples["grey jpeg"].replace(b"\xff\xc0", b"\xff\xc3")  # lossless frame
    with pytest.raises(ImageFileError, match="Convert it to PNG or TIFF"):
        read_facts(write(content), fingerprint=False)


def test_large_files_are_streamed_with_the_same_result(samples, write, monkeypatch):
    in_memory = {kind: read_facts(write(content, kind)) for kind, content in samples.items()}
    monkeypatch.setattr(byte_source, "IN_MEMORY_LIMIT", 100)
    monkeypatch.setattr(byte_source, "WINDOW", 64)
    for kind, content in samples.items():
        streamed = read_facts(write(content, kind))
        assert streamed.content_hash == in_memory[kind].content_hash
        assert streamed.fingerprint == in_memory[kind].fingerprint
        assert content_of(streamed) == content_of(in_memory[kind])


def test_a_file_that_grows_while_it_is_read_is_refused(samples, write):
    path = write(samples["png"])
    growing = byte_source.open_source(str(path))
    with pytest.raises(ImageFileError, match="changed while it was being read"), growing:
        path.write_bytes(samples["png"] + b"more")
