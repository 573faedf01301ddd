"""Facts of images read as joined texts are those read row by row."""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.store.queries import image_facts

TEXTS = ["/a", "/b\x1f", "\x1e", "/ü'\n,", "/e", "/f"]


@pytest.fixture
def db(sqlite_template, tmp_path):
    place = tmp_path / "lab.db"
    place.write_bytes(sqlite_template.read_bytes())
    with DatabaseManager(f"sqlite:///{place}") as manager:
        yield manager


@pytest.mark.parametrize("texts", [TEXTS, ["/a", "/b", "/c"], ["/a", "\x1e", "/c"]])
def test_whatever_the_paths_contain(db, texts):
    wide, scores = [None, 640], [0.5, None, 0.25]
    with db._database.store._writer.begin() as conn:
        for at, text in enumerate(texts):
            values = (at + 1, text, wide[at % 2], None if at % 2 else f"{at:064x}", scores[at % 3])
            conn.exec_driver_sql(
                "INSERT INTO images (id, path, filename, timestamp, width, content_hash, "
                "quality_score) VALUES (?, ?, 'a', '2026-01-01 00:00:00.000000', ?, ?, ?)",
                values,
            )
    with db._database.store.read() as view:
        found = image_facts.image_facts(view, np.arange(1, len(texts) + 1))
    assert found.paths == texts
    assert found.widths == [wide[at % 2] for at in range(len(texts))]
    assert found.hashes == [None if at % 2 else f"{at:064x}" for at in range(len(texts))]
    assert found.specimens == [None] * len(texts)
    known = [s for at in range(len(texts)) if (s := scores[at % 3]) is not None]
    assert (found.quality_sum, found.quality_count) == (sum(known), len(known))
