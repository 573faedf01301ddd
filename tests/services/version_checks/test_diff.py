"""What differs between two versions."""

from __future__ import annotations

import pytest

from mlmcsc.errors import UnknownRecordError, ValidationError


def test_a_version_is_identical_to_itself(lab):
    found = lab.db.version_checks.diff("v1", "v1")
    assert found.identical
    assert (found.samples, found.histogram, found.mean_difference) == ((), (), None)


def test_added_and_relabelled_images_are_told_with_old_and_new_value(lab):
    found = lab.db.version_checks.diff("v1", "v2")
    assert (found.old_rows, found.new_rows) == (11, 12)
    assert (found.added, found.removed, found.relabelled, found.moved) == (1, 0, 2, 0)
    first, second, third = found.samples
    assert (first.image_id, first.changes) == (lab.images[0], ("relabelled",))
    assert (first.old_label, first.new_label) == (0.0, 0.4)
    assert (second.old_label, second.new_label) == (0.25, 0.05)
    assert (third.changes, third.old_label, third.new_label) == (("added",), None, 0.9)
    assert third.path == str(lab.path(lab.images[11]))
    assert found.mean_difference == pytest.approx(0.1)
    assert sum(each.count for each in found.histogram) == 2


def test_backwards_what_was_added_is_removed(lab):
    found = lab.db.version_checks.diff("v2", "v1")
    assert (found.added, found.removed, found.relabelled) == (0, 1, 2)
    assert found.samples[0].new_label == 0.0


def test_versions_that_share_no_file_compare_alike(lab):
    shared = lab.db.version_checks.diff("v1", "v2").to_dict()
    layers = lab.db.versions.get("v2").layers
    folder = lab.db._database.versions
    from mlmcsc.domain.versions.layers import read_layers

    base = folder.write(folder.rows(read_layers(layers)))
    lab.set("v2", layers=[base.to_dict()])
    assert lab.db.version_checks.diff("v1", "v2").to_dict() == shared


def test_another_seed_moves_images(lab):
    lab.db.versions.create("v3", seed=1)
    found = lab.db.version_checks.diff("v2", "v3", only="moved")
    assert found.moved == len(found.samples) > 0
    assert all(sample.old_split != sample.new_split for sample in found.samples)
    assert found.relabelled == 0


def test_samples_come_in_pages(lab):
    checks = lab.db.version_checks
    every = checks.diff("v1", "v2").samples
    first = checks.diff("v1", "v2", limit=2)
    second = checks.diff("v1", "v2", limit=2, after_id=first.next_after_id)
    assert first.samples + second.samples == every
    assert second.next_after_id is None
    assert sum(checks.samples("v1", "v2"), ()) == every
    assert [s.changes for s in checks.diff("v1", "v2", only="added").samples] == [("added",)]
    assert checks.diff("v1", "v2", limit=0).samples == ()


def test_a_tag_stands_for_its_version(lab):
    lab.db.versions.tag("v2", "production")
    assert lab.db.version_checks.diff("v1", "production").new == "v2"


def test_wrong_arguments_are_refused(lab):
    with pytest.raises(UnknownRecordError, match="Known: v2, v1"):
        lab.db.version_checks.diff("v1", "v9")
    with pytest.raises(ValidationError, match="must be one of added"):
        lab.db.version_checks.diff("v1", "v2", only="lost")
    with pytest.raises(ValidationError, match="limit"):
        lab.db.version_checks.diff("v1", "v2", limit=10**9)


def test_other_settings_and_features_make_versions_differ(lab):
    lab.db.versions.create("v3")
    lab.db.versions.create("v4", features=[], label_policy="mean")
    found = lab.db.version_checks.diff("v3", "v4")
    assert not found.identical
    (setting,) = found.settings
    assert (setting.name, setting.old, setting.new) == ("label_policy", "latest", "mean")
    (features,) = found.features
    assert (features.feature_type, features.change, features.old_vectors) == ("cnn", "removed", 12)
    assert (found.relabelled, found.details) == (0, 0)


def test_rows_that_say_the_same_of_another_label_or_file_differ_in_details(lab):
    lab.db.versions.create("v3")
    lab.sql("UPDATE images SET width = 65 WHERE id = 2")
    lab.db.store_label(lab.images[4], lab.technician, 4 / 12)
    lab.db.versions.create("v4")
    found = lab.db.version_checks.diff("v3", "v4", only="details")
    assert not found.identical
    assert (found.details, found.relabelled, found.moved) == (2, 0, 0)
    assert [sample.image_id for sample in found.samples] == [2, lab.images[4]]


def test_rows_written_anew_that_say_the_same_are_no_difference(lab):
    import pyarrow as pa

    from mlmcsc.domain.versions.layers import read_layers

    folder = lab.db._database.versions
    table = folder.read(read_layers(lab.db.versions.get("v2").layers)).combine_chunks()
    salts = pa.array([bytes([at] * 16) for at in range(1, len(table) + 1)], pa.binary())
    place = table.schema.get_field_index("salt")
    layer = folder.write(table.set_column(place, table.schema.field(place), salts).to_batches())
    shared = lab.db.version_checks.diff("v1", "v2").to_dict()
    lab.set("v2", layers=[layer.to_dict()])
    assert lab.db.version_checks.diff("v1", "v2").to_dict() == shared


def test_where_one_side_is_redacted_rows_cannot_be_compared(lab):
    lab.db.erasure.delete_user_data("tech_001", labels="delete")
    found = lab.db.version_checks.diff("v1", "v2")
    assert (found.redacted, found.relabelled, found.moved, found.added) == (2, 0, 0, 1)
    assert not found.identical
    assert lab.db.version_checks.diff("v1", "v1").identical


def test_transitions_say_from_which_label_to_which(lab):
    found = lab.db.version_checks.diff("v1", "v2").transitions
    assert found.edges == tuple(at / 10 for at in range(11))
    went = {(at, to): n for at, row in enumerate(found.counts) for to, n in enumerate(row) if n}
    assert went == {(0, 4): 1, (2, 0): 1}
