"""The worked example of docs/explanation/audit-proof.md is what the program computes."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.adapters.evidence import verify_evidence
from mlmcsc.domain.audit.checkpoint import key_id_of, note_text
from mlmcsc.domain.audit.commitments import leaf, payload_commit, who_commit
from mlmcsc.domain.audit.merkle import ProvingTree, consistency_holds, inclusion_holds

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "audit-proof.md"
RFC_8032_TEST_1 = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"


@pytest.fixture(scope="module")
def page():
    """The names that the page's example leaves behind; its own assertions hold."""
    code = re.search(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names = {}
    exec(compile(code[1], str(PAGE), "exec"), names)  # noqa: S102  # our own page
    return names


def test_commitments_and_leaves_are_those_of_the_program(page):
    for n, (fields, who, payload) in enumerate(page["events"]):
        salts = bytes(range(32 * n, 32 * n + 32))
        about_who = who_commit(salts[:16], *who)
        about_payload = payload_commit(salts[16:], *payload)

        assert page["found"][n] == (
            about_who,
            about_payload,
            leaf(*fields, about_who, about_payload),
        )


def test_the_tree_and_its_proofs_are_those_of_the_program(page):
    leaves, root = page["leaves"], page["root"]
    tree = ProvingTree(b"".join(leaves))

    assert tree.root() == root
    assert tree.inclusion(1) == page["inclusion_of_the_correction"]
    assert tree.consistency(2) == page["consistency_from_two_to_three"]
    assert inclusion_holds(leaves[1], 1, 3, page["inclusion_of_the_correction"], root)
    older = page["first_two"]
    assert consistency_holds(2, older, 3, root, page["consistency_from_two_to_three"])


def test_the_checkpoint_is_signed_as_the_program_signs(page):
    crypto, seed = PycaCryptography(), bytes.fromhex(RFC_8032_TEST_1)
    origin = "mlmcsc/00112233445566778899aabbccddeeff"
    note = note_text(origin, 3, page["root"].hex(), "2026-11-23T16:00:00.000000Z")

    assert page["note"] == note
    assert crypto.public_key(seed).hex() == page["public_key"]
    assert crypto.sign(seed, note.encode()).hex() == page["signature"]
    assert key_id_of(crypto.public_key(seed)) in PAGE.read_text("utf-8")


FILES = ("checkpoint.json", "subject.json", "events.jsonl", "consistency.jsonl")


@pytest.fixture(scope="module")
def examples():
    """The page's example of each file of a bundle."""
    blocks = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return dict(zip(FILES, map(json.loads, blocks), strict=True))


def test_the_examples_of_a_bundles_files_are_together_a_bundle_that_holds(examples, tmp_path):
    for name, document in examples.items():
        (tmp_path / name).write_text(json.dumps(document, ensure_ascii=False) + "\n", "utf-8")
    (tmp_path / "README.txt").write_text("Evidence: specimen SPEC_001\n", "utf-8")
    assert verify_evidence.main([str(tmp_path)]) == 0


def test_the_example_of_consistency_is_that_of_the_worked_example(page, examples):
    line = examples["consistency.jsonl"]
    assert bytes.fromhex(line["root_hash"]) == page["first_two"]
    assert [bytes.fromhex(each) for each in line["path"]] == page["consistency_from_two_to_three"]


@pytest.mark.parametrize(
    "about", [{"table": "labels", "ids": [6]}, {"table": "images", "ids": [5]}]
)
def test_an_event_about_other_rows_than_subject_json_says_is_refused(examples, about):
    event = examples["events.jsonl"]
    with pytest.raises(verify_evidence.ChangedError, match="other rows"):
        verify_evidence.check_event(event, examples["checkpoint.json"], about)


def test_a_real_bundle_has_the_fields_of_the_examples(sqlite_url, examples, tmp_path):
    with DatabaseManager(sqlite_url) as db:
        db.register_specimen("S1")
        db.audit_proof.checkpoint()
        db.specimens.update("S1", heat="H")
        db.audit_proof.evidence("specimen", "S1", tmp_path / "S1.zip", who=True)
    with zipfile.ZipFile(tmp_path / "S1.zip") as bundle:
        made = {name: bundle.read(name).decode() for name in FILES}
    for name, text in made.items():
        whole = text.splitlines()[0] if name.endswith("l") else text
        assert shape(json.loads(whole)) == shape(examples[name]), name


def shape(document):
    """The names in a JSON document, in their order; of a list that of the first."""
    match document:
        case dict():
            return {name: shape(value) for name, value in document.items()}
        case [first, *_]:
            return [shape(first)]
    return None if not isinstance(document, list) else []
