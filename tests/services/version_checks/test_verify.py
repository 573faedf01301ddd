"""Whatever is not as it was frozen is found, and named; nothing makes a verification crash."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pyarrow as pa
import pytest

from mlmcsc.adapters.versions import leaves
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.errors import UnknownRecordError, UnsupportedError, ValidationError

EVERY = ["v1", "v2"]


@pytest.mark.parametrize("version", EVERY)
def test_what_nobody_touched_is_intact(lab, version):
    found = lab.db.version_checks.verify(version)
    assert found.findings == ()
    assert found.intact
    assert found.root == lab.db.versions.get(version).root
    assert (found.rows, found.features) == ({"v1": 11, "v2": 12}[version], 1)
    assert found.images == found.images_read == found.rows


def test_progress_ends_with_all_bytes(lab):
    told = []
    lab.db.version_checks.verify("v2", progress=lambda *step: told.append(step))
    stage, done, total = told[-1]
    assert (stage, done) == ("bytes of images", total)
    assert total == sum(lab.path(image).stat().st_size for image in lab.images)


def test_one_flipped_bit_of_a_file_of_rows_is_found(lab, flip):
    flip(lab.layers("v1")[0])
    assert lab.kinds("v1")[0] == "layer"


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_a_file_of_rows_that_is_none_any_more_is_found(lab, content):
    lab.layers("v1")[0].write_bytes(content)
    assert lab.kinds("v1") == ["layer", "row"]


def test_a_file_of_rows_that_is_gone_is_found(lab):
    lab.layers("v1")[0].unlink()
    assert lab.kinds("v1") == ["layer"]


def test_a_missing_folder_of_versions_is_found(lab):
    shutil.rmtree(lab.versions)
    assert lab.kinds("v1") == ["manifest", "layer"]


def forge(lab, version, column, values):
    """Rewrite a version's rows with another column; hashes and sizes fit again."""
    folder = lab.db._database.versions
    table = folder.read(read_layers(lab.db.versions.get(version).layers)).combine_chunks()
    place = table.schema.get_field_index(column)
    forged = table.set_column(place, table.schema.field(place), [values(table)])
    layer = folder.write(forged.to_batches())
    lab.set(version, layers=[layer.to_dict()])


def other_label(table):
    labels = table.column("label").to_numpy().copy()
    labels[2] = 0.99
    return pa.array(labels)


def test_a_label_changed_in_parquet_is_found_though_the_files_hash_fits(lab):
    forge(lab, "v1", "label", other_label)
    kinds = lab.kinds("v1")
    assert "layer" not in kinds
    assert "root" in kinds


def test_a_label_and_the_root_changed_is_found_by_the_signed_manifest(lab):
    forge(lab, "v1", "label", other_label)
    promised = lab.db.version_checks.verify("v1", images=False).findings[0].what
    lab.set("v1", root=promised.split("root ")[1].split(";")[0])
    kinds = lab.kinds("v1")
    assert "root" in kinds
    assert "columns" in kinds


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("split", lambda t: pa.array(np.full(len(t), 77, np.int8))),
        ("label", lambda t: pa.nulls(len(t), pa.float64())),
        ("salt", lambda t: pa.nulls(len(t), pa.binary())),
        ("label_ids", lambda t: pa.nulls(len(t), pa.list_(pa.int64()))),
        ("image_id", lambda t: pa.array(np.zeros(len(t), np.int64))),
        ("state", lambda t: pa.array(np.ones(len(t), np.int8))),
        ("path", lambda t: pa.nulls(len(t), pa.string())),
    ],
)
def test_rows_that_make_no_sense_are_findings(lab, column, values):
    forge(lab, "v1", column, values)
    assert set(lab.kinds("v1")) & {"row", "root", "redactions"}


def test_exchanged_manifests_are_found(lab):
    one, two = (lab.db.versions.get(version) for version in EVERY)
    lab.set("v1", manifest=two.manifest)
    lab.set("v2", manifest=one.manifest)
    for version in EVERY:
        kinds = lab.kinds(version)
        assert kinds[:2] == ["manifest", "manifest"]
        assert "root" in kinds


def test_a_changed_manifest_does_not_bear_the_signature(lab):
    record = lab.db.versions.get("v1")
    lab.set("v1", manifest={**record.manifest, "seed": 5})
    findings = lab.db.version_checks.verify("v1").findings
    assert findings[0].where == "data_versions.manifest"
    assert "signature" in findings[0].what


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"signature": 3}', '"v1"'])
def test_a_manifest_that_is_none_is_found(lab, text):
    lab.sql("UPDATE data_versions SET manifest = :t WHERE version = 'v1'", t=text)
    assert set(lab.kinds("v1")) & {"manifest", "columns"}


