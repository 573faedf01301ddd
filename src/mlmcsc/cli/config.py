"""`mlmcsc config`: make, check and show the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import Column, attribute, note, print_json, say, table
from mlmcsc.cli.session import Session
from mlmcsc.errors import ConfigError


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
    from mlmcsc.config import validate_file  # noqa: PLC0415

    path = path or str(session.config)
    if not Path(path).is_file():
        raise click.UsageError(f"{path} is not a file; make one with `config generate {path}`")
    problems = validate_file(path)
    if session.json:
        print_json({"path": path, "problems": problems})
    elif problems:
        table(PROBLEMS, problems)
    else:
        say(f"{path}: nothing is wrong")
    return FINDING if problems else OK


def _validate_all(session: Session) -> int:
    try:
        config = session.load_config()
    except ConfigError as error:
        if session.json:
            print_json({"error": str(error)})
        else:
            say(str(error))
        return FINDING
    if session.json:
        print_json({"files": config.files, "problems": []})
    else:
        say(f"nothing is wrong; files read: {', '.join(config.files) or 'none'}")
    return OK


@group.command("show", example="config show\nconfig show database")
@click.argument("section", required=False)
@click.pass_obj
def show(session: Session, section: str | None) -> None:
    """Show the settings in force, and where each comes from; secrets read ***."""
    config = session.load_config()
    values: dict[str, dict[str, Any]] = config.redacted()
    if section is not None:
        if section not in values:
            known = ", ".join(values)
            raise click.UsageError(f"there is no section {section!r}; sections are {known}")
        values = {section: values[section]}
    if session.json:
        origins = {k: v for k, v in config.provenance.items() if k.partition(".")[0] in values}
        print_json({"settings": values, "from": origins, "files": config.files})
        return
    import json  # noqa: PLC0415  # values are shown as a file would hold them

    rows = [
        (
            f"{name}.{key}",
            json.dumps(value, ensure_ascii=False),
            _short(config.provenance[f"{name}.{key}"]),
        )
        for name, settings in values.items()
        for key, value in settings.items()
    ]
    table(
        [
            Column("setting", lambda row: row[0], whole=True),
            Column("value", lambda row: row[1]),
            Column("from", lambda row: row[2]),
        ],
        rows,
    )
    for file in config.files:
        note(f"read: {file}")


def _short(source: str) -> str:
    """Where a value came from; files by name, for their paths are told below the table."""
    kind, _, name = source.partition(" ")
    return f"${name}" if kind == "environment" else Path(source).name
