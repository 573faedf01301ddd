"""The worked example of docs/explanation/dataset-versions.md is what the program computes."""

import re
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pytest

from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.adapters.versions import leaves, root_of, row_schema
from mlmcsc.domain.versions.layers import MOST_LAYERS, REBASE_SHARE
from mlmcsc.domain.versions.manifest import Manifest
from mlmcsc.domain.versions.rows import SALT_BYTES, FrozenRow, State, leaf

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "dataset-versions.md"
RFC_8032_TEST_1 = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
REDACTED = ("label", "label_ids", "technician_ids", "annotation", "salt")


@pytest.fixture(scope="module")
def page():
    """The names that the page's example leaves behind; its own assertions hold."""
    code = re.search(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names = {}
    exec(compile(code[1], str(PAGE), "exec"), names)  # noqa: S102  # our own page
    return names


def stored(page, redacted=()):
    """The example's rows as a version's file holds them; those of `redacted` images redacted."""
    rows = []
    for salt, leaf_, row in zip(page["salts"], page["leaves"], page["rows"], strict=True):
        whole = row | {"state": State.PRESENT, "salt": salt, "leaf": None}
        gone = dict.fromkeys(REDACTED) | {"state": State.REDACTED, "leaf": leaf_}
        rows.append(whole | gone if row["image_id"] in redacted else whole)
    return pa.RecordBatch.from_pylist(rows, row_schema())


def test_the_leaves_are_those_of_the_program_row_by_row_and_at_once(page):
    one_by_one = [
        leaf(salt, FrozenRow(**row)) for salt, row in zip(page["salts"], page["rows"], strict=True)
    ]
    assert page["leaves"] == one_by_one == leaves(stored(page))
    assert {len(salt) for salt in page["salts"]} == {SALT_BYTES}


def test_the_root_is_that_of_the_program_and_survives_redaction(page):
    assert root_of([stored(page)]) == (page["root"].hex(), 3, 0)
    assert root_of([stored(page, redacted=(1, 2))]) == (page["root"].hex(), 3, 2)


def test_the_manifest_is_signed_as_the_program_signs(page):
    crypto, seed = PycaCryptography(), bytes.fromhex(RFC_8032_TEST_1)
    document = page["manifest"]
    manifest = Manifest(
        **document | {name: tuple(document[name]) for name in ("ratios", "label_range", "features")}
    )

    assert set(document) == {field.name for field in fields(Manifest)}
    assert page["message"] == manifest.message()
    assert crypto.public_key(seed).hex() == page["public_key"]
    assert crypto.sign(seed, manifest.message()).hex() == page["signature"]


def test_the_table_of_columns_is_the_schema():
    text = PAGE.read_text("utf-8")
    named = [
        name
        for line in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", text, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", line)
    ]
    assert named == row_schema().names


def test_the_limits_of_layers_are_those_of_the_program():
    text = PAGE.read_text("utf-8")
    assert REBASE_SHARE == 1 / 5
    assert "more than a fifth of the base" in text
    assert f"{MOST_LAYERS} files" in text