@pytest.mark.parametrize("text", ["{", "[]", "[7]", '[{"sha256": "../../x", "n_rows": 1}]'])
def test_layers_that_are_none_are_found(lab, text):
    lab.sql("UPDATE data_versions SET layers = :t WHERE version = 'v1'", t=text)
    assert set(lab.kinds("v1")) & {"layer", "columns"}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("total_images", 12),
        ("total_labels", 3),
        ("train_split", 0.5),
        ("label_distribution", "{}"),
        ("label_distribution", "[1]"),
        ("label_distribution", '{"edges": [0, 1], "train": [7], "val": [2], "test": [2]}'),
        ("name", "another"),
        ("description", "another"),
        ("avg_quality_score", 0.99),
        ("root", "0" * 64),
        ("created_at", "2020-01-01 00:00:00.000000"),
        ("n_redacted", 3),
        ("version", "v1-forged"),
    ],
)
def test_an_edited_column_is_found(lab, column, value):
    lab.sql(f"UPDATE data_versions SET {column} = :v WHERE version = 'v1'", v=value)
    version = "v1-forged" if column == "version" else "v1"
    assert set(lab.kinds(version)) & {"columns", "manifest", "redactions"}


def test_a_manifest_file_that_says_something_else_is_found(lab, flip):
    flip(next((lab.versions / "manifests").glob("1-*.json")))
    assert lab.kinds("v1") == ["manifest"]


def test_a_root_that_was_taken_away_is_found(lab):
    lab.sql("UPDATE data_versions SET root = NULL WHERE version = 'v1'")
    assert lab.kinds("v1") == ["columns"]


def test_vectors_changed_past_mlmcsc_are_found(lab):
    lab.sql("UPDATE features SET feature_vector = zeroblob(16) WHERE image_id = 1")
    assert lab.kinds("v1") == ["features"]


def test_vectors_replaced_since_are_still_those_that_were_frozen(lab):
    lab.db.features.add(lab.images[0], "cnn", np.full(4, 9.0, np.float32), "1")
    assert lab.kinds("v1") == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {} SET dtype = 'float16', feature_dimension = 8",
        "UPDATE {} SET n_vectors = 3",
        "UPDATE {} SET digest = '0'",
        "INSERT INTO {} VALUES (99, 1, 'texture', '1', 4, 'float32', 0, 1, '0')",
    ],
)
def test_a_feature_set_that_the_manifest_does_not_promise_so_is_found(lab, change):
    lab.sql(change.format("version_features"))
    assert lab.kinds("v1") == ["features"]


def test_a_version_that_was_made_with_another_root_is_found_by_the_trail(lab):
    made = "table_name = 'data_versions' AND operation = 'CREATE' AND record_id = 1"
    triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_logs'"
    for (name,) in lab.sql(triggers):
        lab.sql(f"DROP TRIGGER {name}")
    lab.sql(f"UPDATE audit_logs SET digest = :d WHERE {made}", d="0" * 64)
    (finding,) = lab.db.version_checks.verify("v1").findings
    assert (finding.kind, finding.where) == ("trail", "audit_logs")
    lab.sql(f"DELETE FROM audit_logs WHERE {made}")
    assert lab.kinds("v1") == ["trail"]


def test_images_that_nothing_keeps_from_deletion_are_named(lab):
    lab.sql("DELETE FROM frozen_images WHERE image_id IN (2, 5)")
    (finding,) = lab.db.version_checks.verify("v1").findings
    assert (finding.kind, finding.where) == ("kept", "frozen_images")
    assert "2 images from being deleted: 2, 5." in finding.what


@pytest.mark.parametrize("column", ["layers", "manifest", "label_distribution"])
def test_what_is_no_json_is_a_finding(lab, column):
    lab.sql(f"UPDATE data_versions SET {column} = 'notjson' WHERE version = 'v1'")
    assert set(lab.kinds("v1")) & {"columns", "layer", "manifest"}


def test_rows_redacted_while_a_version_is_read_are_no_finding(lab):
    def erase(stage, *_):
        if stage == "files of rows" and not erased:
            erased.append(stage)
            lab.db.erasure.delete_user_data("tech_001", labels="delete")

    erased = []
    found = lab.db.version_checks.verify("v1", progress=erase)
    assert found.findings == ()
    assert (len(erased), found.redacted) == (1, 11)


