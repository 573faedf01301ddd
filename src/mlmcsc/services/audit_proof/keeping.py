"""Checkpoints as files, to be kept where the owner of the database cannot reach them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mlmcsc.adapters.precious_files import refuse_managed
from mlmcsc.adapters.tabular import draft
from mlmcsc.domain.audit.checkpoint import LONGEST, Checkpoint, parse_checkpoint
from mlmcsc.errors import ConflictError, ValidationError

Given = Checkpoint | str | os.PathLike[str]
"""A checkpoint, its JSON text, or the path of its file."""


def checkpoint_json(checkpoint: Checkpoint) -> str:
    """The file's text."""
    return json.dumps(checkpoint.to_dict(), indent=2) + "\n"


def check_place(path: Path, origin: str, *, overwrite: bool) -> None:
    """Refuse a place where something is, but for an earlier checkpoint of the same database.

    Args:
        path: Where the checkpoint is to be kept.
        origin: How this database calls itself.
        overwrite: Whether such a checkpoint may be replaced.

    Raises:
        ConflictError: There is something else, or a checkpoint that must not be overwritten.
        ValidationError: The place belongs to a database's own files.
    """
    refuse_managed(path)
    if not os.path.isfile(path):
        return
    if not overwrite:
        raise ConflictError(
            f"{path} exists. Keep every checkpoint: name another file. With overwrite=True an "
            "earlier checkpoint of this database is replaced, and nothing else."
        )
    try:
        known = read_checkpoint(path)
    except ValidationError as error:
        raise ConflictError(f"{path} is no checkpoint; it is not overwritten.") from error
    if known.origin != origin:
        raise ConflictError(
            f"{path} is a checkpoint of {known.origin}, this database is {origin}; it is not "
            "overwritten."
        )


def keep_outside(checkpoint: Checkpoint, path: Path, *, overwrite: bool) -> None:
    """Write the JSON file, whole and durably or not at all.

    Raises:
        ConflictError: The file there must stay; see `check_place`. One of more events must too.
        ValidationError: It cannot be written.
    """

    def refuse(target: Path) -> None:
        check_place(target, checkpoint.origin, overwrite=overwrite)
        if (
            os.path.isfile(target)
            and (size := read_checkpoint(target).tree_size) > checkpoint.tree_size
        ):
            raise ConflictError(
                f"{target} is a checkpoint of {size} events, the new one is of "
                f"{checkpoint.tree_size}: this database was rolled back. Nothing was overwritten; "
                f"run `audit verify --checkpoint {target}`."
            )

    with draft(path, refuse) as made:
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
