"""`mlmcsc audit`: who did what, when and why, and the proof of it."""

from __future__ import annotations

import click

from mlmcsc.cli.audit import proof, reading
from mlmcsc.cli.command import Group


@click.group("audit", cls=Group)
def group() -> None:
    """Read, search, export and prove the audit trail."""


for command in (*reading.commands, *proof.commands):
    group.add_command(command)
