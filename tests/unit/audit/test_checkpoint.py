"""A checkpoint's JSON is read strictly: what was signed has one form only."""

from __future__ import annotations

import json

import pytest

from mlmcsc.domain.audit.checkpoint import Checkpoint, key_id_of, parse_checkpoint
from mlmcsc.errors import ValidationError

KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
GOOD = {
    "origin": "mlmcsc/" + "0" * 32,
    "tree_size": 7,
    "root_hash": "ab" * 32,
    "timestamp": "2026-11-23T15:00:00.123456Z",
    "key_id": key_id_of(bytes.fromhex(KEY)),
    "public_key": KEY,
    "signature": "00" * 64,
}


def test_it_comes_back_as_it_was_written():
    checkpoint = parse_checkpoint(json.dumps(GOOD))

    assert checkpoint == Checkpoint(**GOOD)
    assert checkpoint.to_dict() == GOOD


def test_the_signed_text_has_five_lines():
    assert parse_checkpoint(json.dumps(GOOD)).text() == (
        f"mlmcsc-checkpoint-1\n{GOOD['origin']}\n7\n{GOOD['root_hash']}\n{GOOD['timestamp']}\n"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "mlmcsc/x\n7"},
        {"origin": "other/" + "0" * 32},
        {"tree_size": 0},
        {"tree_size": True},
        {"tree_size": 7.0},
        {"tree_size": "7"},
        {"tree_size": 2**63},
        {"root_hash": "AB" * 32},
        {"root_hash": "ab" * 31},
        {"timestamp": "2026-11-23 15:00:00.123456Z"},
        {"timestamp": "2026-11-23T15:00:00Z"},
        {"key_id": "0" * 16},
        {"public_key": None},
        {"signature": "00" * 63},
        {"more": 1},
    ],
)
def test_a_malformed_field_is_refused(change):
    with pytest.raises(ValidationError, match="not a checkpoint"):
        parse_checkpoint(json.dumps(GOOD | change))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 4000,
        "{" + "".join(f'"{k}": {json.dumps(v)}, ' for k, v in GOOD.items()) + '"tree_size": 8}',
        json.dumps({k: v for k, v in GOOD.items() if k != "signature"}),
        json.dumps(GOOD) + " " * 5000,
    ],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(ValidationError, match="not a checkpoint"):
        parse_checkpoint(text)
