"""`mlmcsc models lineage`: what came of what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import cell, console, counted, print_json
from mlmcsc.cli.session import Session
from mlmcsc.errors import UnknownRecordError

if TYPE_CHECKING:
    from mlmcsc.domain.lineage import (
        ImageLineage,
        ImageUse,
        LabelLineage,
        ModelLineage,
        ModelName,
        PersonLineage,
        VersionLineage,
    )
    from mlmcsc.domain.records import ModelVersionRecord
    from mlmcsc.manager import DatabaseManager


@dataclass
class Branch:
    """A line of the tree, and what hangs below it."""

    text: str
    below: list[Branch] = field(default_factory=list)

    def add(self, text: str, lines: Iterable[str] = ()) -> Branch:
        """Hang a branch below, with lines below it."""
        branch = Branch(text, [Branch(line) for line in lines])
        self.below.append(branch)
        return branch


@click.command(
    "lineage",
    cls=Command,
    example="""
        models lineage 1.2.0
        models lineage --image 17
        models lineage --label 42
        models lineage --technician tech_001
        models lineage --version v1.0 --json
    """,
)
@click.argument("model", required=False)
@click.option("--image", type=int, metavar="ID", help="What came of this image.")
@click.option("--label", type=int, metavar="ID", help="What came of this label.")
@click.option("--technician", metavar="ID", help="What came of the labels of this staff number.")
@click.option("--technician-number", type=int, metavar="ID", help="The same, by database id.")
@click.option("--version", metavar="NAME", help="What a data version (or tag) came of, and gave.")
@click.pass_obj
def lineage(
    session: Session,
    /,
    *,
    model: str | None,
    image: int | None,
    label: int | None,
    technician: str | None,
    technician_number: int | None,
    version: str | None,
) -> None:
    """Show which data, labels and people a model came of, or what came of those.

    MODEL is a version name, or else a database id. "trained on" means the train split,
    "evaluated on" val or test.
    """
    person = technician if technician is not None else technician_number
    given = (model, image, label, technician, technician_number, version)
    if given.count(None) != len(given) - 1:
        raise click.UsageError(
            "say of what: a MODEL, --image ID, --label ID, --technician ID, --technician-number "
            "ID or --version NAME"
        )
    with session.open() as db:
        told: Any
        draw: Callable[[Any], Branch]
        if model is not None:
            told, draw = db.lineage.of_model(named_or_numbered(db, model).id), _model
        elif image is not None:
            told, draw = db.lineage.of_image(image), _image
        elif label is not None:
            told, draw = db.lineage.of_label(label), _label
        elif person is not None:
            told, draw = db.lineage.of_person(person), _person
        else:
            told, draw = db.lineage.of_version(str(version)), _version
    if session.json:
        print_json(told)
    else:
        _print(draw(told))


def _print(tree: Branch) -> None:
    from rich.text import Text  # noqa: PLC0415  # not for --help and --json
    from rich.tree import Tree  # noqa: PLC0415

    def grown(branch: Branch) -> Tree:
        made = Tree(Text(cell(branch.text)))
        made.children = [grown(each) for each in branch.below]
        return made

    out = console()
    with out.capture() as captured:
        out.print(grown(tree))
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _model(told: ModelLineage) -> Branch:
    root = Branch(f"model {told.version} ({told.name})")
    if told.data is not None:
        root.below.append(_version(told.data, "trained on "))
    if told.training_data.note is not None:
        root.add(f"note: {told.training_data.note}")
    if told.feedback or told.labels_gone:
        lines = [
            f"{each.confirmed_share:.1%} were confirmations of {each.model}'s predictions "
            f"({each.confirmed:,}; {each.seen:,} made in sight of them)"
            for each in told.feedback
        ]
        if told.labels_gone:
            lines.append(f"{counted(told.labels_gone, 'label')} no longer stored: nothing known")
        root.add("of its training labels", lines)
    root.add(
        f"made {counted(told.predictions, 'prediction')}; "
        f"{counted(told.labels_seeing, 'label')} made in sight of them"
    )
    return root


def _version(told: VersionLineage, before: str = "") -> Branch:
    tags = f" [{', '.join(told.tags)}]" if told.tags else ""
    root = Branch(f"{before}data version {told.version}{tags} ({told.name})")
    if told.note is not None:
        root.add(f"note: {told.note}")
        return _with_models(root, told.models)
    root.add(f"root {told.root}")
    splits = ", ".join(f"{name} {size:,}" for name, size in told.splits.items())
    redacted = f", {told.redacted:,} redacted" if told.redacted else ""
    root.add(f"{counted(told.images, 'image')} ({splits}){redacted}")
    root.add(f"{counted(told.specimens, 'specimen')}")
    policy = f"policy {told.label_policy}, seed {told.seed}"
    people = [
        f"{_person_name(each.technician_id, each.staff_number)}: {each.labels:,} ({each.share:.1%})"
        f", {each.train_labels:,} in train"
        for each in told.people
    ]
    root.add(f"{counted(told.labels, 'label')} ({policy})", people)
    if told.kin:
        kin = (f"{each.version}: {counted(each.shared_rows, 'row')}" for each in told.kin)
        root.add("shares files with", kin)
    if told.exports:
        given = (
            f"{each.format} to {each.recipient or each.path}, {cell(each.exported_at)} UTC"
            for each in told.exports
        )
        root.add("exported", given)
    return _with_models(root, told.models)


def _with_models(root: Branch, models: Iterable[ModelName]) -> Branch:
    names = [f"{each.version} ({each.name})" for each in models]
    if names:
        root.add("models trained on it", names)
    else:
        root.add("no model was trained on it")
    return root


def named_or_numbered(db: DatabaseManager, model: str) -> ModelVersionRecord:
    """The model of that version name; where there is none, the one of that database id."""
    try:
        return db.models.get(model)
    except UnknownRecordError:
        if not (model.isascii() and model.isdecimal()):
            raise
        return db.models.get(int(model))


def _image(told: ImageLineage) -> Branch:
    root = Branch(f"image {told.image_id} ({told.path})")
    return _with_uses(root, told.uses, "in no data version")


def _label(told: LabelLineage) -> Branch:
    value = "no longer stored" if told.value is None else cell(told.value)
    root = Branch(f"label {told.label_id} of image {told.image_id} ({value})")
    return _with_uses(root, told.uses, "decided no value in any data version")


def _with_uses(root: Branch, uses: Iterable[ImageUse], nothing: str) -> Branch:
    for each in uses:
        value = "redacted" if each.redacted else f"label {cell(each.label)}"
        branch = root.add(f"data version {each.version}: {each.split}, {value}")
        branch.below += [Branch(f"{each.use}: {model.version}") for model in each.models]
    if not root.below:
        root.add(nothing)
    return root


def _person(told: PersonLineage) -> Branch:
    root = Branch(_person_name(told.technician_id, told.staff_number))
    for each in told.uses:
        branch = root.add(
            f"data version {each.version}: {counted(each.labels, 'label')} ({each.share:.1%}), "
            f"{each.train_labels:,} in train"
        )
        use = "trained on them" if each.train_labels else "evaluated on them"
        branch.below += [Branch(f"{use}: {model.version}") for model in each.models]
    if not told.uses:
        root.add("no labels in any data version")
    return root


def _person_name(number: int, staff: str | None) -> str:
    return f"technician {number}" if staff is None else f"technician {staff} (id {number})"
