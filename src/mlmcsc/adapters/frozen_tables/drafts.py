"""Folders of derived files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.errors import StoreError

STATE: Final = "state.json"
FORMAT: Final = 2


@contextmanager
def drafted(target: Path) -> Iterator[Path | None]:
    """A folder to write into, which becomes `target` when the block ends well.

    One builder at a time, across processes; drafts of builders that died are removed.

    Yields:
        The draft; None where `target` is there by the time it is one's turn.

    Raises:
        StoreError: The folder cannot be written.
    """
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(target.parent / f"{target.name}.lock"):
            for left in target.parent.glob(f".{target.name}.*"):
                shutil.rmtree(left)
            if state_of(target) is not None:
                yield None
                return
            shutil.rmtree(target, ignore_errors=True)  # damaged
            draft = target.parent / f".{target.name}.{uuid.uuid4().hex}"
            draft.mkdir(mode=0o700)
            try:
                yield draft
                draft.replace(target)
                sync_folder(target.parent)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"Cannot write the cache {target.parent}: {error.strerror or error}. Check free space "
            "and permissions."
        ) from error


def seal(draft: Path, facts: Mapping[str, Any], proven: Iterable[str]) -> None:
    """Make the draft's files durable and say how long each is, and the SHA-256 of those `proven`.

    Files that are not proven are links to ones that grow, and vectors: too large to be hashed at
    each opening.
    """
    hashes = {name: digest(draft / name) for name in proven}
    sizes = {}
    for path in draft.iterdir():
        sizes[path.name] = path.stat().st_size
        handle = os.open(path, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    with (draft / STATE).open("x", encoding="utf-8") as out:
        json.dump({**facts, "format": FORMAT, "sizes": sizes, "sha256": hashes}, out)
        out.flush()
        os.fsync(out.fileno())
    sync_folder(draft)


def state_of(folder: Path) -> dict[str, Any] | None:
    """What `seal` was told; None where the folder is absent or damaged: it is built anew."""
    try:
        state: dict[str, Any] = json.loads((folder / STATE).read_text("utf-8"))
        sizes = state["sizes"]  # at least: a file may be a link to one that grows
        sound = state["format"] == FORMAT and all(
            (folder / name).stat().st_size >= size for name, size in sizes.items()
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return state if sound else None


def required(folder: Path) -> dict[str, Any]:
    """As `state_of`, of a folder that was there a moment ago.

    Raises:
        StoreError: It is not any more.
    """
    state = state_of(folder)
    if state is None:
        raise StoreError(
            f"{folder} is no longer there or was damaged: caches are emptied by erasures and "
            "repairs. Open the version again."
        )
    return state


def digest(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def prove(folder: Path, state: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse files that are not as they were written, and have the folder built anew.

    Raises:
        StoreError: One is another, or gone.
    """
    for name in names:
        try:
            sound = digest(folder / name) == state["sha256"][name]
        except (OSError, KeyError):
            sound = False
        if not sound:
            (folder / STATE).unlink(missing_ok=True)  # what has no state is built again
            raise StoreError(
                f"{folder / name} was damaged; it is a cache, which is written again when the "
                "version is opened again."
            )


def mapped(path: Path, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """A file of numbers, read-only, in place."""
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", shape=shape)
