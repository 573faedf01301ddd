"""`mlmcsc models`: model versions, and which one is active."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.models_lineage import lineage, named_or_numbered
from mlmcsc.cli.output import attribute, facts, note, print_json, say
from mlmcsc.cli.paging import listing, show_listing
from mlmcsc.cli.session import Session
from mlmcsc.cli.words import field_options
from mlmcsc.domain.tables import MODEL_VERSIONS

if TYPE_CHECKING:
    from mlmcsc.domain.records import ModelVersionRecord
    from mlmcsc.manager import DatabaseManager

COLUMNS = (
    attribute("id", right=True),
    attribute("version"),
    attribute("name"),
    attribute("is_active", "active", whole=True),
    attribute("validation_accuracy", "validation", right=True),
    attribute("test_accuracy", "test", right=True),
    attribute("created_at", "registered (UTC)", whole=True, minor=True),
)
DETAILS = tuple(
    name for name in MODEL_VERSIONS.by_name if name not in {"version", "name", "model_path"}
)


@click.group("models", cls=Group)
def group() -> None:
    """Model versions, and which one is active."""


group.add_command(lineage)


@group.command(
    "register",
    example="models register 1.2.0 --name ridge --model-path models/ridge.npz --test-accuracy 0.93",
)
@click.argument("version")
@click.option("--name", required=True, help="Model name.")
@click.option("--model-path", required=True, help="Where the model file lies.")
@field_options(MODEL_VERSIONS, *DETAILS)
@click.pass_obj
def register(
    session: Session, version: str, name: str, model_path: str, details: dict[str, Any]
) -> None:
    """Register a model version; the same facts again change nothing."""
    with session.open() as db:
        new_id = db.models.register(version, name, model_path, **details)
        data = db.lineage.training_data(new_id)
    if session.json:
        print_json({"id": new_id, "version": version, "training_data": data})
    else:
        say(f"{version} is model version {new_id}")
    if data.stated is not None and data.note is not None:
        note(f"note: {data.note}")


@group.command("list", example="models list")
@listing
@click.pass_obj
def list_models(session: Session, /, **page: Any) -> None:
    """List model versions by id."""
    with session.open() as db:
        show_listing(
            session,
            lambda after, most: db.models.list(after_id=after, limit=most),
            COLUMNS,
            **page,
        )


@group.command("show", example="models show 1.2.0")
@click.argument("version")
@click.pass_obj
def show(session: Session, version: str) -> None:
    """Show one model version, by version name, or else by database id."""
    with session.open() as db:
        _print(session, named_or_numbered(db, version))


@group.command("activate", example="models activate 1.2.0 --reason 'beats 1.1.0 on the test split'")
@click.argument("version")
@click.pass_obj
def activate(session: Session, version: str) -> None:
    """Make one model version the active one."""
    with session.open() as db:
        model = db.models.set_active(version)
    if session.json:
        print_json(model)
    else:
        say(f"{model.version} is active")


@group.command("active", example="models active")
@click.pass_obj
def active(session: Session) -> int:
    """Show the active model version; exits 1 while none was chosen."""
    with session.open() as db:
        model = db.models.active()
    if model is not None:
        _print(session, model)
        return OK
    if session.json:
        print_json(None)
    note("no model version is active; choose one with `models activate VERSION`")
    return FINDING


def _print(session: Session, model: ModelVersionRecord) -> None:
    if session.json:
        print_json(model)
        return
    facts({name.replace("_", " "): value for name, value in model.to_dict().items()})


def find_model(db: DatabaseManager, version: str | None, number: int | None) -> int:
    """The database id of the model named by `--model` or `--model-number`."""
    if (version is None) == (number is None):
        raise click.UsageError("say which model: --model VERSION, or --model-number ID")
    return db.models.get(version).id if version is not None else int(number or 0)
