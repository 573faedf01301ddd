"""A damaged backup never touches live data, whatever is wrong with it."""

from __future__ import annotations

import itertools
import shutil

import orjson
import pytest

from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.domain.audit.checkpoint import key_id_of
from mlmcsc.domain.backups.manifest import read_manifest
from mlmcsc.errors import IntegrityError, MlmcscError, UnknownRecordError


def damages(place):
    """Each way in which each file of a place can be wrong: a name, and a function that does it."""
    files = sorted(p for p in place.rglob("*") if p.is_file() and p.stat().st_size > 0)
    for path in files:
        size = path.stat().st_size
        for at in {0, size // 2, size - 1}:
            yield f"{path.name} bit at {at}", lambda p=path, at=at: _flip(p, at)
        yield f"{path.name} cut", lambda p=path, n=size: p.write_bytes(p.read_bytes()[: n - 1])
        yield f"{path.name} longer", lambda p=path: p.write_bytes(p.read_bytes() + b"\n\0")
        yield f"{path.name} gone", lambda p=path: p.unlink()
    for one, other in itertools.pairwise(files):
        yield f"{one.name} and {other.name} swapped", lambda a=one, b=other: _swap(a, b)


def _flip(path, at):
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


def _swap(one, other):
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


@pytest.mark.parametrize("encrypt", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_damage_is_found_before_anything_is_touched(filled, encrypt):
    if encrypt:
        shutil.rmtree(filled.place)
        with filled.open() as db:
            db.backups.create("b1", to=filled.place, encrypt=True, with_images=True)
    with filled.open() as db:
        db.get_labels()
    whole = filled.folder / "whole"
    filled.place.rename(whole)
    shutil.copytree(whole, filled.place)
    shutil.rmtree(filled.place / "leases", ignore_errors=True)
    before = filled.everything()
    count, missed = 0, []
    for told, damage in list(damages(filled.place)):
        damage()
        try:
            filled.restore()
        except (IntegrityError, UnknownRecordError):
            pass
        except MlmcscError as error:
            missed.append(f"{told}: {type(error).__name__} {error}")
        else:
            missed.append(f"{told}: restored")
        if filled.everything() != before:
            missed.append(f"{told}: something live was changed")
            break
        shutil.rmtree(filled.place)
        shutil.copytree(whole, filled.place)
        shutil.rmtree(filled.place / "leases", ignore_errors=True)
        count += 1
    assert not missed
    assert count > 50


def test_a_forged_set_is_refused_though_it_is_whole(filled):
    """Whoever can write to the place can sign with a key of their own."""
    crypto = PycaCryptography()
    path = filled.place / "b1" / "manifest.json"
    manifest, _ = read_manifest(path.read_bytes(), "b1", crypto.verify)
    seed = b"f" * 32
    public = crypto.public_key(seed)
    path.write_bytes(manifest.signed(lambda m: (key_id_of(public), public, crypto.sign(seed, m))))
    before = filled.everything()
    with pytest.raises(IntegrityError, match="may be forged"):
        filled.restore()
    assert filled.everything() == before
    for file in filled.keys.glob("*.datakeys.json"):
        document = orjson.loads(file.read_bytes())
        assert document["public_key"] != public.hex()
        file.unlink()
    filled.file.unlink()
    with pytest.raises(IntegrityError, match="not signed by the database in it"):
        filled.restore(without_names=True, without_ledger="there never was one")
    assert not filled.file.exists()


def test_an_encrypted_set_without_its_key_is_refused_before_anything_is_touched(filled):
    with filled.open() as db:
        db.backups.create("b2", to=filled.place, encrypt=True)
    for key in filled.keys.glob("*.key"):
        key.rename(filled.folder / "key-elsewhere")
    before = filled.everything()
    with pytest.raises(MlmcscError, match="key"):
        filled.restore("b2")
    assert filled.everything() == before
