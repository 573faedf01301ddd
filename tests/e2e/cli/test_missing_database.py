"""A database that is not there: commands that can fill one make it, the others say so."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.cli.app import mlmcsc
from mlmcsc.cli.session import CREATES
from mlmcsc.errors import StoreError

TYPO = ("--database", "sqlite:///sub/typo.db")
NEED_IT = [
    ("database", "status"),
    ("database", "validate"),
    ("database", "validate", "--fix", "--yes"),
    ("images", "list"),
    ("images", "show", 1),
    ("images", "set", 1, "--magnification", 400),
    ("images", "thumbnail", 1),
    ("specimens", "list"),
    ("specimens", "show", "S1"),
    ("technician", "list"),
    ("technician", "show", "t1"),
    ("models", "list"),
    ("models", "active"),
    ("models", "activate", "1.0"),
    ("predictions", "list"),
    ("predictions", "add", 1, 0.5, "--confidence", 0.9, "--model-number", 1),
    ("labels", "list"),
    ("labels", "add", 1, 0.5, "--technician-number", 1),
    ("labels", "history", 1),
    ("features", "sets"),
    ("features", "list"),
    ("training", "split"),
    ("export", "labels", "labels.csv"),
]


@pytest.mark.parametrize("words", NEED_IT, ids=lambda words: " ".join(map(str, words)))
def test_a_command_that_needs_a_database_makes_none(cli, words):
    ran = cli(*TYPO, *words)
    assert ran.code == 3
    assert ran.out == ""
    assert "There is no mlmcsc database at sqlite:///sub/typo.db" in ran.err
    assert "mlmcsc --database sqlite:///sub/typo.db database init" in ran.err
    assert not Path("sub").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("database", "init"),
        ("images", "ingest", "photos"),
        ("images", "add", "photos/a.png"),
        ("specimens", "set", "S1"),
        ("technician", "register", "t1", "--name", "Jo"),
        ("models", "register", "1.0", "--name", "m", "--model-path", "m.npz"),
        ("import", "technicians", "people.csv"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_command_that_can_fill_a_database_makes_one(cli, draw, words):
    draw("photos/a.png")
    Path("people.csv").write_text("technician_id,name\nt1,Jo\n")
    made = cli(*TYPO, *words)
    assert made.code == 0, made.err
    assert ("was created" in made.err) == (words != ("database", "init"))
    assert cli(*TYPO, "images", "list").code == 0


def test_every_creating_command_is_a_command():
    root = click.Context(mlmcsc)
    for name in CREATES:
        group, command = name.split()
        found = mlmcsc if group == "mlmcsc" else mlmcsc.get_command(root, group)
        assert found.get_command(root, command) is not None


def test_a_file_without_a_byte_is_no_database_yet(cli):
    Path("empty.db").touch()
    ran = cli("--database", "sqlite:///empty.db", "images", "list")
    assert (ran.code, "database init" in ran.err) == (3, True)
    assert Path("empty.db").stat().st_size == 0
    assert cli("--database", "sqlite:///empty.db", "database", "init").code == 0


def test_a_server_database_without_tables_stays_without(cli, empty_postgres_url):
    for _ in range(2):
        ran = cli("--database", empty_postgres_url, "images", "list")
        assert (ran.code, "database init" in ran.err) == (3, True)
    made = cli("--database", empty_postgres_url, "database", "init", "--json")
    assert made.json["opened"] == "created"


def test_python_creates_unless_told_otherwise(tmp_path):
    url = f"sqlite:///{tmp_path}/new.db"
    with pytest.raises(StoreError, match="There is no mlmcsc database"):
        DatabaseManager(url, create=False)
    with DatabaseManager(url) as db:
        assert db.opened == "created"
    with DatabaseManager(url, create=False) as db:
        assert db.opened == "current"
