"""Files of a backup: what goes in comes out, and whatever was changed is never believed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc.adapters.backup_files import (
    Coder,
    check_stored,
    object_key,
    packing,
    read_stored,
    restore_file,
    stored_in_place,
    write_stored,
    writing,
)
from mlmcsc.adapters.backup_store import LocalStore
from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.domain.sealing import MasterKey
from mlmcsc.errors import IntegrityError, MissingKeyError, StoreError

CRYPTO = PycaCryptography()
MASTER = MasterKey("0123456789abcdef", bytes(range(32)))
CODERS = {
    coder.coding: coder
    for coder in (Coder(CRYPTO, packed, key) for packed in (False, True) for key in (None, MASTER))
}
CODINGS = pytest.mark.parametrize("coding", CODERS)
SET, OTHER_SET = "ab" * 16, "cd" * 16
CHUNK = 1000
SLOW_IS_FINE = settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def small_chunks(monkeypatch):
    """Files of a few thousand bytes have several chunks."""
    monkeypatch.setattr(writing, "CHUNK", CHUNK)


SMALL_CHUNKS = pytest.mark.usefixtures("small_chunks")


def open_key(key_id):
    if key_id != MASTER.key_id:
        raise MissingKeyError(f"the key {key_id} is not here")
    return MASTER


def written(folder, content, coding, *, name="database/x", key="set/database/x", set_id=SET):
    (folder / "source").write_bytes(content)
    file = write_stored(
        folder / "source",
        folder / "stored",
        name=name,
        key=key,
        set_id=set_id,
        coder=CODERS[coding],
    )
    return file, (folder / "stored").read_bytes()


def pieces(raw, size=700):
    return (raw[at : at + size] for at in range(0, len(raw), size))


def read(raw, file, set_id=SET):
    return b"".join(read_stored(pieces(raw), file, set_id, open_key, CRYPTO))


def told_anew(file, raw):
    """Somebody who can change a file can change its size and hash in the list, too."""
    return replace(file, stored_bytes=len(raw), stored_sha256=hashlib.sha256(raw).hexdigest())


def refused(raw, file, content, set_id=SET):
    """`IntegrityError`, and before it not all of the content."""
    came = []
    with pytest.raises(IntegrityError, match="is damaged"):
        came.extend(read_stored(pieces(raw), file, set_id, open_key, CRYPTO))
    assert b"".join(came) != content, "list.extend keeps what came before the error"


@CODINGS
@pytest.mark.parametrize("size", [0, 1, packing.CHUNK - 1, packing.CHUNK, packing.CHUNK + 1])
def test_the_borders_of_chunks_are_no_matter(coding, size, tmp_path):
    content = os.urandom(1 << 16) * 65
    content = content[:size]
    file, raw = written(tmp_path, content, coding)
    assert read(raw, file) == content


@SMALL_CHUNKS
class TestRoundTrip:
    @CODINGS
    @SLOW_IS_FINE
    @given(content=st.binary(max_size=5000))
    def test_any_bytes_come_back(self, coding, content, tmp_path):
        file, raw = written(tmp_path, content, coding)
        assert read(raw, file) == content
        assert (file.n_bytes, file.stored_bytes) == (len(content), len(raw))
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert file.stored_sha256 == hashlib.sha256(raw).hexdigest()
        check_stored(pieces(raw), file)

    def test_a_plain_file_lies_there_as_it_is(self, tmp_path):
        _, raw = written(tmp_path, b"SQLite format 3\0", "plain")
        assert raw == b"SQLite format 3\0"

    def test_a_packed_file_is_opened_by_any_zstandard(self, tmp_path):
        import zstandard

        content = b"Charpy V-notch, 300 J, " * 500
        _, raw = written(tmp_path, content, "zstd")
        opened = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
        assert opened.read() == content
        assert len(raw) < len(content) / 5

    def test_an_encrypted_file_tells_nothing_and_is_new_each_time(self, tmp_path):
        content = b"Dr. Ada Example" * 100
        _, raw = written(tmp_path, content, "aes-256-gcm")
        assert b"Ada" not in raw
        assert written(tmp_path, content, "aes-256-gcm")[1] != raw

    def test_a_file_that_lies_there_already_is_not_copied(self, tmp_path):
        path = tmp_path / "x"
        path.write_bytes(b"data")
        before = path.stat().st_ino
        file = stored_in_place(path, name="database/x", key="set/database/x")
        same = write_stored(
            path,
            path,
            name="database/x",
            key="set/database/x",
            set_id=SET,
            coder=CODERS["plain"],
        )
        assert file == same
        assert path.stat().st_ino == before
        assert path.stat().st_mode & 0o777 == 0o600

    @CODINGS
    def test_what_sets_share_is_read_by_another_set_under_another_name(self, coding, tmp_path):
        content = b"image" * 100
        key = object_key(hashlib.sha256(content).hexdigest(), coding, CODERS[coding].key_id)
        file, raw = written(tmp_path, content, coding, name="images/a.tif", key=key)
        renamed = replace(file, name="archives/b.tif")
        assert read(raw, renamed, OTHER_SET) == content

    @CODINGS
    def test_what_sets_share_has_the_content_that_its_key_names(self, coding, tmp_path):
        key = object_key("00" * 32, coding, CODERS[coding].key_id)
        with pytest.raises(IntegrityError, match="changed or damaged"):
            written(tmp_path, b"other", coding, key=key)
        assert os.listdir(tmp_path) == ["source"]


@SMALL_CHUNKS
class TestDamage:
    @CODINGS
    @SLOW_IS_FINE
    @given(data=st.data())
    def test_a_changed_bit_is_found(self, coding, data, tmp_path):
        content = data.draw(st.binary(min_size=1, max_size=3000))
        file, raw = written(tmp_path, content, coding)
        at = data.draw(st.integers(0, len(raw) - 1))
        changed = bytearray(raw)
        changed[at] ^= 1 << data.draw(st.integers(0, 7))
        refused(bytes(changed), file, content)
        with pytest.raises(IntegrityError, match="is damaged"):
            check_stored(pieces(bytes(changed)), file)
        if "aes" in coding:
            refused(bytes(changed), told_anew(file, bytes(changed)), content)

    @CODINGS
    @SLOW_IS_FINE
    @given(data=st.data())
    def test_what_was_cut_off_or_added_is_found(self, coding, data, tmp_path):
        content = data.draw(st.binary(min_size=1, max_size=3000))
        file, raw = written(tmp_path, content, coding)
        cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
        more = raw + data.draw(st.binary(min_size=1, max_size=2000))
        for changed in (cut, more):
            refused(changed, file, content)
            if coding != "zstd":  # its content may be whole without its very last bytes
                refused(changed, told_anew(file, changed), content)
            with pytest.raises(IntegrityError, match="is damaged"):
                check_stored(pieces(changed), file)

    @SLOW_IS_FINE
    @given(data=st.data())
    def test_a_packed_file_whose_list_was_changed_too_gives_its_content_or_nothing(
        self, data, tmp_path
    ):
        content = data.draw(st.binary(min_size=1, max_size=3000))
        file, raw = written(tmp_path, content, "zstd")
        cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
        for changed in (cut, raw + data.draw(st.binary(min_size=1, max_size=100))):
            came = []
            with contextlib.suppress(IntegrityError):
                came.extend(read_stored([changed], told_anew(file, changed), SET, open_key, CRYPTO))
                assert b"".join(came) == content

    @pytest.mark.parametrize("coding", ["aes-256-gcm", "zstd+aes-256-gcm"])
    def test_chunks_that_change_places_or_are_missing_are_found(self, coding, tmp_path):
        content = os.urandom(CHUNK * 3)
        file, raw = written(tmp_path, content, coding)
        header, chunks = split(raw)
        assert len(chunks) == 3
        first, second, third = chunks
        for other in (
            [second, first, third],
            [first, third],
            [first, second],
            [first, first, third],
            [first, second, third, third],
            [],
        ):
            changed = header + b"".join(other)
            refused(changed, told_anew(file, changed), content)

    @pytest.mark.parametrize("coding", ["aes-256-gcm", "zstd+aes-256-gcm"])
    def test_chunks_of_other_files_and_sets_are_found(self, coding, tmp_path):
        content = bytes(CHUNK * 2)
        file, raw = written(tmp_path, content, coding)
        for other in ({"name": "database/y"}, {"set_id": OTHER_SET}):
            _, foreign = written(tmp_path, content, coding, **other)
            refused(foreign, told_anew(file, foreign), content)
            (header, chunks), (head, others) = split(raw), split(foreign)
            for mixed in (header + chunks[0] + others[1], head + b"".join(chunks)):
                refused(mixed, told_anew(file, mixed), content)

    def test_a_file_listed_under_another_coding_or_key_is_found(self, tmp_path):
        file, raw = written(tmp_path, b"x" * 100, "aes-256-gcm")
        refused(raw, replace(file, coding="zstd+aes-256-gcm"), b"x" * 100)
        refused(raw, replace(file, key_id="f" * 16), b"x" * 100)
        refused(raw, replace(file, key_id=None), b"x" * 100)
        refused(raw, replace(file, coding="zstd"), b"x" * 100)

    def test_a_missing_key_is_said_and_not_damage(self, tmp_path):
        file, raw = written(tmp_path, b"x", "aes-256-gcm")

        def none(key_id):
            raise MissingKeyError("the key is not here")

        with pytest.raises(MissingKeyError):
            list(read_stored(pieces(raw), file, SET, none, CRYPTO))

    def test_a_packed_bomb_is_stopped_at_the_listed_size(self, tmp_path):
        import zstandard

        bomb = zstandard.ZstdCompressor().compress(bytes(64 << 20))
        file, _ = written(tmp_path, b"x" * 100, "zstd")
        came = []
        with pytest.raises(IntegrityError, match="more than the 100 bytes"):
            came.extend(read_stored([bomb], told_anew(file, bomb), SET, open_key, CRYPTO))
        assert came == []


class TestRestore:
    @pytest.fixture
    def store(self, tmp_path):
        return LocalStore(tmp_path / "backups")

    def put(self, store, tmp_path, content=b"content", coding="zstd+aes-256-gcm"):
        file, _ = written(tmp_path, content, coding)
        store.put_file(file.key, tmp_path / "stored", move=True)
        return file

    def restore(self, store, file, target, **more):
        restore_file(store, file, SET, target, open_key=open_key, crypto=CRYPTO, **more)

    def test_a_file_is_put_in_place_with_its_folders(self, store, tmp_path):
        file = self.put(store, tmp_path)
        target = tmp_path / "root" / "a" / "b" / "file"
        self.restore(store, file, target, root=tmp_path / "root")
        assert target.read_bytes() == b"content"
        assert os.listdir(target.parent) == ["file"]

    def test_a_damaged_file_leaves_what_was_there(self, store, tmp_path):
        file = self.put(store, tmp_path)
        target = tmp_path / "file"
        target.write_bytes(b"old")
        store.put_bytes(file.key, b"damaged")
        with pytest.raises(IntegrityError):
            self.restore(store, file, target)
        assert target.read_bytes() == b"old"
        assert not [each for each in os.listdir(tmp_path) if each.startswith(".draft")]

    def test_nothing_is_restored_through_a_link_or_outside(self, store, tmp_path):
        file = self.put(store, tmp_path)
        root, outside = tmp_path / "root", tmp_path / "outside"
        root.mkdir()
        outside.mkdir()
        (root / "folder").symlink_to(outside)
        (root / "file").symlink_to(outside / "file")
        for target in (
            root / "folder" / "x",
            root / "file",
            root / ".." / "outside" / "x",
            outside / "x",
            Path("/tmp/x"),  # noqa: S108  # is never written
        ):
            with pytest.raises(StoreError, match=r"link|does not lie in"):
                self.restore(store, file, target, root=root)
        assert os.listdir(outside) == []


def split(raw):
    """Header and sealed chunks, each with its length before it."""
    at = 9 + 2 + len(MASTER.key_id) + 60
    header, chunks = raw[:at], []
    while at < len(raw):
        end = at + 4 + int.from_bytes(raw[at : at + 4], "big")
        chunks.append(raw[at:end])
        at = end
    return header, chunks


MEMORY = """
import os, resource, sys
from pathlib import Path
from mlmcsc.adapters.backup_files import Coder, read_stored, write_stored
from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.adapters.backup_store import LocalStore
from mlmcsc.domain.sealing import MasterKey
folder, size = Path(sys.argv[1]), int(sys.argv[2])
master, crypto = MasterKey("0123456789abcdef", bytes(32)), PycaCryptography()
store = LocalStore(folder / "backups")
with open(folder / "source", "wb") as out:
    for _ in range(size >> 20):
        out.write(os.urandom(1 << 19) + bytes(1 << 19))
file = write_stored(folder / "source", folder / "stored", name="database/x", key="one/x",
                    set_id="ab", coder=Coder(crypto, True, master))
store.put_file("one/x", folder / "stored")
assert sum(map(len, read_stored(store.read("one/x"), file, "ab", lambda _: master, crypto))) == size
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file(tmp_path):
    most = [
        int(subprocess.check_output([sys.executable, "-c", MEMORY, str(tmp_path), str(n << 20)]))
        for n in (16, 96)
    ]
    assert most[1] - most[0] < 32 << 10, f"{most} KiB"
