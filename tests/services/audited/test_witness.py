"""The witness itself: it would notice."""

from __future__ import annotations

from contextlib import suppress


def test_the_witness_sees_what_goes_straight_to_the_driver_without_an_event(lab, witness):
    store = lab.db._database.store
    witness.watch(store)
    with store.write(lab.db.actor) as tx:
        tx.dialect.execute(tx.conn, "UPDATE labels SET label = ? WHERE id = ?", (0.9, 1))
    assert witness.gaps() == ["UPDATE labels 1 ['label']: no event"]


def test_the_witness_forgets_what_is_rolled_back(lab, witness):
    store = lab.db._database.store
    witness.watch(store)
    with suppress(RuntimeError), store.write(lab.db.actor) as tx:
        tx.dialect.execute(tx.conn, "DELETE FROM labels WHERE id = ?", (1,))
        raise RuntimeError
    lab.db.labels.verify(1, "chief")
    assert witness.written
    assert "DELETE" not in {w.operation for w in witness.written}
    assert witness.gaps() == []
