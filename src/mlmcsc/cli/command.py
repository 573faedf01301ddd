"""Commands and groups as we want them: with an example, and global options in any place."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import click

from mlmcsc.cli.exits import reader_left
from mlmcsc.cli.session import Session


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep a global option, wherever it stood; the last one given wins."""
    session = context.ensure_object(Session)
    if value:
        setattr(session, str(parameter.name), value)


def global_options() -> Iterator[click.Option]:
    """The options that every command knows."""
    texts = {
        "--database": ("URL", "Database; left out, the configuration says."),
        "--config": ("FILE", "Configuration file, in place of the usual ones."),
        "--reason": ("TEXT", "Why you do this; kept in the audit trail."),
    }
    for name, (metavar, text) in texts.items():
        yield click.Option(
            [name], metavar=metavar, help=text, expose_value=False, callback=_remember
        )
    flags = {"--json": "Print JSON.", "--debug": "Show where an error came from."}
    for name, text in flags.items():
        yield click.Option([name], is_flag=True, help=text, expose_value=False, callback=_remember)


def _write_example(formatter: click.HelpFormatter, example: str) -> None:
    with formatter.section("Example"):
        for line in example.splitlines():
            formatter.write(f"{'':{formatter.current_indent}}mlmcsc {line}\n")


def _write_globals(formatter: click.HelpFormatter) -> None:
    formatter.write_paragraph()
    formatter.write_text(
        "--database, --config, --reason, --json and --debug may stand anywhere; see mlmcsc --help."
    )


class Command(click.Command):
    """A command that shows an example of its use.

    Attributes:
        example: One or more command lines, without the program's name.
    """

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = inspect.cleandoc(example)
        taken = {option for parameter in self.params for option in parameter.opts}
        self.own = [p for p in self.params if isinstance(p, click.Option)]
        self.params += [o for o in global_options() if not taken & set(o.opts)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command's own options; the global ones are explained at the root."""
        shown = [p.get_help_record(ctx) for p in (*self.own, *self._help(ctx))]
        with formatter.section("Options"):
            formatter.write_dl([record for record in shown if record])

    def _help(self, ctx: click.Context) -> list[click.Parameter]:
        option = self.get_help_option(ctx)
        return [option] if option else []

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """The example, and where the global options are explained."""
        _write_example(formatter, self.example)
        _write_globals(formatter)


class Group(click.Group):
    """A group whose commands have examples."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += list(global_options())

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands; the global options are explained at the root."""
        self.format_commands(ctx, formatter)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Each command with the whole first paragraph of its help."""
        with formatter.section("Commands"):
            formatter.write_dl([(n, _first_paragraph(c)) for n, c in sorted(self.commands.items())])


def _first_paragraph(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").partition("\n\n")[0].replace("\n", " ")


class ListingGroup(Group):
    """A group that lists its records when no command is named.

    Attributes:
        example: Command lines of the listing, without the program's name.
    """

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        super().__init__(*args, invoke_without_command=True, **kwargs)
        self.example = inspect.cleandoc(example)
        self.own = [p for p in self.params if isinstance(p, click.Option) and p.expose_value]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of the listing, and the commands."""
        with formatter.section("Options"):
            shown = [p.get_help_record(ctx) for p in self.own]
            formatter.write_dl([record for record in shown if record])
        self.format_commands(ctx, formatter)

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """The example, and where the global options are explained."""
        _write_example(formatter, self.example)
        _write_globals(formatter)


class LazyGroup(click.Group):
    """The root: its groups are imported when they are used.

    Attributes:
        homes: Group name to its module and one line of help.
        later: Names that a later part will bring, with one line of help.
        example: Command lines, without the program's name.
    """

    def __init__(
        self,
        *args: Any,
        homes: Mapping[str, tuple[str, str]],
        later: Mapping[str, str],
        make_later: Callable[[str], click.Command],
        example: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.homes = homes
        self.later = later
        self._make_later = make_later
        self.example = inspect.cleandoc(example)
        self.params += list(global_options())

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that left (`| head`) ends it quietly."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return reader_left()

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Every name, in the order in which one meets them."""
        return [*self.homes, *self.later]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the group `cmd_name`."""
        if cmd_name in self.later:
            return self._make_later(cmd_name)
        if cmd_name not in self.homes:
            return None
        found: click.Command = import_module(self.homes[cmd_name][0]).group
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The names and their lines, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.homes.items()])
        with formatter.section("Not yet"):
            formatter.write_dl(list(self.later.items()))
        _write_example(formatter, self.example)
