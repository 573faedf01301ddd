"""A version that is not there: a mistake in the call, not something found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from mlmcsc.cli.exits import spelt_for_the_shell
from mlmcsc.errors import UnknownRecordError


@contextmanager
def named_versions() -> Iterator[None]:
    """End with 2 where a name is unknown: 1 says that something differs, or was tampered with."""
    try:
        yield
    except UnknownRecordError as error:
        raise click.ClickException(spelt_for_the_shell(str(error))) from None
