"""`mlmcsc backup`: copies that are proven to restore."""

from __future__ import annotations

import click

from mlmcsc.cli.backup import automatic, keeping, looking, making, point_in_time, proving, restoring
from mlmcsc.cli.command import Group


@click.group("backup", cls=Group)
def group() -> None:
    """Backups: make, check, restore, prove and prune them."""


for command in (making.create, *looking.commands, *keeping.commands):
    group.add_command(command)
for command in (*restoring.commands, *proving.commands, *automatic.commands):
    group.add_command(command)
for command in (point_in_time.base, point_in_time.archiving):
    group.add_command(command)
