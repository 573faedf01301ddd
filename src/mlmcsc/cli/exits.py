"""How a command ends: one mapping from what happened to an exit code and a line of text."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper

import click

from mlmcsc.errors import MlmcscError

OK = 0
FINDING = 1
USAGE = 2
FAILURE = 3
INTERRUPTED = 130
"""128 + SIGINT, as shells count."""
READER_LEFT = 141
"""128 + SIGPIPE: whoever read our output closed it, e.g. `| head`."""

SPELLINGS = {
    "missing='skip'": "--missing skip",
    "people=True": "--people",
    "again=True": "--again",
    "ignore_unmapped=True": "--ignore-unmapped",
    "overwrite=True": "--overwrite",
    "natural_keys=True": "--natural-keys",
    "on_error='collect'": "--on-error collect",
    "timezone='Europe/Berlin'": "--timezone Europe/Berlin",
    "format='csv'": "--format csv",
    "extractor_version=.": "--extractor-version.",
    "label_range=(0, 1)": "--label-range 0 1",
    "Leave label_range out": "Leave --label-range out",
    "workers=1,": "--workers 1,",
    "approximate=True": "--approximate",
    "metric='l2'": "--metric l2",
    "metric='cosine'": "--metric cosine",
    "missing='nan'": "--missing nan",
    "missing='drop'": "--missing drop",
    "Leave approximate out": "Leave --approximate out",
    "pass force=True": "add --force",
}
"""How messages written for Python callers name an option, and what it is called here."""


def run(command: click.Command, arguments: Sequence[str] | None) -> int:
    """Run `command`; a user's mistake becomes one message, never a traceback."""
    _print_anything()
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        result = command.main(words, standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        return reader_left()
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; run the same command again to go on", err=True)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last line of defence of the program
        return _failed(error, debug="--debug" in words)
    return result if isinstance(result, int) else OK


def reader_left() -> int:
    """Point stdout nowhere, so that Python's own flush at exit stays quiet too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return READER_LEFT


def spelt_for_the_shell(message: str) -> str:
    """The message with options as one types them."""
    for python, shell in SPELLINGS.items():
        message = message.replace(python, shell)
    return message


def _failed(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, MlmcscError):
        click.echo(f"Error: {spelt_for_the_shell(str(error))}", err=True)
        return error.exit_code
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"Error: {where}{error.strerror}", err=True)
        return FAILURE
    hint = "" if debug else "; add --debug to see where, and report it"
    click.echo(f"Internal error: {type(error).__name__}: {error}{hint}", err=True)
    return FAILURE


def _print_anything() -> None:
    """A file name that the terminal's encoding cannot show is printed escaped, not a crash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
