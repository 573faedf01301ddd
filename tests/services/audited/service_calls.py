"""What every write and every read of a service is, told to the tests by `service_calls`."""

from __future__ import annotations

import os
import shutil
import tarfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mlmcsc.errors import UnknownRecordError

QUARTERS = ("2026-01-01..2026-03-31", "2026-04-01..2026-06-30")


def folder_of(lab, *seeds, name="more"):
    for seed in seeds:
        lab.draw(f"{name}/{seed}.png", seed=seed)
    return lab.folder / name


def copied(lab, name="copy.png"):
    return shutil.copy(lab.db.get_image(lab.images[0]).path, lab.folder / name)


def touched(lab, *images):
    paths = [lab.db.get_image(image).path for image in images]
    for path in paths:
        os.utime(path, ns=(1_700_000_000_000_000_000, 1_700_000_000_000_000_000))
    return paths


def copies(lab):
    (lab.folder / "copies").mkdir()
    for image in lab.images:
        path = lab.db.get_image(image).path
        shutil.copy(path, lab.folder / "copies" / os.path.basename(path))
    return lab.folder / "copies"


def repaired(lab):
    lab.db.maintenance.repair(lab.db.maintenance.validate())


def moved(lab):
    elsewhere = copies(lab)
    lab.db.ingest(elsewhere, workers=1)
    for image in lab.images:
        os.unlink(lab.db.get_image(image).path)
    repaired(lab)


def forgotten(lab):
    elsewhere = copies(lab)
    lab.db.ingest(elsewhere, workers=1)
    shutil.rmtree(elsewhere)
    repaired(lab)


def touched_and_repaired(lab):
    touched(lab, *lab.images)
    repaired(lab)


def found_again(lab):
    lab.db.images.add(copied(lab))
    os.utime(lab.folder / "copy.png", ns=(1, 1))
    lab.db.images.add(lab.folder / "copy.png")


def told_of_specimens(lab):
    lab.db.ingest(folder_of(lab, 7, 8), workers=1, specimen_from=r"(\d)[.]png")
    pattern = r"(?P<material>more)/(?P<specimen>\d)[.]png"
    lab.db.ingest(lab.folder / "more", workers=1, specimen_from=pattern)


def archived(lab):
    lab.db.predictions.add_many(
        predictions_of(lab, *lab.images), model_version_id=1, timestamp=LONG_AGO
    )
    lab.db.archives.create("predictions", timedelta(days=3650))
    return lab.db.archives.list()[0].archive.name


def expired(lab):
    lab.db.predictions.add_many(
        predictions_of(lab, *lab.images), model_version_id=1, timestamp=LONG_AGO
    )
    lab.db.retention.apply()


def released(lab):
    lab.db.holds.hold("t1", ground="a dispute")
    lab.db.holds.release("t1", reason="settled")


def predictions_of(lab, *images):
    values = np.linspace(0.1, 0.3, len(images))
    return {"image_id": images, "prediction": values, "confidence": values}


def image_folder(lab):
    """A dataset of Hugging Face's kind, of two new images and a known one."""
    folder = folder_of(lab, 7, 8)
    shutil.copy(lab.db.get_image(lab.images[0]).path, folder / "9.png")
    lab.file("more/metadata.csv", "file_name,label\n7.png,0.1\n8.png,0.2\n9.png,0.3\n")
    return folder


def shards(lab):
    """The same in a tar."""
    folder = image_folder(lab)
    (lab.folder / "shards").mkdir()
    with tarfile.open(lab.folder / "shards" / "train.tar", "w") as tar:
        for number in (7, 8, 9):
            (folder / f"{number}.json").write_text('{"label": 0.4}')
            for suffix in ("png", "json"):
                tar.add(folder / f"{number}.{suffix}", f"{number}.{suffix}")
    return lab.folder / "shards"


def created_again(lab):
    lab.db.versions.create("a")
    lab.db.labels.add(lab.images[0], lab.technician, 0.9)
    lab.db.features.add(lab.images[0], "cnn", np.ones(8), "v1")
    lab.db.versions.create("b", tags=["production"])


def moved_tag(lab):
    created_again(lab)
    lab.db.versions.tag("a", "production")
    lab.db.versions.tag("a", "new")


