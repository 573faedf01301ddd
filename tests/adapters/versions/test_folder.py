"""The folder of versions: layers by the hash of their content, merged as they are read."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.versions.layers import Layer, read_layers, wants_new_base
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import IntegrityError, StoreError, UnsupportedError

ROOT = "a" * 64
CHANGES = st.dictionaries(st.integers(1, 30), st.none() | st.floats(0, 1), max_size=20)


@pytest.fixture
def written(folder, make):
    """A layer with these labels by image id; None means that the image is gone."""

    def write(values):
        rows = [
            make.stored(
                make.frozen(i, 0.0 if v is None else v),
                state=State.GONE if v is None else State.PRESENT,
            )
            for i, v in sorted(values.items())
        ]
        return folder.write(
            [make.batch(*rows[start : start + 7]) for start in range(0, len(rows), 7)]
        )

    return write


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(1, 30), st.floats(0, 1)), st.lists(CHANGES, max_size=4))
def test_the_highest_layer_wins_and_what_is_gone_is_not_there(folder, written, base, changes):
    layers = [written(base), *(written(each) for each in changes)]
    wanted = dict(base)
    for each in changes:
        wanted |= each
    wanted = {i: v for i, v in sorted(wanted.items()) if v is not None}
    found = folder.read(layers, ["label"])
    assert found.column_names == ["image_id", "label", "state"]
    assert found.column("image_id").to_pylist() == list(wanted)
    assert found.column("label").to_pylist() == list(wanted.values())


def test_the_same_rows_are_stored_once(folder, written):
    first, second = (written({1: 0.5, 2: 0.25}) for _ in range(2))
    assert first == second
    assert folder.present() == {first.sha256}
    folder.check(first)


def test_a_changed_missing_or_foreign_file_is_named(folder, written):
    layer = written({1: 0.5})
    path = folder.place(layer.sha256)
    good = path.read_bytes()
    for bad in (good[:-9], good[:40] + bytes([good[40] ^ 1]) + good[41:], b"", b"no parquet"):
        path.write_bytes(bad)
        with pytest.raises(IntegrityError, match=layer.sha256):
            folder.check(layer)
    with pytest.raises(IntegrityError, match=layer.sha256):
        folder.read([layer])
    path.unlink()
    for look in (folder.check, lambda each: folder.read([each])):
        with pytest.raises(IntegrityError, match=layer.sha256):
            look(layer)


def test_a_failed_write_leaves_nothing(folder, make):
    def failing():
        yield make.batch(make.stored(make.frozen(1)))
        raise OSError(28, os.strerror(28))

    with pytest.raises(StoreError, match="No space left"):
        folder.write(failing())
    assert list((folder.root / "rows").iterdir()) == []


def test_what_dead_processes_left_is_tidied_and_the_rest_stays(folder, written):
    layer = written({1: 0.5})
    (folder.root / "rows" / ".dead.partial").write_bytes(b"half a label")
    (folder.root / "replaced").mkdir(exist_ok=True)
    (folder.root / "replaced" / ".dead.partial").write_bytes(b"half a note")
    folder.write_manifest(3, {"root": ROOT})
    folder.tidy()
    assert [entry.name for entry in (folder.root / "rows").iterdir()] == [f"{layer.sha256}.parquet"]
    assert list((folder.root / "replaced").iterdir()) == []
    assert folder.manifests() == {f"3-{'a' * 16}.json"}
    folder.remove([layer.sha256])
    folder.remove_manifest(3, ROOT)
    assert (folder.present(), folder.manifests()) == (set(), set())


def test_a_database_in_memory_has_no_folder():
    with pytest.raises(UnsupportedError, match=r"versioning\.directory"):
        _ = VersionFolder(None).root
    assert VersionFolder(None).present() == set()


@pytest.mark.parametrize(
    "document",
    [None, [], "x", [{"sha256": "../../etc/passwd", "n_rows": 1, "n_bytes": 1}], [{"sha256": 1}]],
)
def test_layers_that_mlmcsc_never_writes_are_refused(document):
    with pytest.raises(IntegrityError, match="layers"):
        read_layers(document)


def test_a_new_base_is_laid_when_a_fifth_has_changed_or_the_layers_are_many():
    base, small = Layer("a" * 64, 1000, 9), Layer("b" * 64, 10, 9)
    assert not wants_new_base([base], 200)
    assert wants_new_base([base], 201)
    assert not wants_new_base([base, *[small] * 10], 100)
    assert wants_new_base([base, *[small] * 10], 101)
    assert wants_new_base([base, *[small] * 63], 0)
