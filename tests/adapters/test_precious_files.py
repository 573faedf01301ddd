"""Exports replace exports; databases, keys, ledgers and proofs stay."""

from __future__ import annotations

import secrets

import pytest

from mlmcsc.adapters.certificates import check_place
from mlmcsc.adapters.exported_files import exporting
from mlmcsc.adapters.precious_files import refuse_precious
from mlmcsc.adapters.tabular import draft
from mlmcsc.errors import ConflictError, ValidationError

PRECIOUS = {
    "database": b"SQLite format 3\0" + bytes(100),
    "encrypted database": secrets.token_bytes(2000) + b"\0" + secrets.token_bytes(2000),
    "key file": b'{"format": "mlmcsc-keys-1", "current": "a"}',
    "ledger": b'{"format":"mlmcsc-erasure-1","subject_id":"p1"}\n',
    "certificate": b'{"format": "mlmcsc-erasure-certificate-1"}',
    "checkpoint": b'{"origin": "mlmcsc/' + b"0" * 32 + b'"}',
}


@pytest.mark.parametrize("content", PRECIOUS.values(), ids=PRECIOUS)
def test_what_cannot_be_had_back_is_never_replaced(tmp_path, content):
    target = tmp_path / "file"
    target.write_bytes(content)
    with pytest.raises(ConflictError), exporting(target, overwrite=True) as made:
        made.path.write_text("x")
    with pytest.raises(ConflictError), draft(target) as other:
        other.publish()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert target.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK\x03\x04\0\0", b"PAR1\0", b"{}\n"])
def test_an_earlier_export_is_replaced_on_demand(tmp_path, content):
    target = tmp_path / "file"
    target.write_bytes(content)
    with exporting(target, overwrite=True) as made:
        made.path.write_text("x")
    assert target.read_text() == "x"


@pytest.mark.parametrize("name", ["lab.db-wal", "lab.db-shm", "lab.db-journal", "lab.db.cache/x/y"])
def test_a_databases_own_places_are_refused_even_when_nothing_is_there(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    refuse_precious(tmp_path / name)  # without the database it is a name like any other
    (tmp_path / "lab.db").touch()
    with pytest.raises(ValidationError, match="database beside it"):
        refuse_precious(tmp_path / name)
    with pytest.raises(ValidationError, match="database beside it"):
        check_place(tmp_path / name, None)


def test_a_ledger_of_one_line_is_no_earlier_certificate(tmp_path):
    (tmp_path / "ledger").write_bytes(PRECIOUS["ledger"])
    with pytest.raises(ValidationError, match="exists"):
        check_place(tmp_path / "ledger", "p1")