def untagged(lab):
    created_again(lab)
    lab.db.versions.untag("production")


def made_by_itself(lab):
    automatic = lab.db.automatic_versions
    replace(automatic, rules=replace(automatic.rules, new_labels=1)).create_due()


def judged_by_itself(lab):
    lab.db.versions.create("a")
    lab.db.labels.verify(lab.db.labels.list().items[0].id, "chief")
    made_by_itself(lab)


def deleted_version(lab):
    moved_tag(lab)
    lab.db.versions.delete("a", force=True)


def checked_out(lab):
    lab.db.versions.create("a")
    lab.db.version_checks.checkout("a", lab.folder / "checked-out")


LONG_AGO = datetime(2010, 1, 1, tzinfo=UTC)


def exported(lab, kind):
    lab.db.versions.create("to-give")
    lab.db.dataset_exports.export("to-give", lab.folder / "given", format=kind, recipient="Uni X")


def backed_up(lab, name="first"):
    return lab.db.backups.create(name)


def backed_up_with_a_version(lab):
    lab.db.versions.create("a")
    backed_up(lab)


def pruned(lab):
    """The first is too old to be kept, and holds a version that the second holds too."""
    backups, clock = lab.db.backups, lab.db._database.store.clock
    backed_up_with_a_version(lab)
    lab.db._database.store.clock = lambda: clock() + timedelta(days=5)
    backed_up(lab, "second")
    assert backups.verify("second").whole
    none = {"retention_days": 1, "keep_weekly": 0, "keep_monthly": 0, "keep_yearly": 0}
    settings = backups.places.backup.model_copy(update=none)
    assert replace(backups, places=replace(backups.places, backup=settings)).prune().pruned


def verified(lab):
    backed_up(lab)
    assert lab.db.backups.verify("first", deep=True).whole


def scrubbed(lab):
    backed_up(lab)
    assert lab.db.backups.scrub(repair=True).whole


def measured_by_three(lab):
    """Two people more measured the three images of the first one."""
    people = [lab.db.register_technician(f"rater{n}", "R") for n in (1, 2)]
    values = [0.2, 0.3, 0.6, 0.7, 0.5, 0.4]
    lab.db.labels.add_many(
        image_id=[*lab.images, *lab.images], technician_id=np.repeat(people, 3), label=values
    )
    return people


def agreed(lab):
    measured_by_three(lab)
    lab.db.consensus.create()


def agreed_anew(lab):
    """One consensus is corrected, the next made anew from fewer labels, the last withdrawn."""
    people = measured_by_three(lab)
    lab.db.consensus.create()
    lab.db.labels.correct(lab.labels[0], label=0.9, reason="misread")
    lab.db.holds.restrict("rater1", ground="contested")
    lab.db.consensus.create()
    assert len(people) == 2
    lab.db.consensus.create(min_raters=3)


def scored(lab):
    """Two people have the five comparisons that a score needs."""
    second = lab.db.register_technician("rater1", "R")
    more = [lab.db.store_image(lab.draw(f"s{n}.png", seed=50 + n)) for n in range(3)]
    lab.db.labels.add_many(image_id=more, technician_id=lab.technician, label=0.4)
    lab.db.labels.add_many(image_id=[*lab.images, *more], technician_id=second, label=0.3)
    lab.db.agreement.update_accuracy()


def requested(lab):
    return lab.db.requests.add("t1", "access").id


def unmeasured(lab):
    with pytest.raises(UnknownRecordError):
        lab.db.image_quality.get(lab.images[0])


def rescored(lab):
    lab.db.image_quality.update_scores(0.0)
    os.unlink(lab.db.get_image(lab.images[0]).path)
    lab.db.image_quality.update_scores(1.0, everything=True)
    lab.db.image_quality.update_scores(0.0)


def handed_out(lab):
    lab.draw("new.png", seed=77)
    lab.db.images.add(lab.folder / "new.png")
    lab.db.label_queue.next(lab.technician, n=1)


def fulfilled(lab):
    handed_out(lab)
    lab.db.labels.add(lab.db.label_queue.status()[0].image_id, lab.technician, 0.4)
    lab.db.label_queue.next(lab.technician, n=1)


def given_back(lab):
    handed_out(lab)
    lab.db.label_queue.release(lab.technician)