def test_a_feature_set_taken_from_a_version_is_found(lab):
    lab.sql("DELETE FROM version_features WHERE version_id = 1")
    assert lab.kinds("v1") == ["features"]


def test_an_image_changed_behind_an_unchanged_size_and_time_is_found_by_reading_alone(lab, flip):
    flip(lab.path(lab.images[4]))
    assert lab.kinds("v1", quick=True) == []
    (finding,) = lab.db.version_checks.verify("v1").findings
    assert (finding.kind, finding.image_id) == ("image", lab.images[4])
    assert "changed" in finding.what
    assert lab.kinds("v1", images=False) == []


def test_a_quick_look_reads_what_was_touched_and_nothing_else(lab, flip):
    flip(lab.path(lab.images[4]))
    for image in lab.images[4:6]:
        os.utime(lab.path(image), ns=(1, 1))
    found = lab.db.version_checks.verify("v1", quick=True)
    assert found.images_read == 2
    assert [finding.image_id for finding in found.findings] == [lab.images[4]]


def test_a_missing_image_is_found_unless_its_content_is_at_another_path(lab):
    gone, moved = lab.path(lab.images[0]), lab.path(lab.images[1])
    copy = shutil.copy(moved, lab.folder / "elsewhere.png")
    lab.db.images.add(copy)
    gone.unlink()
    moved.unlink()
    for quick in (True, False):
        (finding,) = lab.db.version_checks.verify("v1", quick=quick).findings
        assert (finding.image_id, finding.where) == (lab.images[0], str(gone))
        assert "missing" in finding.what


@pytest.mark.parametrize("path", ["/nowhere/\0/x.png", "/", "/dev/full"])
def test_a_hostile_path_is_a_finding(lab, path):
    lab.sql("UPDATE images SET path = :p WHERE id = 1", p=path)
    lab.path(2).unlink()  # of another image, so that there is a finding in any case
    findings = lab.db.version_checks.verify("v1").findings
    assert {finding.kind for finding in findings} == {"image"}


def test_redacted_rows_must_be_told_by_the_trail(lab):
    folder = lab.db._database.versions
    table = folder.read(read_layers(lab.db.versions.get("v1").layers)).combine_chunks()
    rows = table.to_pylist()
    rows[0]["leaf"] = leaves(table.to_batches()[0])[0]
    nothing = dict.fromkeys(("label", "label_ids", "technician_ids", "annotation", "salt"))
    rows[0] |= {**nothing, "state": 1}
    layer = folder.write(pa.Table.from_pylist(rows, table.schema).to_batches())
    lab.set("v1", layers=[layer.to_dict()], n_redacted=1)
    assert "redactions" in lab.kinds("v1")


def test_an_erased_person_leaves_a_version_intact_that_says_so(lab):
    lab.db.erasure.delete_user_data("tech_001", labels="delete")
    found = lab.db.version_checks.verify("v1")
    assert found.findings == ()
    assert found.redacted == found.rows == 11


def test_what_cannot_be_asked_is_refused(lab):
    with pytest.raises(UnknownRecordError):
        lab.db.version_checks.verify("v9")
    with pytest.raises(ValidationError, match="workers"):
        lab.db.version_checks.verify("v1", workers=0)
    lab.sql(
        "INSERT INTO data_versions (version, name, created_at) VALUES ('old', 'o', '2020-01-01')"
    )
    with pytest.raises(UnsupportedError):
        lab.db.version_checks.verify("old")


NONSENSE = [None, [], "x", 2**70, -1, {"a": [1]}]


def test_a_manifest_of_nonsense_is_a_finding_and_no_crash(lab):
    manifest = lab.db.versions.get("v1").manifest
    for member in manifest:
        for value in NONSENSE:
            if value != manifest[member]:
                lab.set("v1", manifest={**manifest, member: value})
                assert lab.kinds("v1", images=False), (member, value)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE features SET feature_vector = 'text'",
        "UPDATE version_features SET marker = 'text'",
        "UPDATE images SET file_size = 'text', content_hash = NULL",
        "UPDATE settings SET value = '{' WHERE key = 'audit_public_key'",
    ],
)
def test_values_of_another_kind_make_no_verification_crash(lab, change):
    try:
        lab.sql(change)
    except Exception as error:  # noqa: BLE001  # the database may refuse it, which is as good
        pytest.skip(f"refused: {type(error).__name__}")
    lab.db.version_checks.verify("v1")
