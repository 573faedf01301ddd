"""`audit verify|checkpoint|prove` and evidence: exit codes are the verdict."""

from __future__ import annotations

import json

import pytest
import sqlcipher3.dbapi2 as driver

from mlmcsc.adapters.evidence import verify_evidence


@pytest.fixture
def kept(labelled, tmp_path):
    """A checkpoint outside the database."""
    file = tmp_path / "kept.json"
    assert labelled("audit", "checkpoint", "--output", file).code == 0
    return file


def test_without_a_checkpoint_the_exit_code_says_that_nobody_can_tell(labelled):
    ran = labelled("audit", "verify")

    assert ran.code == 2
    assert "cannot tell" in ran.out
    assert "audit checkpoint --output FILE" in ran.err


def test_an_intact_trail_exits_with_0(labelled, kept):
    ran = labelled("audit", "verify", "--checkpoint", kept)

    assert ran.code == 0
    assert "intact" in ran.out
    assert labelled("--json", "audit", "verify").json["verdict"] == "intact"


def test_a_tampered_trail_exits_with_1_and_names_the_event(labelled, kept, sqlite_url):
    connection = driver.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("DROP TRIGGER audit_logs_no_update")
    connection.execute("UPDATE audit_logs SET user_id = 'eve' WHERE id = 3")
    connection.close()
    ran = labelled("audit", "verify", "--checkpoint", kept)

    assert ran.code == 1
    assert "tampered" in ran.out
    assert "user_id" in ran.out


def test_a_file_that_is_no_checkpoint_is_wrong_usage(labelled, kept, tmp_path):
    (tmp_path / "other.json").write_text("{}")
    ran = labelled("audit", "verify", "--checkpoint", tmp_path / "other.json")

    assert ran.code == 2
    assert "not a checkpoint" in ran.err
    assert "Traceback" not in ran.err


def test_proofs_are_printed_and_small(labelled, kept):
    size = json.loads(kept.read_text())["tree_size"]
    proof = labelled("--json", "audit", "prove", 1)

    assert proof.json["checkpoint"] == json.loads(kept.read_text())
    assert len(proof.out) <= 3072
    assert labelled("--json", "audit", "prove", "--since-size", size).json["old_size"] == size
    assert "path to the root" in labelled("audit", "prove", 1).out
    assert labelled("audit", "prove", 999).code == 1
    assert labelled("audit", "prove").code == 2


def test_evidence_is_written_and_holds(labelled, tmp_path):
    file = tmp_path / "evidence.zip"
    ran = labelled("audit", "export", file, "--evidence", "--specimen", "SPEC_001")

    assert ran.code == 0
    assert "SHA-256" in ran.out
    assert verify_evidence.main([str(file)]) == 0


@pytest.mark.parametrize("named", [[], ["--specimen", "a", "--model", "b"]])
def test_evidence_is_of_one_record(labelled, tmp_path, named):
    ran = labelled("audit", "export", tmp_path / "x.zip", "--evidence", *named)

    assert ran.code == 2
    assert "name one of" in ran.err


def test_without_a_checkpoint_from_outside_the_verdict_says_what_it_cannot_exclude(labelled, kept):
    alone, with_it = (
        " ".join(labelled("audit", "verify", *more).out.split())
        for more in ((), ("--checkpoint", kept))
    )

    assert "rewritten since a checkpoint outside cannot be excluded" in alone
    assert "cannot be excluded" not in with_it


def test_a_changed_event_is_marked_where_it_is_shown_and_not_proven(labelled, kept, sqlite_url):
    connection = driver.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("DROP TRIGGER audit_logs_no_update")
    connection.execute("UPDATE audit_logs SET user_id = 'eve' WHERE id = 3")
    connection.close()

    assert "CHANGED" in labelled("audit", "show", "3").err
    assert labelled("audit", "prove", "3").code == 3


def test_the_database_is_never_overwritten_by_its_checkpoint(labelled, sqlite_url):
    for more in ((), ("--overwrite",)):
        ran = labelled(
            "audit", "checkpoint", "--output", sqlite_url.removeprefix("sqlite:///"), *more
        )
        assert ran.code != 0
        assert "overwrit" in ran.err
    assert labelled("audit", "list").code == 0


def test_a_database_whose_id_is_damaged_is_called_tampered_with(labelled, kept, sqlite_url):
    connection = driver.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("UPDATE settings SET value = '{bad' WHERE key = 'database_id'")
    connection.close()
    ran = labelled("audit", "verify", "--checkpoint", kept)

    assert ran.code == 1
    assert "tampered" in ran.out
    assert "'database_id'" in ran.out
    told = labelled("--json", "audit", "verify").json
    assert told["verdict"] == "tampered"