WRITES = {
    "label_queue.next": {"": handed_out, "fulfilled": fulfilled},
    "label_queue.release": {"": given_back},
    "image_quality.update_scores": {
        "new, then again with other flags": rescored,
        "invalidating": lambda lab: lab.db.image_quality.update_scores(1.0, invalidate=True),
    },
    "images.add": {
        "new": lambda lab: lab.db.images.add(lab.draw("n.png", seed=9), specimen_id="S9"),
        "known, at another path": lambda lab: lab.db.images.add(copied(lab)),
        "known, at another path, again": found_again,
        "known, touched": lambda lab: lab.db.images.add(*touched(lab, lab.images[0])),
        "known, with new facts": lambda lab: lab.db.images.add(
            lab.db.get_image(lab.images[0]).path, magnification=20.0
        ),
        "copied": lambda lab: lab.db.images.add(lab.draw("n.png", seed=9), storage="managed"),
        "known, copied": lambda lab: lab.db.images.add(
            lab.db.get_image(lab.images[0]).path, storage="managed"
        ),
    },
    "images.ingest": {
        "new": lambda lab: lab.db.images.ingest(folder_of(lab, 7, 8, 9), workers=1),
        "new, one": lambda lab: lab.db.images.ingest(folder_of(lab, 7), workers=1),
        "new, the same content twice": lambda lab: lab.db.images.ingest(
            [lab.draw("a/1.png", seed=7), lab.draw("a/2.png", seed=7)], workers=1
        ),
        "known, at other paths": lambda lab: lab.db.images.ingest(copies(lab), workers=1),
        "known, touched": lambda lab: lab.db.images.ingest(touched(lab, *lab.images), workers=1),
        "known, touched, with new facts": lambda lab: lab.db.images.ingest(
            touched(lab, *lab.images), workers=1, magnification=20.0
        ),
        "copied": lambda lab: lab.db.images.ingest(
            folder_of(lab, 7, 8, 9), workers=1, storage="managed"
        ),
        "known, copied": lambda lab: lab.db.images.ingest(
            [lab.db.get_image(image).path for image in lab.images], workers=1, storage="managed"
        ),
        "with specimens": lambda lab: lab.db.images.ingest(
            folder_of(lab, 7, 8, name="N_H4711"),
            workers=1,
            specimen_from=r"(?P<heat>H\d+)/(?P<specimen>\d+)",
        ),
        "known, telling of specimens": told_of_specimens,
    },
    "images.update": {
        "of a new specimen": lambda lab: lab.db.images.update(
            lab.images[0], specimen_id="S9", magnification=3.0
        )
    },
    "images.update_quality": {
        "": lambda lab: lab.db.images.update_quality(lab.images[0], 0.5, is_valid=False)
    },
    "specimens.register": {
        "new": lambda lab: lab.db.specimens.register("S9", heat="H"),
        "known": lambda lab: lab.db.specimens.register("S1", heat="H", material="steel"),
    },
    "specimens.update": {"": lambda lab: lab.db.specimens.update("S1", heat="H")},
    "specimens.add_many": {
        "": lambda lab: lab.db.specimens.add_many(specimen_id=["S8", "S9"], heat="H")
    },
    "technicians.register": {"": lambda lab: lab.db.technicians.register("t9", "Al", email="a@b")},
    "technicians.update": {
        "": lambda lab: lab.db.technicians.update("t1", name="Al", is_active=False)
    },
    "models.register": {"": lambda lab: lab.db.models.register("v9", "net", "/m")},
    "models.set_active": {
        "another": lambda lab: lab.db.models.set_active("v2"),
    },
    "predictions.add": {
        "": lambda lab: lab.db.predictions.add(lab.images[0], 1, 0.5, 0.5, raw_output={"z": 1})
    },
    "predictions.add_many": {
        "several": lambda lab: lab.db.predictions.add_many(
            predictions_of(lab, *lab.images), model_version_id=1
        ),
        "one": lambda lab: lab.db.predictions.add_many(
            predictions_of(lab, lab.images[0]), model_version_id=1
        ),
    },
    "labels.add": {
        "": lambda lab: lab.db.labels.add(
            lab.images[0], lab.technician, 0.5, notes="n", is_verified=True
        )
    },
    "labels.add_many": {
        "": lambda lab: lab.db.labels.add_many(
            image_id=lab.images, label=[0.1, 0.2, 0.3], technician_id=lab.technician, notes="n"
        )
    },
    "labels.correct": {
        "": lambda lab: lab.db.labels.correct(lab.labels[0], label=0.4, notes="n", reason="r")
    },
    "labels.verify": {
        "": lambda lab: lab.db.labels.verify(lab.labels[0], "chief"),
    },
    "charpy.measure": {"": lambda lab: lab.db.charpy.measure("S1", a_mm=4.2, b_mm=5.1)},
    "charpy.label": {
        "": lambda lab: lab.db.charpy.label(lab.images[0], 1, a_mm=4.2, b_mm=5.1),
    },
    "agreement.update_accuracy": {
        "of several": scored,
    },
    "consensus.create": {
        "new": agreed,
        "corrected, withdrawn": agreed_anew,
    },
    "features.add": {
        "new": lambda lab: lab.db.features.add(lab.images[0], "lbp", [1.0], "v1"),
        "replaced": lambda lab: lab.db.features.add(lab.images[0], "cnn", np.ones(8), "v1"),
    },
    "features.add_many": {
        "replaced": lambda lab: lab.db.features.add_many(
            {"image_id": lab.images[:2], "feature_vector": np.ones((2, 8))},
            feature_type="cnn",
            extractor_version="v1",
        )
    },
    "features.store": {
        "": lambda lab: lab.db.features.store(lab.images, "lbp", np.ones((3, 2)), "v1")
    },
    "maintenance.repair": {
        "files moved": moved,
        "paths forgotten": forgotten,
        "files touched": touched_and_repaired,
    },
    "exchange.import_file": {
        "labels": lambda lab: lab.db.exchange.import_file(
            "labels", lab.file("l.csv", "image_id,label\n1,0.1\n2,0.2\n"), technician="t1"
        ),
        "images": lambda lab: lab.db.exchange.import_file(
            "images",
            lab.file("i.csv", f"image_path,specimen_id\n{lab.draw('n.png', seed=9)},S9\n"),
        ),
        "specimens": lambda lab: lab.db.exchange.import_file(
            "specimens", lab.file("s.csv", "specimen_id,heat\nS1,H\nS8,H\nS9,H\n")
        ),
        "system_metrics": lambda lab: lab.db.exchange.import_file(
            "system_metrics", lab.file("m.csv", "metric_name,metric_value\na,1\nb,2\n")
        ),
    },
    "dataset_imports.import_dataset": {
        "from a folder": lambda lab: lab.db.dataset_imports.import_dataset(
            image_folder(lab), technician="t1"
        ),
        "from tars": lambda lab: lab.db.dataset_imports.import_dataset(
            shards(lab), technician="t1"
        ),
    },
    "dataset_exports.export": {
        kind: lambda lab, kind=kind: exported(lab, kind) for kind in ("csv", "webdataset")
    },
    "exchange.export_file": {
        "": lambda lab: lab.db.exchange.export_file("labels", lab.folder / "labels.csv")
    },
    "version_checks.checkout": {"": checked_out},
    "versions.create": {
        "first": lambda lab: lab.db.versions.create("a", tags=["production"]),
        "second": created_again,
    },
    "automatic_versions.create_due": {"due": made_by_itself, "nothing decides": judged_by_itself},
    "versions.tag": {"moved": moved_tag},
    "versions.untag": {"": untagged},
    "versions.delete": {"tagged": deleted_version},
    "archives.create": {"": archived},
    "archives.restore": {"": lambda lab: lab.db.archives.restore(archived(lab))},
    "retention.apply": {"": expired},
    "holds.restrict": {"": lambda lab: lab.db.holds.restrict("t1", "accuracy contested")},
    "holds.hold": {"": lambda lab: lab.db.holds.hold(specimen="S1", ground="a dispute")},
    "holds.release": {"": released},
    "backups.create": {"": backed_up_with_a_version},
    "backups.verify": {"": verified},
    "backups.prune": {"": pruned},
    "backups.scrub": {"": scrubbed},
    "audit_proof.evidence": {
        "": lambda lab: lab.db.audit_proof.evidence("specimen", "S1", lab.folder / "S1.zip")
    },
    "audit.export": {"": lambda lab: lab.db.audit.export(lab.folder / "trail.jsonl")},
    "access.export_user_data": {"": lambda lab: lab.db.export_user_data("t1")},
    "access.write": {"": lambda lab: lab.db.access.write("t1", lab.folder / "t1.json")},
    "requests.add": {"": lambda lab: lab.db.requests.add("t1", "access")},
    "requests.extend": {"": lambda lab: lab.db.requests.extend(requested(lab), "archives")},
    "requests.close": {"": lambda lab: lab.db.requests.close(requested(lab), "done")},
}


