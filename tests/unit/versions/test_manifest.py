"""What a version promises is signed, and nothing of it can be changed."""

import json
from dataclasses import replace

import pytest

from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.domain.versions.manifest import (
    FrozenFeatures,
    Manifest,
    read_manifest,
    trusted,
)
from mlmcsc.errors import IntegrityError

CRYPTO = PycaCryptography()
SEED = bytes(range(32))
PUBLIC = CRYPTO.public_key(SEED)
MANIFEST = Manifest(
    database_id="d" * 32,
    version="v1.0",
    created_at="2026-11-23T10:00:00.000000Z",
    root="a" * 64,
    n_rows=3,
    label_policy="latest",
    group_by="specimen",
    stratify=True,
    seed=0,
    ratios=(0.7, 0.15, 0.15),
    label_range=(0.0, 1.0),
    filters={"material": "S355"},
    report={"left_out": {"marked invalid": 1}},
    features=(FrozenFeatures("cnn", "1.0", 512, "float32", 3, "b" * 64),),
)


def signed(manifest=MANIFEST):
    return manifest.signed(lambda message: ("key", PUBLIC, CRYPTO.sign(SEED, message)))


def test_a_signed_manifest_is_read_back_as_it_was_also_through_json():
    document = json.loads(json.dumps(signed()))
    assert trusted(document, PUBLIC, CRYPTO.verify) == MANIFEST


@pytest.mark.parametrize(
    "change",
    [
        {"root": "b" * 64},
        {"version": "v2.0"},
        {"seed": 1},
        {"n_rows": 4},
        {"filters": {}},
        {"ratios": [0.8, 0.1, 0.1]},
        {"report": {"left_out": {}}},
        {"features": []},
    ],
)
def test_a_changed_member_breaks_the_signature(change):
    with pytest.raises(IntegrityError, match="signature"):
        trusted(signed() | change, PUBLIC, CRYPTO.verify)


def test_the_signature_of_another_key_is_not_this_databases():
    other = CRYPTO.public_key(bytes(32))
    with pytest.raises(IntegrityError, match="signature"):
        trusted(signed(), other, CRYPTO.verify)


@pytest.mark.parametrize("document", [None, {}, [], "x", {"signature": {}}, signed() | {"more": 1}])
def test_what_is_no_manifest_is_refused(document):
    with pytest.raises(IntegrityError, match="not the manifest"):
        read_manifest(document)


def test_a_manifest_of_a_later_format_says_which():
    with pytest.raises(IntegrityError, match="mlmcsc-dataset-9"):
        read_manifest(signed(replace(MANIFEST, format="mlmcsc-dataset-9")))
