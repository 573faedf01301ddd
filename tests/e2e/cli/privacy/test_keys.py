"""`mlmcsc privacy keys`, `rotate-key` and `seal`, and life without the master key."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest


@pytest.fixture
def staffed(mlmcsc, draw):
    mlmcsc("technician", "register", "tech_001", "--name", "John Doe")
    mlmcsc("images", "add", draw("one.png"))
    mlmcsc("labels", "add", "1", "0.5", "--technician", "tech_001", "--notes", "a note")
    return mlmcsc


def test_a_new_key_takes_over_and_the_old_is_kept(staffed):
    ran = staffed("--json", "privacy", "rotate-key")
    assert ran.code == 0, ran.err
    assert len(ran.json["retired"]) == 1
    assert "John Doe" in staffed("technician", "list").out
    assert staffed("privacy", "report").code == 0


def test_the_keys_are_shown_by_their_ids(staffed):
    first = staffed("--json", "privacy", "keys").json
    staffed("privacy", "rotate-key")
    ran = staffed("--json", "privacy", "keys")
    assert ran.code == 0
    assert ran.json["retired"] == [first["current"]]
    assert (ran.json["older"], ran.json["missing"], ran.json["unfinished"]) == (0, [], False)
    shown = "".join(staffed("privacy", "keys").out.split())  # long paths fold
    assert all(each in shown for each in (first["place"], first["current"], ran.json["current"]))
    key = json.loads(Path(first["place"]).read_text("utf-8"))
    assert not any(secret in shown for secret in _strings(key) if len(secret) > 16)


def _strings(document):
    """Every text in a JSON document."""
    if isinstance(document, str):
        return [document]
    inner = document.values() if isinstance(document, dict) else document
    return (
        [t for each in inner for t in _strings(each)] if isinstance(document, dict | list) else []
    )


def test_a_missing_key_is_exit_1_with_its_id(staffed, tmp_path):
    state = staffed("--json", "privacy", "keys").json
    Path(state["place"]).rename(tmp_path / "away.key")
    ran = staffed("privacy", "keys")
    assert ran.code == 1
    assert "not here" in ran.out
    assert state["current"] in ran.out.partition("missing")[2]


def test_old_keys_are_destroyed_only_after_asking(staffed):
    ran = staffed("privacy", "rotate-key", "--destroy-old")
    assert ran.code == 2
    assert "backups" in ran.err
    assert staffed("--json", "privacy", "report").json["keys"]["retired"] == []
    ran = staffed("--json", "privacy", "rotate-key", "--destroy-old", "--confirm")
    assert len(ran.json["destroy_old"]["destroyed"]) == 1
    assert staffed("--json", "privacy", "report").json["keys"]["retired"] == []
    assert "John Doe" in staffed("technician", "list").out


def test_an_encrypted_backup_keeps_its_key_until_it_is_given_up(staffed):
    assert staffed("backup", "create", "--name", "b1", "--encrypt").code == 0
    state = staffed("--json", "privacy", "keys").json
    assert list(state["encrypted_backups"]) == [state["current"]]
    assert state["kept"]["current"]
    assert "opens 1 encrypted backup" in " ".join(staffed("privacy", "keys").out.split())
    ran = staffed("privacy", "rotate-key", "--destroy-old", "--confirm")
    assert ran.code == 2
    assert "mlmcsc.db.backups/b1" in ran.err
    assert staffed("--json", "privacy", "keys").json["retired"] == []  # nor was it rotated
    assert staffed("privacy", "rotate-key", "--force").code == 2
    ran = staffed("--json", "privacy", "rotate-key", "--destroy-old", "--force", "--confirm")
    assert len(ran.json["destroy_old"]["lost"]) == 1
    assert "--force gives up" in ran.err


def test_text_in_clear_is_shown_and_sealed(staffed, tmp_path):
    with sqlite3.connect(tmp_path / "mlmcsc.db") as raw:
        raw.execute("UPDATE labels SET notes = 'raw'")
    raw.close()
    assert "labels.notes: 1 row in clear" in staffed("privacy", "seal", "--dry-run").out
    assert staffed("privacy", "report").code == 1
    assert "labels: 1 row sealed" in staffed("privacy", "seal").out
    assert "nothing lies in clear" in staffed("privacy", "seal").out


REFUSED = (
    "technician register tech_009 --name New",
    "export technicians t.csv",
    "privacy export-user-data tech_001 --output f.json",
    "privacy rotate-key",
    "privacy rotate-key --destroy-old --confirm",
    "audit checkpoint",
    "privacy requests add tech_009 --kind access",
)
WORKS = (
    "images list",
    "technician list",
    "labels list",
    "audit list",
    "database status",
    "privacy keys",
    "privacy report",
    "privacy requests",
    "privacy holds",
    "privacy record",
    "privacy seal --dry-run",
    "retention plan",
)


def content(folder):
    """Digests of the database and of what is written beside it."""
    files = sorted(folder.glob("mlmcsc.db*"))
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files if f.is_file()}


@pytest.mark.parametrize("words", [*REFUSED, *WORKS])
def test_without_the_key_a_command_works_or_fails_clearly_and_damages_nothing(
    staffed, own_keys, tmp_path, words
):
    key = Path(staffed("--json", "privacy", "report").json["keys"]["place"])
    assert key.parent == own_keys
    key.rename(tmp_path / "away.key")
    before = content(tmp_path)
    ran = staffed(*words.split())
    assert content(tmp_path) == before
    assert not key.exists()
    assert "Internal error" not in ran.err
    if words in REFUSED:
        assert ran.code != 0
        assert not (tmp_path / "f.json").exists()
    else:
        assert ran.code in {0, 1}, ran.err
    (tmp_path / "away.key").rename(key)
    assert "John Doe" in staffed("technician", "list").out


def test_labelling_goes_on_without_the_key_and_names_read_sealed(staffed, tmp_path):
    key = Path(staffed("--json", "privacy", "report").json["keys"]["place"])
    image = staffed("--json", "images", "list").json["items"][0]["id"]
    key.rename(tmp_path / "away.key")
    ran = staffed("labels", "add", image, "0.5", "--technician", "tech_001")
    assert ran.code == 0, ran.err
    assert staffed("labels", "add", image, "0.5", "--technician", "tech_001", "--notes", "x").code
    ran = staffed("technician", "list")
    assert "[sealed]" in ran.out
    assert "no key file" in ran.err