def archived_labels(lab):
    with lab.db._database.store.read() as view:
        return list(lab.db.archives.labels_of(view, 1, lambda _name: False, "labels"))


def unknown_frozen(lab):
    with pytest.raises(UnknownRecordError):
        lab.db.versions.get("no such")


def unknown_backup(lab):
    with pytest.raises(UnknownRecordError):
        lab.db.backups.show("no-such")


def unknown_curve(lab):
    with pytest.raises(UnknownRecordError):
        lab.db.charpy.curve(heat="no such")


def unknown_drift(lab):
    with pytest.raises(UnknownRecordError):
        lab.db.drift.compare_versions("no such", "nor such")


def unknown_shown(lab):
    with pytest.raises(UnknownRecordError):
        lab.db.versions.show("no such")


def checks_of_unknown_versions(lab):
    checks = lab.db.version_checks
    for look in (
        lambda: checks.diff("no", "such"),
        lambda: next(checks.samples("no", "such")),
        lambda: checks.verify("no such"),
        checks.status,
    ):
        with pytest.raises(UnknownRecordError):
            look()


def unknown_dataset(lab):
    with pytest.raises(UnknownRecordError):
        lab.db.datasets.open("no such")


def unknown_rows(lab):
    with pytest.raises(UnknownRecordError):
        lab.db.datasets.rows("no such")


