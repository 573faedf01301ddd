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
