"""What is new, changed or gone between two versions, against plain Python."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.adapters.versions import row_schema
from mlmcsc.adapters.versions.building import batch_of, salted
from mlmcsc.adapters.versions.comparing import Tally, changes
from mlmcsc.adapters.versions.merging import merged
from mlmcsc.domain.versions.rows import State

text = st.none() | st.sampled_from(["a", "b"])
row = st.tuples(
    st.sampled_from([0.0, 0.25, 1.0]),
    text,
    st.none() | st.integers(1, 2),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
)
version = st.dictionaries(st.integers(1, 12), row, max_size=8)


def batches(version, size):
    """Batches of `size` rows without salts."""
    ids = sorted(version)
    for start in range(0, len(ids), size):
        part = [(i, *version[i]) for i in ids[start : start + size]]
        image_ids, labels, annotations, widths, votes = zip(*part, strict=True)
        flat = [each for some in votes for each in some]
        offsets = np.cumsum([0, *(len(some) for some in votes)])
        columns = {
            "image_id": np.array(image_ids),
            "content_hash": [None] * len(part),
            "path": [f"/{i}" for i in image_ids],
            "specimen_id": annotations,
            "width": widths,
            "height": widths,
            "label": labels,
            "split": [0] * len(part),
            "label_ids": flat,
            "technician_ids": flat,
            "annotation": annotations,
            "detection": annotations,
        }
        yield batch_of(columns, offsets)


def table(parts):
    return pa.Table.from_batches(parts, row_schema())


@settings(deadline=None)
@given(version, version, st.integers(1, 4), st.integers(1, 4))
def test_the_patch_makes_the_new_rows_of_the_old_ones(old, new, size, other_size):
    base = [salted(batch) for batch in batches(old, size)]
    tally = Tally()
    patch = list(changes(batches(new, other_size), base, tally))
    told = {r["image_id"]: r["state"] for batch in patch for r in batch.to_pylist()}
    changed = {i for i in new.keys() & old.keys() if new[i] != old[i]}
    gone = old.keys() - new.keys()
    expected = dict.fromkeys(changed | new.keys() - old.keys(), State.PRESENT)
    assert told == expected | dict.fromkeys(gone, State.GONE)
    counts = (tally.new, tally.changed, tally.gone, tally.same)
    assert counts == (
        len(new.keys() - old.keys()),
        len(changed),
        len(gone),
        len(new.keys() & old.keys()) - len(changed),
    )
    rows = table(merged([base, patch], row_schema())).to_pylist()
    content = table(batches(new, 4)).drop_columns(["salt", "leaf"]).to_pylist()
    assert [{k: v for k, v in r.items() if k not in {"salt", "leaf"}} for r in rows] == content
    salts = {r["image_id"]: r["salt"] for batch in base for r in batch.to_pylist()}
    assert all((r["salt"] == salts.get(r["image_id"])) != (r["image_id"] in told) for r in rows)


def test_a_redacted_row_counts_as_changed():
    (batch,) = batches({1: (0.5, None, None, [1])}, 4)
    redacted = salted(batch).to_pylist()[0] | {"state": State.REDACTED, "salt": None}
    old = pa.RecordBatch.from_pylist([redacted], row_schema())
    tally = Tally()
    (patch,) = changes([batch], [old], tally)
    assert (tally.changed, patch.column("state").to_pylist()) == (1, [State.PRESENT])


def test_every_row_has_a_salt_of_its_own_and_its_leaf_is_not_stored():
    made = [salted(b) for b in batches({i: (0.5, "a", None, [1]) for i in range(1, 11)}, 4)]
    rows = table(made).to_pylist()
    assert len({r["salt"] for r in rows}) == 10
    assert {r["leaf"] for r in rows} == {None}
