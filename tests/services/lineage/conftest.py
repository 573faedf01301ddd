"""A small laboratory whose versions, models and labels are known to the last row."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.versions.rows import State
from mlmcsc.store.models import data_versions, version_tags

PRESENT = {"label": 0.5, "label_ids": [], "technician_ids": [], "state": State.PRESENT}


@pytest.fixture
def freeze(db, url, tmp_path):
    """Write a version's rows as layers, and its row in `data_versions`."""
    import pyarrow as pa

    from mlmcsc.adapters.versions import row_schema

    folder = db._database.versions
    folder = folder if folder._root else type(folder)(tmp_path / "versions")
    db.lineage = type(db.lineage)(db.lineage.db, db.lineage.actor, folder)

    def make(version, rows, *below, tag=None, root="ab" * 32):
        schema = row_schema()
        filled = [dict.fromkeys(schema.names) | PRESENT | {"path": "p"} | row for row in rows]
        with folder.locked():
            layer = folder.write([pa.RecordBatch.from_pylist(filled, schema=schema)])
        layers = [*below, layer.to_dict()]
        with db._database.store._writer.begin() as conn:
            made = conn.execute(
                data_versions.insert().values(
                    version=version,
                    name=f"the data {version}",
                    created_at=db._database.store.clock(),
                    root=root,
                    layers=layers,
                    manifest={"label_policy": "latest", "seed": 7},
                    n_redacted=0,
                )
            )
            if tag is not None:
                conn.execute(
                    sa.insert(version_tags).values(
                        tag=tag,
                        version_id=made.inserted_primary_key[0],
                        created_at=db._database.store.clock(),
                    )
                )
        return layers

    return make


@pytest.fixture
def delete(db):
    """Remove a version's row, and tell it in the audit trail as `versions.delete` does."""

    def gone(version):
        c = data_versions.c
        with db._database.store.write(db.actor) as tx:
            row = tx.conn.execute(sa.select(c.id, c.root).where(c.version == version)).one()
            tx.conn.execute(sa.delete(data_versions).where(c.id == row.id))
            old = {"version": version, "root": row.root}
            tx.record(
                AuditEvent(
                    Operation.DELETE, "data_versions", row.id, old_values=old, digest=row.root
                )
            )

    return gone


@pytest.fixture
def lab(db, freeze, images_of):
    """Four images of two specimens, labelled by two people; v1 with all, v2 without the last.

    t1 confirmed the first two labels in sight of the predictions of `net-0`, corrected a third one
    of them (its split is val), and made the last unaided.
    """
    images = [*images_of(2, "S1"), *images_of(2, "S2")]
    one, two = (db.register_technician(staff, "Jo Lund") for staff in ("t1", "t2"))
    db.models.register("net-0", "net", "/m0")
    seen = {"model_version_used": "net-0", "original_prediction": 0.5}
    labels = [
        db.store_label(images[0], one, 0.5, label_type="confirmed", **seen),
        db.store_label(images[1], one, 0.5, label_type="confirmed", **seen),
        db.store_label(images[2], two, 0.6, label_type="corrected", **seen),
        db.store_label(images[3], one, 0.9),
    ]
    who = [one, one, two, one]
    rows = [
        {
            "image_id": image,
            "specimen_id": "S1" if at < 2 else "S2",
            "split": [0, 0, 1, 0][at],
            "label": [0.5, 0.5, 0.6, 0.9][at],
            "label_ids": [labels[at]],
            "technician_ids": [who[at]],
        }
        for at, image in enumerate(images)
    ]
    base = freeze("v1", rows, tag="best")
    gone = {"image_id": images[3], "state": State.GONE, "split": 0}
    freeze("v2", [gone], *base, root="cd" * 32)
    db.models.register("net-1", "net", "/m1", training_data_version="best")
    db.models.register("net-2", "net", "/m2", training_data_version="v2")
    db.lab = type("Lab", (), {"images": images, "people": (one, two), "labels": labels})
    return db
