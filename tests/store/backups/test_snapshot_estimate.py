"""Whether there is room enough is known before a snapshot is begun."""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc.store.backups.estimating import estimated_bytes
from mlmcsc.store.backups.snapshot import take


@pytest.fixture
def tools(request):
    is_server = "postgresql" in request.node.callspec.id
    return request.getfixturevalue("postgres_programs") if is_server else None


def test_no_more_is_written_than_was_estimated_and_not_much_less(db, draw, tools, tmp_path):
    image = db.store_image(draw("a.png"))
    for number in range(200):
        vector = np.random.default_rng(number).random(2048, dtype=np.float32)
        db.store_features(image, f"cnn {number}", vector, "v1")
    store = db._database.store
    with store.read() as view:
        estimated = estimated_bytes(view)
    (tmp_path / "set").mkdir()
    found = take(store, tmp_path / "set", tools=tools)
    written = sum((tmp_path / "set" / name).stat().st_size for name in found.files)
    assert written <= estimated < 4 * written
