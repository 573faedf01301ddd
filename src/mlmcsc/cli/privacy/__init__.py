"""`mlmcsc privacy`: what people may ask for, and what is done about it."""

from __future__ import annotations

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.privacy import abandoning, erasing, exporting, holds, keys, report, requests


@click.group("privacy", cls=Group)
def group() -> None:
    """Answer people's rights: copy, erase, restrict, hold; keep the register and the keys."""


for part in (abandoning, erasing, exporting, holds, keys, report, requests):
    for command in part.commands:
        group.add_command(command)