def unknown_splits(lab):
    with pytest.raises(UnknownRecordError):
        lab.db.datasets.training_data("no such", {})


def unknown_version(lab):
    with pytest.raises(UnknownRecordError):
        lab.db.lineage.of_version("no such")


READS = {
    "label_queue.status": lambda lab: lab.db.label_queue.status(),
    "suspicious_labels.list": lambda lab: lab.db.suspicious_labels.list(),
    "image_quality.get": unmeasured,
    "image_quality.list": lambda lab: lab.db.image_quality.list(),
    **{
        f"version_checks.{name}": checks_of_unknown_versions
        for name in ("diff", "samples", "verify", "status")
    },
    "dataset_exports.list": lambda lab: lab.db.dataset_exports.list(),
    "lineage.of_model": lambda lab: lab.db.lineage.of_model("v1"),
    "lineage.of_image": lambda lab: lab.db.lineage.of_image(1),
    "lineage.of_person": lambda lab: lab.db.lineage.of_person("t1"),
    "lineage.of_label": lambda lab: lab.db.lineage.of_label(1),
    "lineage.of_version": unknown_version,
    "lineage.training_data": lambda lab: lab.db.lineage.training_data("v1"),
    "images.get": lambda lab: lab.db.images.get(1),
    "images.list": lambda lab: lab.db.images.list(),
    "images.near_duplicates": lambda lab: lab.db.images.near_duplicates(1),
    "images.thumbnail": lambda lab: lab.db.images.thumbnail(1),
    "specimens.get": lambda lab: lab.db.specimens.get("S1"),
    "specimens.list": lambda lab: lab.db.specimens.list(),
    "technicians.get": lambda lab: lab.db.technicians.get("t1"),
    "technicians.list": lambda lab: lab.db.technicians.list(),
    "models.get": lambda lab: lab.db.models.get(1),
    "models.active": lambda lab: lab.db.models.active(),
    "models.list": lambda lab: lab.db.models.list(),
    "predictions.get": lambda lab: lab.db.predictions.get(1),
    "predictions.list": lambda lab: lab.db.predictions.list(),
    "labels.get": lambda lab: lab.db.labels.get(1),
    "labels.list": lambda lab: lab.db.labels.list(),
    "labels.revisions": lambda lab: lab.db.labels.revisions(1),
    "features.list": lambda lab: lab.db.features.list(),
    "features.sets": lambda lab: lab.db.features.sets(),
    "features.search": lambda lab: lab.db.features.search(np.ones(8), 1),
    "features.similar": lambda lab: lab.db.features.similar(lab.images[0], 1, feature_type="cnn"),
    "similarity.search": lambda lab: lab.db.similarity.search(np.ones(8), 1, feature_type="cnn"),
    "similarity.search_many": lambda lab: lab.db.similarity.search_many(
        np.ones((2, 8)), 1, feature_type="cnn"
    ),
    "similarity.similar": lambda lab: lab.db.similarity.similar(
        lab.images[0], 1, feature_type="cnn"
    ),
    "similarity.image_id": lambda lab: lab.db.similarity.image_id(lab.images[0]),
    "similarity.duplicates": lambda lab: lab.db.similarity.duplicates(feature_type="cnn"),
    "similarity.contact_sheet": lambda lab: lab.db.similarity.contact_sheet(
        lab.db.similarity.similar(lab.images[0], 1, feature_type="cnn"), lab.folder / "alike.jpg"
    ),
    "feature_reads.for_training": lambda lab: lab.db.feature_reads.for_training([1], "cnn"),
    "feature_reads.matrix_of": lambda lab: lab.db.feature_reads.matrix_of("cnn", "1"),
    "datasets.open": unknown_dataset,
    "datasets.rows": unknown_rows,
    "datasets.training_data": unknown_splits,
    "training.splits": lambda lab: lab.db.training.splits(),
    "versions.get": unknown_frozen,
    "automatic_versions.due": lambda lab: lab.db.automatic_versions.due(),
    "versions.list": lambda lab: lab.db.versions.list(),
    "versions.show": unknown_shown,
    "versions.tags": lambda lab: lab.db.versions.tags(),
    "charpy.table": lambda lab: lab.db.charpy.table(),
    "charpy.curve": unknown_curve,
    "agreement.report": lambda lab: lab.db.agreement.report(),
    "drift.compare": lambda lab: lab.db.drift.compare(*QUARTERS),
    "drift.last": lambda lab: lab.db.drift.last(timedelta(days=30)),
    "drift.compare_versions": unknown_drift,
    "health.status": lambda lab: lab.db.health.status(),
    "quality.check": lambda lab: lab.db.quality.check(),
    "maintenance.validate": lambda lab: lab.db.maintenance.validate(hash_files=True),
    "archives.plan": lambda lab: lab.db.archives.plan("predictions", timedelta(days=3650)),
    "archives.list": lambda lab: lab.db.archives.list(),
    "archives.unknown": lambda lab: lab.db.archives.unknown(),
    "archives.find": lambda lab: lab.db.archives.find("predictions", 1),
    "retention.plan": lambda lab: lab.db.retention.plan(),
    "holds.list": lambda lab: lab.db.holds.list(),
    "requests.list": lambda lab: lab.db.requests.list(),
    "vault_keys.state": lambda lab: lab.db.vault_keys.state(),
    "vault_keys.backups": lambda lab: lab.db.vault_keys.backups(),
    "vault_keys.refuse_lost_backups": lambda lab: lab.db.vault_keys.refuse_lost_backups(),
    "sealing.clear": lambda lab: lab.db.sealing.clear(),
    "privacy_report.generate": lambda lab: lab.db.generate_privacy_report(),
    "privacy_report.processing_record": lambda lab: lab.db.privacy_report.processing_record(),
    "archives.labels_of": archived_labels,
    "backups.list": lambda lab: lab.db.backups.list(),
    "backups.show": unknown_backup,
    "backup_drills.history": lambda lab: lab.db.backup_drills.history(),
    "backup_drills.standing": lambda lab: lab.db.backup_drills.standing(),
    "audit.list": lambda lab: lab.db.audit.list(),
    "audit.search": lambda lab: lab.db.audit.search("S1"),
    "audit.get": lambda lab: lab.db.audit.get(1),
    "audit.history": lambda lab: lab.db.audit.history("image", 1),
    "audit_proof.verify": lambda lab: lab.db.audit_proof.verify(),
    "audit_proof.checkpoints": lambda lab: lab.db.audit_proof.checkpoints(),
    "exchange.tables": lambda lab: lab.db.exchange.tables(),
}
