"""A laboratory whose database somebody works on behind the API's back."""

from __future__ import annotations

import numpy as np
import pytest
import sqlcipher3.dbapi2 as driver


@pytest.fixture
def laboratory(db, draw):
    """Three images, labelled (one label corrected, one verified), predicted, with features."""
    images = [db.store_image(draw(f"{n}.png", seed=n), specimen_id=f"S{n}") for n in range(3)]
    person = db.register_technician("t1", "Ada")
    labels = [db.store_label(image, person, 0.5) for image in images]
    db.update_label(labels[0], label=0.6, reason="misread")
    db.verify_label(labels[1], "t2")
    db.store_prediction(images[0], 1, 0.4, 0.9)
    vectors = np.arange(24, dtype=np.float32).reshape(3, 8)
    db.store_features(images, "cnn", vectors, extractor_version="v1")
    return db


@pytest.fixture
def plant():
    """Plant a defect: run SQL on a database with its constraints off."""
    return _plant


def _plant(db, *statements):
    """Run SQL as somebody would who works around every constraint."""
    engine = db.labels.db.engine
    if engine.dialect.name == "sqlite":
        connection = driver.connect(engine.url.database, isolation_level=None)
        connection.execute("PRAGMA foreign_keys=off")
        connection.execute("PRAGMA ignore_check_constraints=on")
        for statement in statements:
            connection.execute(statement)
        connection.close()
        return
    listing = (
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
    )
    with engine.begin() as conn:
        conn.exec_driver_sql("SET TRANSACTION READ WRITE")
        conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
        checks = conn.exec_driver_sql(listing).all()
        for table, name, _ in checks:
            conn.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for statement in statements:
            conn.exec_driver_sql(statement)
        for table, name, text in checks:
            if conn.exec_driver_sql(f"SELECT to_regclass('{table}')").scalar():
                conn.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {text} NOT VALID")
