"""Help: every command explains itself, and every documented command is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from mlmcsc.cli.app import HOMES, mlmcsc
from mlmcsc.cli.later import LATER

DOCUMENTED = Path(__file__).resolve().parents[4] / "shared" / "ORIGINAL_README.md"


def _commands():
    context = click.Context(mlmcsc)
    return [words for name in HOMES for words in _within([name], mlmcsc.get_command(context, name))]


def _within(words, command):
    """Every command line that does something; a group that lists by itself is one."""
    found = [words] if hasattr(command, "example") else []
    for name, inner in getattr(command, "commands", {}).items():
        found += _within([*words, name], inner)
    return found


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_every_command_has_help_with_examples_that_name_it(cli, words):
    ran = cli(*words, "--help")
    assert ran.code == 0
    assert re.search(rf"Example:\n(.*\n)*?  mlmcsc .*{' '.join(words)}", ran.out)


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_every_example_is_a_command_line_that_parses(words):
    root = click.Context(mlmcsc)
    command = mlmcsc.get_command(root, words[0])
    for word in words[1:]:
        command = command.get_command(root, word)
    for line in command.example.splitlines():
        rest = shlex.split(line)
        rest = rest[rest.index(words[-1]) + 1 :]
        command.make_context(words[-1], rest, parent=root)


@pytest.mark.parametrize("group", list(HOMES))
def test_no_line_of_help_is_cut_short_at_80_columns(cli, monkeypatch, group):
    monkeypatch.setenv("COLUMNS", "80")
    ran = cli(group, "--help")
    listed = ran.out.partition("Commands:")[2]
    assert "..." not in listed
    assert max(map(len, ran.out.splitlines())) <= 80


def test_help_lists_every_group_and_what_is_not_there_yet(cli):
    out = cli("--help").out
    assert all(re.search(rf"^  {name} ", out, re.MULTILINE) for name in [*HOMES, *LATER])
    assert "Example:\n  mlmcsc database init" in out


def _documented():
    if not DOCUMENTED.is_file():
        return []
    lines = re.findall(r"^python -m src\.database\.cli (.+)$", DOCUMENTED.read_text(), re.MULTILINE)
    return [shlex.split(line) for line in dict.fromkeys(lines)]


@pytest.mark.skipif(not DOCUMENTED.is_file(), reason=f"{DOCUMENTED} is absent")
@pytest.mark.parametrize("words", _documented(), ids=" ".join)
def test_every_documented_command_works_or_says_when_it_comes(mlmcsc, words):
    if "user_123" in words:
        mlmcsc("technician", "register", "user_123", "--name", "Jo Lund")
    ran = mlmcsc(*words)
    if words[0] in LATER:
        assert ran.code == 2
        assert ran.out == ""
        assert re.fullmatch(r"not yet: `.+` comes with part \d, .+; nothing was done\n", ran.err)
        assert "Not yet" in mlmcsc(*words[:2], "--help").out
    elif words[:2] == ["backup", "restore"]:  # of a backup that is not there
        assert ran.code == 1
        assert words[2] in ran.err
    else:
        assert ran.code == 0


def test_an_undocumented_command_of_a_later_group_does_not_exist(cli):
    ran = cli("pipeline", "frobnicate")
    assert ran.code == 2
    assert "No such command" in ran.err
