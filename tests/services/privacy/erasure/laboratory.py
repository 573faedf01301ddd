"""A laboratory in which one person has left a trace in every place that may hold one.

Every trace has the needle in it, so that after an erasure the raw bytes can be searched for it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from mlmcsc import Actor
from mlmcsc.domain.permissions import ALL_PERMISSIONS
from mlmcsc.domain.privacy.places import tagged_places
from mlmcsc.domain.privacy.tags import EraseAction
from mlmcsc.store.models import metadata

NEEDLE = "kanarie"
STAFF = "kanarie_007"
NAME = "Kanarie Vögel"
EMAIL = "kanarie@vogel.example"
LOGIN = "kanarielogin"
COLLEAGUE = "tech_002"
MENTIONS = (
    f"asked {NAME} about it",
    f"{NAME.upper()} said so",
    f"see {STAFF}, or write to {EMAIL.upper()}",
    f"{LOGIN} was here, also as Vögel, Kanarie",
)
HOBBY = "kanarie-hobby"
"""In texts of the person's own, which must go whole."""

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ANYBODY = {"is_verified": False, "label": 0.5, "label_type": "manual"}


def person():
    """The person at work, as an actor."""
    return Actor(STAFF, ALL_PERMISSIONS, "password", HOBBY, f"{HOBBY}/1.0", f"{HOBBY} why")


def fill(db, draw, folder):
    """Leave the traces; returns the technician's row id."""
    row = db.register_technician(STAFF, NAME, email=EMAIL, department=HOBBY, experience_level=HOBBY)
    other = db.register_technician(COLLEAGUE, "Jo Lund", department="Charpy")
    _at_work(db.acting_as(person()), db, draw, folder, row, other)
    _beside_the_api(db, row, other)
    return row


def _at_work(own, db, draw, folder, row, other):
    facts = dict.fromkeys(("material", "heat", "orientation"), f"by {STAFF}")
    db.register_specimen("S1", notes=MENTIONS[0], **facts)
    images = [db.store_image(draw(f"i{n}.png", seed=n), specimen_id="S1") for n in range(6)]
    regions = {"by": NAME, "points": [1, 2], MENTIONS[1]: [MENTIONS[2]]}
    for image in images[:3]:
        own.store_label(
            image, row, 0.5, notes=f"{HOBBY} note", time_spent=12.5, annotation_data=regions
        )
    theirs = [
        db.store_label(image, other, 0.4, notes=MENTIONS[n % 4], annotation_data=regions)
        for n, image in enumerate(images)
    ]
    own.update_label(theirs[0], label=0.45, reason=f"{HOBBY} reason")
    own.update_label(1, label=0.55, reason=f"{HOBBY} reason", notes=f"{HOBBY} again")
    db.update_label(theirs[1], label=0.41, reason=MENTIONS[1])
    own.verify_label(theirs[2], STAFF)
    db.verify_label(theirs[3], NAME)
    db.verify_label(1, COLLEAGUE)
    db.update_label(theirs[2], label=0.42, reason="a second look")
    why = Actor(COLLEAGUE, ALL_PERMISSIONS, "password", reason=MENTIONS[0])
    db.acting_as(why).register_specimen("S2", notes=f"by {NAME}")
    model = own.register_model_version(
        "m1", f"model of {NAME}", "/m.pt", created_by=STAFF, description=MENTIONS[3],
        hyperparameters={"author": NAME},
    )  # fmt: skip
    ran = {"preprocessing_params": {"user": STAFF}}
    db.store_prediction(images[0], model, 0.5, 0.9, **ran)
    db.store_features(images, "texture", [[0.1, 0.2]] * len(images), "v1", **ran)
    db.images.thumbnail(images[0])
    db.get_features_for_training(images * 400, "texture")
    db.versions.create("v1", label_policy="mean")  # so that each row rests on all labels
    db.datasets.open("v1")  # leaves a copy of its rows among the caches
    given = folder.parent / "given"
    db.dataset_exports.export(
        "v1", given, format="jsonl", images="none", people=True, recipient=MENTIONS[0]
    )
    _archived(db, other, images)
    for table in (
        "labels",
        "technicians",
        "label_revisions",
        "specimens",
        "model_versions",
        "images",
    ):
        db.exchange.export_file(table, folder / f"{table}.csv")
    db.exchange.export_file("labels", folder / "bare.csv", columns=["id", "label"])
    db.audit.export(folder / "trail.jsonl")


def _archived(db, other, images):
    """Labels of long ago, which the person made and checked, out in an archive."""
    row = db.register_technician(STAFF, NAME)
    old = [db.store_label(image, row, 0.3, notes=f"{HOBBY} old") for image in images[:2]]
    old.append(db.store_label(images[2], other, 0.3, notes=MENTIONS[1]))
    db.verify_label(old[-1], NAME)
    with db._database.store._writer.begin() as conn:
        labels = metadata.tables["labels"]
        conn.execute(labels.update().where(labels.c.id.in_(old)).values(timestamp=LONG_AGO))
    db.archives.create("labels", timedelta(days=365 * 3), compact=False)


