"""An erased person leaves frozen versions row by row; what commits to a version stays."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from threading import Thread

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import sqlalchemy as sa

from mlmcsc import DatabaseManager
from mlmcsc.adapters.versions import VersionFolder, root_of, row_schema
from mlmcsc.adapters.versions.building import gone, salted
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import MlmcscError, OvertakenError
from mlmcsc.store.models import metadata
from mlmcsc.store.queries import versions

pytestmark = pytest.mark.sqlite_tells

SAID = {"by": "Anna Berg", "points": [1, 2]}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where versions lie, before the database is opened."""
    monkeypatch.setenv("MLMCSC_VERSIONING__DIRECTORY", str(tmp_path / "versions"))
    monkeypatch.setenv("MLMCSC_PERFORMANCE__CACHE_DIRECTORY", str(tmp_path / "caches"))


@pytest.fixture
def db(folder, url, own_settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with DatabaseManager(url) as manager:
        yield manager


@pytest.fixture
def frozen(db):
    """Freeze rows `image: (label, technicians, annotation)` above those of a version."""

    def freeze(name, rows, above=None, without=()):
        folder, store = db._database.versions, db._database.store
        made = [
            {
                "image_id": image,
                "path": f"/i/{image}.png",
                "label": label,
                "split": 0,
                "label_ids": list(range(len(who))),
                "technician_ids": who,
                "annotation": text,
                "state": 0,
            }
            for image, (label, who, text) in rows.items()
        ]
        batch = salted(pa.RecordBatch.from_pylist(made, schema=row_schema()))
        going = [gone(pa.array(without, pa.int64()).to_numpy())] if without else []
        table = pa.Table.from_batches([batch, *going]).sort_by("image_id")
        with folder.locked():
            layer = folder.write(table.to_batches())
        layers = (*(read_layers(find(db, above).layers) if above else ()), layer)
        root, n_rows, _ = root_of(folder.rows(layers))
        plain = [
            {"sha256": one.sha256, "n_rows": one.n_rows, "n_bytes": one.n_bytes} for one in layers
        ]
        insert(
            store, "data_versions", version=name, name=name, created_at=store.clock(), root=root,
            layers=plain, manifest={"root": root}, total_images=n_rows,
        )  # fmt: skip
        return root

    return freeze


def insert(store, table, **values):
    with store._writer.begin() as conn:
        conn.execute(metadata.tables[table].insert().values(**values))


def find(db, name):
    with db._database.store.read() as view:
        return versions.find(view, name)


def rows_of(db, name):
    """A version's rows by image id; every hash is read again."""
    record, folder = find(db, name), db._database.versions
    layers = read_layers(record.layers)
    for layer in layers:
        folder.check(layer)
    root, _, n_redacted = root_of(folder.rows(layers))
    assert (root, n_redacted) == (record.root, record.n_redacted)
    return {row["image_id"]: row for row in folder.read(layers).to_pylist()}


def redacted(db, name):
    rows = rows_of(db, name)
    return [image for image, row in rows.items() if row["state"] == State.REDACTED]


@pytest.fixture
def people(db, images_of):
    """Anna (1) and Tom (2) measured six images."""
    anna, tom = db.register_technician("anna", "Anna Berg"), db.register_technician("tom", "Tom")
    images = images_of(6)
    for image in images:
        db.store_label(image, tom if image % 2 else anna, 0.5)
    return anna, tom


@pytest.fixture
def two_versions(people, frozen):
    """v1 has six rows; v2 above it measures image 2 anew, and has not image 4."""
    anna, tom = people
    v1 = frozen(
        "v1",
        {
            1: (0.1, [tom], None),
            2: (0.2, [anna], json.dumps(SAID)),
            3: (0.3, [anna, tom], None),  # a consensus
            4: (0.4, [anna], None),
            5: (0.5, [tom], json.dumps({"asked": ["Anna  BERG"]})),
            6: (0.6, [tom], json.dumps({"points": [3]})),
        },
    )
    v2 = frozen("v2", {2: (0.9, [tom], None)}, above="v1", without=[4])
    return v1, v2


def test_rows_that_rest_on_deleted_labels_are_redacted_in_every_version(db, two_versions):
    report = db.delete_user_data("anna", labels="delete")
    assert redacted(db, "v1") == [2, 3, 4, 5]  # 5 names her
    assert redacted(db, "v2") == [3, 5]
    assert (find(db, "v1").root, find(db, "v2").root) == two_versions
    assert report.versions == {"v1": 4, "v2": 2}
    counts = {f"{f.table}.{f.column}": (f.action, f.count) for f in report.fields}
    assert counts["data_versions.layers"] == ("ERASE", 4)  # of her own: 3 and 1


def test_a_redacted_row_says_nothing_but_which_image(db, two_versions):
    db.delete_user_data("anna", labels="delete")
    rows = rows_of(db, "v1")
    for name in ("label", "label_ids", "technician_ids", "annotation", "salt"):
        assert rows[3][name] is None
    assert rows[3]["path"] == "/i/3.png"
    assert (rows[1]["label"], rows[1]["technician_ids"]) == (0.1, [2])
    assert rows[6]["annotation"] == '{"points": [3]}'


def test_kept_labels_stay_in_versions_but_for_annotations_that_name_the_person(db, two_versions):
    report = db.delete_user_data("anna")
    assert redacted(db, "v1") == [2, 5]
    assert redacted(db, "v2") == [5]
    assert rows_of(db, "v1")[3]["technician_ids"] == [1, 2]
    assert db.technicians.get(1).name.startswith("erased-")
    counts = {f"{f.table}.{f.column}": (f.action, f.count) for f in report.fields}
    assert counts["data_versions.layers"] == ("ANONYMISE", 4)


def test_the_files_with_the_persons_rows_are_gone(db, two_versions):
    folder = db._database.versions
    before = folder.present()
    db.delete_user_data("anna", labels="delete")
    named = {layer["sha256"] for name in ("v1", "v2") for layer in find(db, name).layers}
    assert folder.present() == named
    assert len(before - named) == 1  # v2's own layer was not touched


def test_each_version_has_an_event_and_the_certificate_tells(db, two_versions):
    report = db.delete_user_data("anna", labels="delete")
    events = db.audit.list(operations=["REDACT"], table="data_versions", limit=50).items
    assert {(e.record_id, e.n_rows) for e in events} == {(1, 4), (2, 2), (None, 0)}
    step = next(s for s in report.certificate["steps"] if s["step"] == "versions")
    assert (step["rows"], step["rows_redacted"], step["rows_held"]) == (4, 6, 0)
    assert db.audit_proof.verify().findings == ()


def test_a_dry_run_counts_what_the_deed_does(db, two_versions):
    before = db._database.versions.present()
    planned = db.delete_user_data("anna", labels="delete", dry_run=True)
    assert db._database.versions.present() == before
    done = db.delete_user_data("anna", labels="delete")
    assert planned.versions == done.versions
    count = {f"{f.table}.{f.column}": f.count for f in planned.fields}
    assert count["data_versions.layers"] == 4


def test_recipients_of_the_persons_labels_are_named_whatever_became_of_the_version(
    db, two_versions
):
    store = db._database.store
    facts = {"format": "parquet", "n_rows": 1, "n_bytes": 1, "sha256": "0" * 64}
    facts |= {"exported_at": store.clock(), "exported_by": "x", "with_people": True, "root": "0"}
    given = {"recipient": "ACME, asked for by Anna Berg", "path": "/out/anna", "technicians": [1]}
    insert(store, "dataset_exports", version="v1", **given, **facts)  # v1 of before, deleted
    nobody = {"recipient": "Nobody", "path": "/out/3", "technicians": [2]}
    insert(store, "dataset_exports", version="v1", **nobody, **facts)
    told = db.delete_user_data("anna", dry_run=True)
    assert [each["recipient"] for each in told.recipients] == [given["recipient"]]
    done = db.delete_user_data("anna", labels="delete")
    (recipient,) = done.recipients
    assert (recipient["version"], recipient["recipient"]) == ("v1", "ACME, asked for by [erased]")
    assert any("ACME, asked for by [erased]" in line for line in done.not_reached)
    assert "anna" not in json.dumps(done.certificate)


def test_rows_of_images_under_a_legal_hold_stay_and_the_report_says_so(db, two_versions, sql):
    sql("INSERT INTO specimens (specimen_id) VALUES ('S1')")
    sql("UPDATE images SET specimen_id = 'S1' WHERE id = 5")
    db.holds.hold(specimen="S1", ground="claim")
    report = db.delete_user_data("anna", labels="delete")
    assert redacted(db, "v1") == [2, 3, 4]
    assert any("2 rows of data versions stay" in line for line in report.not_reached)


def test_a_changed_file_is_not_given_new_leaves(db, two_versions):
    folder, (base,) = db._database.versions, read_layers(find(db, "v1").layers)
    rows = folder.read([base])
    at = rows.schema.get_field_index("label")
    other = folder.write(rows.set_column(at, "label", rows["label"].fill_null(0)).to_batches())
    assert other == base
    forged = folder.write(rows.set_column(at, "label", pc.add(rows["label"], 0.1)).to_batches())
    folder.place(forged.sha256).replace(folder.place(base.sha256))
    report = db.delete_user_data("anna", labels="delete")
    assert any("v1" in line and "was changed" in line for line in report.not_reached)
    assert find(db, "v1").n_redacted == 0


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_restored_database_is_redacted_again_though_its_files_are_gone(
    db, url, two_versions, tmp_path
):
    place = tmp_path / "mlmcsc.db"
    backup(place, tmp_path / "backup.db")
    db.delete_user_data("anna", labels="delete")
    now = {name: find(db, name).layers for name in ("v1", "v2")}
    db.close()
    for ending in ("-wal", "-shm"):
        place.with_name(place.name + ending).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", place)
    with DatabaseManager(url) as restored:
        assert find(restored, "v1").layers != now["v1"]
        with contextlib.suppress(MlmcscError):
            restored.versions.create("v3")  # must not tidy away what the replay needs
        (done,) = restored.erasure.replay().applied
        assert done.versions.items() >= {"v1": 4, "v2": 2}.items()
        assert {name: find(restored, name).layers for name in ("v1", "v2")} == now
        assert redacted(restored, "v1") == [2, 3, 4, 5]


def backup(place, target):
    with (
        contextlib.closing(sqlite3.connect(place)) as live,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)


@pytest.mark.parametrize("labels", ["keep", "delete"])
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_missing_file_blocks_no_erasure_and_is_reached_when_it_is_put_back(
    db, two_versions, frozen, labels
):
    frozen("v3", {1: (0.1, [1], json.dumps(SAID))})
    (base,) = read_layers(find(db, "v1").layers)
    place = db._database.versions.place(base.sha256)
    place.rename(place.with_suffix(".away"))
    planned = db.delete_user_data("anna", labels=labels, dry_run=True)
    report = db.delete_user_data("anna", labels=labels)
    for each in (planned.not_reached, report.certificate["not_reached"]):
        told = [line for line in each if "is missing" in line and "privacy replay" in line]
        assert [line.split(":")[0] for line in told] == [
            "Files of data version v1",
            "Files of data version v2",
        ]
    assert report.versions == {"v3": 1}
    assert redacted(db, "v3") == [1]
    assert set(db.erasure.replay().unreached) == {"v1", "v2"}
    place.with_suffix(".away").rename(place)
    again = db.erasure.replay()
    going = {"keep": ([2], []), "delete": ([2, 3, 4], [3])}[labels]
    assert (redacted(db, "v1"), redacted(db, "v2")) == going
    assert again.unreached == {}
    assert again.versions == {f"v{n + 1}": len(each) for n, each in enumerate(going) if each}
    assert base.sha256 not in db._database.versions.present()
    assert db.erasure.replay().versions == {}
    assert db.audit_proof.verify().findings == ()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_whoever_is_erased_while_the_first_version_is_made_is_not_left_in_it(db, people, sql):
    sql("UPDATE labels SET annotation_data = :text WHERE id = 1", text=json.dumps(SAID))
    running = []

    def begin(*_):
        if not running:
            running.append(Thread(target=db.delete_user_data, args=("anna",)))
            running[0].start()
            running[0].join(0.5)
            assert running[0].is_alive()  # it waits for the version

    with contextlib.suppress(OvertakenError):
        db.versions.create("v1", progress=begin)
    running[0].join()
    rows = db._database.versions
    assert not any(b"Anna Berg" in path.read_bytes() for path in rows.root.rglob("*.parquet"))
    for record in db.versions.list():
        table = rows.read(read_layers(record.layers)).to_pylist()
        assert not any("Anna Berg" in (row["annotation"] or "") for row in table)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_went_cannot_be_worked_out_from_the_histogram(db, two_versions):
    edges = [0.0, 0.5, 1.0]
    told = {"edges": edges, "train": [4, 2], "val": [0, 0], "test": [0, 0]}
    with db._database.store._writer.begin() as conn:
        table = metadata.tables["data_versions"]
        conn.execute(table.update().where(table.c.version == "v1").values(label_distribution=told))
    db.delete_user_data("anna", labels="delete")
    left = find(db, "v1").label_distribution
    assert left == told | {"train": [1, 1]}  # images 1 and 6
    events = db.audit.list(operations=["REDACT"], table="data_versions", limit=50).items
    assert not any("label_distribution" in (event.old_values or {}) for event in events)


def test_a_layer_is_read_once_however_many_versions_share_it(db, two_versions, frozen, monkeypatch):
    frozen("v3", {3: (0.7, [2], None)}, above="v2")
    read = []
    layer = VersionFolder.layer
    monkeypatch.setattr(
        VersionFolder, "layer", lambda self, one, *a: read.append(one) or layer(self, one, *a)
    )
    planned = db.delete_user_data("anna", labels="delete", dry_run=True)
    assert planned.versions == {"v1": 4, "v2": 2, "v3": 1}
    assert len(read) == len(set(read)) == 3


def test_a_copy_of_ones_data_tells_the_versions_that_rest_on_it(db, two_versions):
    part = db.export_user_data("tom")["parts"]["frozen"]
    assert [(row["version"], row["commitment"], row["rows"]) for row in part["rows"]] == [
        ("v1", two_versions[0], 4),
        ("v2", two_versions[1], 5),
    ]
    store = db._database.store
    insert(
        store, "dataset_exports", version="v2", format="coco", path="/o", recipient="of Anna Berg",
        n_rows=1, n_bytes=1, sha256="0" * 64, exported_at=store.clock(), exported_by="x",
        root=two_versions[1], technicians=[2],
    )  # fmt: skip
    insert(
        store, "dataset_exports", version="old", format="csv", path="/old", root="0",
        n_rows=1, n_bytes=1, sha256="0" * 64, exported_at=store.clock(), exported_by="x",
        technicians=[2],
    )  # fmt: skip
    (v1, v2, old) = db.export_user_data("tom")["parts"]["frozen"]["rows"]
    assert v1["recipients"] == []
    assert [each["recipient"] for each in v2["recipients"]] == ["of [another person]"]
    assert (old["version"], old["rows"], old["recipients"][0]["path"]) == ("old", None, "/old")
    db._database.versions.remove([layer["sha256"] for layer in find(db, "v2").layers[1:]])
    told = db.export_user_data("tom")
    assert "Data versions are missing here" in told["incomplete"][0]
    assert told["parts"]["frozen"]["rows"][0]["version"] == "v1"


def test_erasing_twice_changes_nothing_the_second_time(db, two_versions, sql):
    db.delete_user_data("anna", labels="delete")
    first = {name: find(db, name).layers for name in ("v1", "v2")}
    db.delete_user_data("tom", labels="delete")
    assert redacted(db, "v1") == [1, 2, 3, 4, 5, 6]
    assert first != {name: find(db, name).layers for name in ("v1", "v2")}
    assert (find(db, "v1").root, find(db, "v2").root) == two_versions
    assert sql("SELECT value FROM settings WHERE key = 'versions_replaced'") == []


def test_metadata_of_versions_without_rows_is_left_alone(db, people):
    insert(
        db._database.store, "data_versions", version="raw", name="raw",
        created_at=db._database.store.clock(),
    )  # fmt: skip
    assert db.delete_user_data("anna", labels="delete").versions == {}
    with db._database.store.read() as view:
        assert view.conn.scalar(sa.text("SELECT n_redacted FROM data_versions")) == 0
