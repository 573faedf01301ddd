"""PyTorch's loaders and many servers fork: parent and child must not share a connection."""

import os

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_and_its_parent_can_both_write(db, draw):
    image = db.store_image(draw("a.png"))
    technician = db.register_technician("t1", "One")
    child = os.fork()
    if child == 0:
        try:
            for _ in range(20):
                db.store_label(image, technician, 0.25)
        except BaseException:  # noqa: BLE001  # the child must not run pytest's own code
            os._exit(1)
        os._exit(0)
    for _ in range(20):
        db.store_label(image, technician, 0.75)
    _, status = os.waitpid(child, 0)
    assert status == 0
    values = [label.label for label in db.get_labels(limit=1000)]
    assert (values.count(0.25), values.count(0.75)) == (20, 20)