def _beside_the_api(db, row, other):
    """What no call writes yet, and what raw SQL wrote."""
    store = db._database.store
    with store.write(db.actor) as tx:
        theirs, colleague = tx.vault.person(tx, STAFF), tx.vault.person(tx, COLLEAGUE)
        login = tx.vault.person(tx, LOGIN)
        sealed = tx.vault.seal(tx, login, HOBBY)

        def add(table, **values):
            found = tx.conn.execute(metadata.tables[table].insert().values(**values))
            return found.inserted_primary_key[0]

        moments = {"created_at": NOW}
        account = add(
            "accounts", username=LOGIN, password_hash=HOBBY, role=HOBBY, technician_id=row,
            last_login=NOW, **moments,
        )  # fmt: skip
        add(
            "sessions", account_id=account, token_hash=HOBBY, last_seen=NOW, expires_at=NOW,
            ip_address=sealed, user_agent=sealed, **moments,
        )  # fmt: skip
        token = {"prefix": "none", "scopes": [], **moments}
        secret = {"name": HOBBY, "token_hash": HOBBY, "prefix": HOBBY[:12], "scopes": [HOBBY]}
        add("api_tokens", account_id=account, **(token | secret))
        other_token = {"name": MENTIONS[0], "token_hash": COLLEAGUE}
        add("api_tokens", account_id=_account(add, other), **(token | other_token))
        attempt = {"username": LOGIN, "timestamp": NOW, "succeeded": False}
        add("login_attempts", ip_address=sealed, **attempt)
        add("job_runs", job="j", slot=NOW, host=f"pc-{LOGIN}", pid=1, fencing_token=1,
            started_at=NOW, error=MENTIONS[2], numbers={"by": NAME})  # fmt: skip
        add("alerts", rule=f"watch {STAFF}", fingerprint="f", severity="high", message=MENTIONS[0],
            details={"who": NAME}, opened_at=NOW, acknowledged_by=LOGIN, acknowledged_at=NOW,
            state="acknowledged")  # fmt: skip
        add("system_metrics", metric_name="m", metric_value=1.0, component=STAFF, timestamp=NOW,
            metric_metadata={"user": LOGIN})  # fmt: skip
        add("data_versions", version="d1", name=f"for {NAME}", description=MENTIONS[1],
            created_by=STAFF, **moments)  # fmt: skip
        add("privacy_requests", kind="erasure", subject_id=theirs, received_at=NOW, due_at=NOW,
            outcome=MENTIONS[2])  # fmt: skip
        add("privacy_holds", kind="hold", subject_id=colleague, ground=MENTIONS[0], placed_at=NOW,
            placed_by=colleague, released_at=NOW, released_by=theirs,
            release_reason=MENTIONS[3])  # fmt: skip
        backup = add("backups", name="b1", place="/b", set_id="b1", kind="manual", taken_at=NOW,
            finished_at=NOW, n_bytes=1, new_bytes=1, manifest_sha256="0" * 64)  # fmt: skip
        add("backup_drills", backup_id=backup, started_at=NOW, passed=False, rto_seconds=1.0,
            details={"problem": MENTIONS[0]})  # fmt: skip
        conn = tx.conn
        images = metadata.tables["images"]
        conn.execute(
            images.update().values(
                acquisition_settings={"operator": MENTIONS[0]},
                instrument=f"SEM of {NAME}",
                detector=f"{LOGIN}'s",
            )
        )
        technicians = metadata.tables["technicians"]
        conn.execute(
            technicians.update()
            .where(technicians.c.id == row)
            .values(last_active=NOW, accuracy_score=0.5)
        )
        specimens = metadata.tables["specimens"]
        conn.execute(specimens.update().values(sfa_details={"measured_by": NAME}))
        revisions = metadata.tables["label_revisions"]
        conn.execute(revisions.update().where(revisions.c.label_id == 1).values(verified_by=NAME))
        event = {"operation": "UPDATE", "table_name": "labels", "timestamp": NOW}
        values = {"old_values": {"note": NAME}, "new_values": {"note": MENTIONS[1]}}
        add("audit_logs", user_id=STAFF, reason=MENTIONS[0], **event, **values)
    db._database.kept_keys.update()  # as every backup does


def _account(add, technician):
    return add("accounts", username="jo", role="labeller", technician_id=technician, created_at=NOW)


def texts(db, place):
    """Every value of a column as text, sealed ones opened."""
    table, _, column = place.partition(".")
    with db._database.store.read() as view:
        found = view.conn.scalars(sa.select(metadata.tables[table].c[column])).all()
        return [str(value) for value in view.vault.unseal(view, found) if value is not None]


def has_trace(values):
    return any(re.search(NEEDLE, value, re.IGNORECASE) for value in values)


def traced_places():
    """Text columns in which the person must have left a trace, by their tags."""
    for table, column, tag in tagged_places():
        kind = metadata.tables[table].c[column].type
        is_text = isinstance(kind, sa.String | sa.JSON) or tag.sealed
        vanishes = tag.identifier or tag.free_text or tag.sealed or tag.action is EraseAction.ERASE
        if tag.personal and is_text and vanishes and table != "erasures":
            yield f"{table}.{column}"
