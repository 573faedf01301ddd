"""`mlmcsc config`: make, check and show the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import Column, attribute, note, print_json, say, table
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.config import Config, Problem


@click.group("config", cls=Group)
def group() -> None:
    """Settings: make, check and show them."""


@group.command(
    "generate", example="config generate\nconfig generate lab.json --force\nconfig generate -"
)
@click.argument("path", default="mlmcsc.json")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.pass_obj
def generate(session: Session, path: str, *, force: bool) -> None:
    """Write every setting with its default to PATH (mlmcsc.json; - is stdout)."""
    import json  # noqa: PLC0415  # not for --help

    from mlmcsc.config import default_document  # noqa: PLC0415

    text = json.dumps(default_document(), indent=2, ensure_ascii=False)
    if path == "-":
        click.echo(text)
        return
    try:
        with Path(path).open("w" if force else "x", encoding="utf-8") as file:
            file.write(text + "\n")
    except FileExistsError:
        raise click.UsageError(f"{path} is there already; add --force to replace it") from None
    if session.json:
        print_json({"path": path})
    else:
        say(f"{path} written; edit it, then: mlmcsc config validate {path}")


PROBLEMS = (
    attribute("source", "where"),
    attribute("key"),
    attribute("value"),
    attribute("message", "what is wrong"),
)


@group.command("validate", example="config validate\nconfig validate lab.json")
@click.argument("path", required=False)
@click.pass_obj
def validate(session: Session, path: str | None) -> int:
    """Check one file, or everything that is in force here; exits 1 when something is wrong."""
    if path is None and session.config is None:
        return _validate_all(session)
    from mlmcsc.config import load_config, validate_file  # noqa: PLC0415

    path = path or str(session.config)
    if not Path(path).is_file():
        raise click.UsageError(f"{path} is not a file; make one with `config generate {path}`")
    problems = validate_file(path)
    config = None if problems else load_config(path, environ={})
    return _judge(session, {"path": path}, problems, config)


def _validate_all(session: Session) -> int:
    from mlmcsc.config import find_problems  # noqa: PLC0415

    problems = find_problems()
    config = None if problems else session.load_config()
    return _judge(session, {"files": config.files if config else None}, problems, config)


def _judge(
    session: Session, where: dict[str, Any], problems: list[Problem], config: Config | None
) -> int:
    """Say what is wrong, and which settings were changed without effect; `config` is sound."""
    from mlmcsc.config import LATER, changed_but_later, refused_settings  # noqa: PLC0415

    later: list[str] = []
    if config is not None:
        problems = refused_settings(config)
        refused = {problem.key for problem in problems}
        later = [key for key in changed_but_later(config) if key not in refused]
    if session.json:
        print_json({**where, "problems": problems, "later": later})
        return FINDING if problems else OK
    if problems:
        table(PROBLEMS, problems)
    elif "path" in where:
        say(f"{where['path']}: nothing is wrong")
    else:
        say(f"nothing is wrong; files read: {', '.join(where['files']) or 'none'}")
    for key in later:
        note(f"{key}: {LATER}")
    return FINDING if problems else OK


@group.command("show", example="config show\nconfig show database")
@click.argument("section", required=False)
@click.pass_obj
def show(session: Session, section: str | None) -> None:
    """Show the settings, and where each comes from; secrets read ***.

    Settings that this release does not heed yet stand apart.
    """
    config = session.load_config()
    values: dict[str, dict[str, Any]] = config.redacted()
    if section is not None:
        if section not in values:
            known = ", ".join(values)
            raise click.UsageError(f"there is no section {section!r}; sections are {known}")
        values = {section: values[section]}
    from mlmcsc.config import is_heeded  # noqa: PLC0415

    if session.json:
        origins = {k: v for k, v in config.provenance.items() if k.partition(".")[0] in values}
        later = [key for key in origins if not is_heeded(key)]
        print_json({"settings": values, "from": origins, "later": later, "files": config.files})
        return
    for name, settings in values.items():
        _show_section(name, settings, config.provenance)
    for file in config.files:
        note(f"read: {file}")


SETTINGS = (
    Column("setting", lambda row: row[0], whole=True),
    Column("value", lambda row: row[1]),
    Column("from", lambda row: row[2]),
)


def _show_section(name: str, settings: Mapping[str, Any], origins: Mapping[str, str]) -> None:
    """The settings that are heeded, then those that are not yet."""
    import json  # noqa: PLC0415  # values are shown as a file would hold them

    from mlmcsc.config import LATER, is_heeded  # noqa: PLC0415

    heeded: list[tuple[str, str, str]] = []
    later: list[tuple[str, str, str]] = []
    for key, value in settings.items():
        dotted = f"{name}.{key}"
        row = (key, json.dumps(value, ensure_ascii=False), _short(origins[dotted]))
        (heeded if is_heeded(dotted) else later).append(row)
    if heeded:
        table(SETTINGS, heeded, name)
    if later:
        table(SETTINGS, later, f"{name}: {LATER}")


def _short(source: str) -> str:
    """Where a value came from; files by name, for their paths are told below the table."""
    kind, _, name = source.partition(" ")
    return f"${name}" if kind == "environment" else Path(source).name
