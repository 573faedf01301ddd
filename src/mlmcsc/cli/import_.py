"""`mlmcsc import`: the rows of a file into a table, or a dataset of another program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.import_dataset import dataset
from mlmcsc.cli.output import attribute, counted, facts, note, print_json, say, table
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.domain.tables import WRITABLE

if TYPE_CHECKING:
    from mlmcsc.services.exchange import ImportReport

MOST_SHOWN = 20
REJECTED = (attribute("where", whole=True), attribute("reason"))


class ImportCommand(Command):
    """`import TABLE FILE`; where `dataset` stands in place of a table, that command of its own.

    Attributes:
        commands: Commands below this one, for who lists them.
    """

    commands: Mapping[str, click.Command] = {"dataset": dataset}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """The command below this one."""
        return self.commands.get(cmd_name)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """The context of this command, or of the one below it."""
        below = self.commands.get(args[0]) if args else None
        if below is not None:
            return below.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(
    "import",
    cls=ImportCommand,
    example="""
        import labels sfa.csv --map 'SFA %=label*0.01' --map 'file=image_path'
        import labels labels.csv --set technician=tech_001 --rejected wrong.csv
        import specimens specimens.parquet --dry-run
        import dataset coco/ --technician tech_001 --label-column SFA
    """,
)
@click.argument("table_name", metavar="TABLE")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Which field a column of the file fills; FIELD*0.01 scales, - passes it over.",
)
@click.option(
    "--set", "sets", multiple=True, metavar="FIELD=VALUE", help="One value for every row."
)
@click.option("--format", "file_format", help="csv, jsonl or parquet, when the name does not tell.")
@click.option("--delimiter", help="Between CSV cells; found out when left out.")
@click.option("--timezone", help="Of times without one, e.g. Europe/Berlin; else UTC.")
@click.option(
    "--on-error",
    type=click.Choice(["collect", "raise"]),
    default="collect",
    show_default=True,
    help="Store the good rows and report the others, or all or nothing.",
)
@click.option(
    "--rejected",
    type=click.Path(dir_okay=False),
    metavar="FILE.csv",
    help="Where refused rows go, with the reason; by default FILE.rejected.csv.",
)
@click.option("--ignore-unmapped", is_flag=True, help="Pass over columns that fit no field.")
@click.option("--again", is_flag=True, help="Even if the same content was imported before.")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.pass_obj
def group(
    session: Session,
    /,
    *,
    table_name: str,
    file: str,
    maps: tuple[str, ...],
    sets: tuple[str, ...],
    file_format: Any,
    on_error: Literal["collect", "raise"],
    rejected: str | None,
    **options: Any,
) -> int:
    """Store the rows of FILE (CSV, JSON Lines or Parquet) in TABLE.

    An image may be given as image_id, image_path, filename or content_hash, a technician as
    staff number, a model as version name. Exits 1 when some rows were refused.

    `import dataset FOLDER` reads COCO, YOLO, Hugging Face and WebDataset; see its own --help.
    """
    from mlmcsc.services.exchange import mapping_from_words  # noqa: PLC0415  # not for --help

    mapping = mapping_from_words(maps)
    with session.open() as db, progress() as report:
        result = db.exchange.import_file(
            table_name,
            file,
            mapping=mapping,
            format=file_format,
            on_error=on_error,
            rejected_to=rejected,
            progress=lambda done, total: report("Importing", done, total or done),
            **options,
            **_common(table_name, sets),
        )
    if session.json:
        print_json(result)
    else:
        _show(result)
    return FINDING if result.rejected_count else OK


def _common(table_name: str, words: Iterable[str]) -> dict[str, Any]:
    """The values of `--set`, in the type of their field."""
    fields = WRITABLE[table_name].by_name if table_name in WRITABLE else {}
    common = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise click.UsageError(f"--set {word!r}: write FIELD=VALUE, e.g. technician=tech_001")
        common[name] = fields[name].parse(value) if name in fields else value
    return common


def _show(report: ImportReport) -> None:
    facts(
        {
            "file": report.path,
            "read": counted(report.read, "row"),
            "would be stored" if report.dry_run else "stored": counted(report.stored, "row")
            + f" in {report.table}",
            "unchanged": counted(report.unchanged, "row") + " stored before",
            "refused": counted(report.rejected_count, "row"),
            "seconds": f"{report.seconds:.1f}",
        }
    )
    for told in report.notes:
        note(f"note: {told}")
    if report.rejected:
        table(REJECTED, report.rejected[:MOST_SHOWN], "Refused")
        say(f"all of them, with the reason: {report.rejected_file}")
