"""Asking before something is changed that cannot be taken back."""

from __future__ import annotations

import sys

import click


def agreed(question: str, *, given: bool, option: str = "--confirm") -> bool:
    """Ask once, on stderr, unless the answer was given on the command line.

    Args:
        question: What will be done, such as `Delete 12 rows for good?`.
        given: Whether `option` stands on the command line.
        option: The option that answers yes.

    Raises:
        click.UsageError: There is no terminal to ask on.
    """
    if given:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} There is no terminal to ask on: add {option}")
    return click.confirm(question, err=True)
