"""Documented commands that later parts of mlmcsc bring: their names, and an honest answer."""

from __future__ import annotations

import click

from mlmcsc.cli.exits import USAGE

LATER = {
    "pipeline": ("part 6, the pipeline", ("status",)),
}
"""Group name to the part that brings it, and its documented commands."""


def summaries() -> dict[str, str]:
    """One line of help per group."""
    return {name: f"Comes with {part}." for name, (part, _) in LATER.items()}


def later_group(name: str) -> click.Group:
    """The group `name`, every command of which says when it comes."""
    part, commands = LATER[name]
    group = click.Group(name, help=f"Not yet: `{name}` comes with {part}.")
    for command in commands:
        group.add_command(_later(name, command, part))
    return group


def _later(group: str, name: str, part: str) -> click.Command:
    text = f"not yet: `{group} {name}` comes with {part}; nothing was done"

    def answer(words: tuple[str, ...]) -> int:  # noqa: ARG001  # whatever it will take
        click.echo(text, err=True)
        return USAGE

    return click.Command(
        name,
        callback=answer,
        params=[
            click.Argument(["words"], nargs=-1, type=click.UNPROCESSED, metavar="[ANYTHING]...")
        ],
        context_settings={"ignore_unknown_options": True},
        help=f"Not yet: comes with {part}. Until then it does nothing and exits with {USAGE}.",
        options_metavar="",
    )
