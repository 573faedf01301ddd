"""The worked example of docs/explanation/audit-proof.md is what the program computes."""

import re
from pathlib import Path

import pytest

from mlmcsc.adapters.crypto import PycaCryptography
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
