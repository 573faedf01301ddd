"""Checkpoints as files, to be kept where the owner of the database cannot reach them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mlmcsc.adapters.tabular import draft
from mlmcsc.domain.audit.checkpoint import LONGEST, Checkpoint, parse_checkpoint
from mlmcsc.errors import ValidationError

Given = Checkpoint | str | os.PathLike[str]
"""A checkpoint, its JSON text, or the path of its file."""


def checkpoint_json(checkpoint: Checkpoint) -> str:
    """The file's text."""
    return json.dumps(checkpoint.to_dict(), indent=2) + "\n"


def keep_outside(checkpoint: Checkpoint, path: Path) -> None:
    """Write the JSON file, whole and durably or not at all.

    Raises:
        ValidationError: It cannot be written.
    """
    with draft(path) as made:
        made.path.write_text(checkpoint_json(checkpoint), "utf-8")
        made.publish()


def read_checkpoint(given: Given) -> Checkpoint:
    """A checkpoint from its file or its JSON text.

    Raises:
        ValidationError: It is none.
    """
    if isinstance(given, Checkpoint):
        return given
    if isinstance(given, str) and given.lstrip().startswith("{"):
        return parse_checkpoint(given)
    try:
        with Path(given).open(encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
    except UnicodeDecodeError as error:
        raise ValidationError(f"{given}: is no checkpoint's JSON file.") from error
    except OSError as error:
        raise ValidationError(f"{given}: cannot be read: {error.strerror}.") from error
    return parse_checkpoint(text)
