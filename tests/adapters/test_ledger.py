"""The erasure ledger: a signed chain, written whole or not at all."""

from __future__ import annotations

import hashlib
import hmac

import orjson
import pytest

from mlmcsc.adapters.ledger import NOTHING_BEFORE, ErasureLedger
from mlmcsc.domain.privacy.erased import LedgerEntry
from mlmcsc.errors import IntegrityError, StoreError


def sign(message):
    return hmac.digest(b"key", message, "sha256")


def verify(message, signature):
    return hmac.compare_digest(sign(message), signature)


def entry(number):
    return LedgerEntry("db", f"p{number}", number, "keep", "2026-11-23T12:00:00.000000Z")


@pytest.fixture
def ledger(tmp_path):
    return ErasureLedger(tmp_path / "keys" / "db.erasures.jsonl")


def test_entries_come_back_in_order_and_each_follows_the_one_before(ledger):
    sums = [ledger.append(entry(n), sign, verify) for n in range(3)]
    assert ledger.entries(verify) == [entry(n) for n in range(3)]
    lines = ledger.path.read_bytes().splitlines()
    assert [hashlib.sha256(line).hexdigest() for line in lines] == sums
    before = [orjson.loads(line)["previous"] for line in lines]
    assert before == [NOTHING_BEFORE, *sums[:-1]]


def test_a_person_is_in_it_once(ledger):
    assert ledger.append(entry(1), sign, verify) == ledger.append(entry(1), sign, verify)
    assert len(ledger.entries(verify)) == 1


def test_a_line_without_its_end_never_counted(ledger):
    ledger.append(entry(1), sign, verify)
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole + whole[:-5])
    assert len(ledger.entries(verify)) == 1
    ledger.append(entry(2), sign, verify)
    assert ledger.entries(verify) == [entry(1), entry(2)]


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"null", b'{"signature":7}', b"\xff"])
def test_anything_else_is_refused_and_left_as_it_is(ledger, line):
    ledger.append(entry(1), sign, verify)
    harmed = ledger.path.read_bytes() + line + b"\n"
    ledger.path.write_bytes(harmed)
    with pytest.raises(IntegrityError, match="Line 2 of the erasure ledger"):
        ledger.append(entry(2), sign, verify)
    assert ledger.path.read_bytes() == harmed


def test_an_unreadable_place_is_told(ledger):
    ledger.path.mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be used"):
        ledger.entries(verify)


def test_a_database_in_memory_has_none():
    nowhere = ErasureLedger(None)
    assert nowhere.append(entry(1), sign, verify) == NOTHING_BEFORE
    assert nowhere.entries(verify) == []
