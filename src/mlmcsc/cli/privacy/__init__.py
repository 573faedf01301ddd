"""`mlmcsc privacy`: what people may ask for, and what is done about it."""

from __future__ import annotations

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.privacy import erasing, holds


@click.group("privacy", cls=Group)
def group() -> None:
    """Answer people's rights: erase, restrict, hold."""


for command in (*erasing.commands, *holds.commands):
    group.add_command(command)
