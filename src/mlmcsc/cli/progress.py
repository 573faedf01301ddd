"""Progress on stderr: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from mlmcsc.domain.progress import Progress

EVERY_SECONDS = 10.0


@contextmanager
def progress() -> Iterator[Progress]:
    """Show how far a long command has come, while the block runs."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console  # noqa: PLC0415  # only when something is shown
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda doing, done, total: bar.update(
            task, description=doing, completed=done, total=total
        )


def _lines() -> Progress:
    last = time.monotonic()

    def report(doing: str, done: int, total: int) -> None:
        nonlocal last
        if not done and not total:
            click.echo(doing, err=True)  # nothing that can be counted: who is waited for
        elif time.monotonic() - last >= EVERY_SECONDS:
            last = time.monotonic()
            click.echo(f"{doing}: {done:,} of {total:,}", err=True)

    return report


@contextmanager
def byte_progress() -> Iterator[Progress]:
    """As `progress`, for work that counts bytes: with MB/s."""
    if not sys.stderr.isatty():
        yield _byte_lines()
        return
    from rich.console import Console  # noqa: PLC0415  # only when something is shown
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda doing, done, total: bar.update(
            task, description=doing, completed=done, total=total or None
        )


def _byte_lines() -> Progress:
    begun = last = time.monotonic()

    def report(doing: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if not done and not total:
            click.echo(doing, err=True)
        elif now - last >= EVERY_SECONDS:
            last = now
            rate = done / 1e6 / (now - begun)
            of = f" of {total / 1e6:,.0f}" if total else ""
            click.echo(f"{doing}: {done / 1e6:,.0f}{of} MB, {rate:,.0f} MB/s", err=True)

    return report
