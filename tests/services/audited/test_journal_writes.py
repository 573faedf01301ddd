"""What is left to be done after a commit is noted, and struck out, with an event."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("storage", ["in_place", "managed"])
def test_files_of_images_that_expired_are_removed_with_an_event(lab, witness, storage):
    image = lab.db.store_image(lab.draw("old.png", seed=9), storage=storage)
    lab.db.images.thumbnail(image)
    with lab.db._database.store._writer.begin() as conn:
        conn.exec_driver_sql(
            f"UPDATE images SET created_at = '2010-01-01 00:00:00' WHERE id = {image}"
        )
    witness.watch(lab.db._database.store)
    assert lab.db.retention.apply(["images"]).files_removed > 0
    assert witness.gaps() == []
    journal = [w for w in witness.written if w.table.startswith("settings.retention_files_")]
    assert [w.operation for w in journal] == ["INSERT", "DELETE"]
