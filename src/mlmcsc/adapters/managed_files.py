"""The managed image store: each content once, under its own hash."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from mlmcsc.adapters.frozen_files import HOW, sha256_of
from mlmcsc.domain.image_facts import ImageFacts
from mlmcsc.errors import StoreError

THREADS = 8
"""More than processors: most of them wait for the disk, which writes for all of them at once."""

DRAFT = ".copy-"
DEAD_SECONDS = 86_400
"""A draft that is older belongs to nobody who is still copying."""


def adopt_file(facts: ImageFacts, root: Path) -> Path:
    """Copy a file into the store, durably and whole, and return its place there.

    Raises:
        StoreError: When the copy cannot be made, or the file changed since it was read.
    """
    (found,) = adopt_files([facts], root)
    if isinstance(found, StoreError):
        raise found
    return found


def adopt_files(files: Sequence[ImageFacts], root: Path) -> list[Path | StoreError]:
    """Copy files into the store; all that are named in the answer are on the disk, and whole.

    The copies' own bytes are hashed: what lies under a hash has that hash. A copy that is there
    already is read and, if damaged, made anew, because its owner may remove the original in its
    favour.

    Returns:
        The place of each file, or why it has none: the copy cannot be made, or the file changed
        since it was read.
    """
    with ThreadPoolExecutor(min(THREADS, len(files) or 1)) as pool:
        found = list(pool.map(partial(_adopted, root=root.absolute()), files))
        # Once for all: each folder, and the store's own, which may have got new folders.
        folders = {place.parent for place in found if isinstance(place, Path)}
        told = dict(pool.map(_settled, {*folders, *(folder.parent for folder in folders)}))
    return [
        _failed(file, root, error)
        if isinstance(place, Path) and (error := told[place.parent] or told[place.parent.parent])
        else place
        for file, place in zip(files, found, strict=True)
    ]


def _adopted(facts: ImageFacts, root: Path) -> Path | StoreError:
    """The copy's bytes are on the disk when this returns, its name is not yet."""
    suffix = {"jpeg": ".jpg", "tiff": ".tif"}.get(facts.format, f".{facts.format}")
    target = root / facts.content_hash[:2] / f"{facts.content_hash}{suffix}"
    try:
        if _holds(target, facts):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        same = _copied(facts, target)
    except OSError as error:
        return _failed(facts, root, error)
    if not same:
        return StoreError(f"{facts.path} changed while it was copied. Ingest it again.")
    return target


def _failed(facts: ImageFacts, root: Path, error: OSError) -> StoreError:
    failure = StoreError(
        f"Cannot copy {facts.path} into the image store {root}: {error.strerror or error}. "
        "Check free space and permissions."
    )
    failure.__cause__ = error
    return failure


def _holds(target: Path, facts: ImageFacts) -> bool:
    if not target.is_file() or target.stat().st_size != facts.file_size:
        return False
    return sha256_of(str(target))[0] == facts.content_hash


def _copied(facts: ImageFacts, target: Path) -> bool:
    """Whether the copy, now in its place, has the content that was read."""
    draft = target.with_name(f"{DRAFT}{secrets.token_hex(8)}")
    try:
        if HOW["copy"](facts.path, draft)[0] != facts.content_hash:
            return False
        _sync(draft, os.O_RDWR)  # not every system syncs what is open for reading
        draft.chmod(0o644)  # whatever this process keeps from others
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return True


def sync_folder(folder: Path) -> None:
    """Make a rename durable; Windows has no way to, and needs none."""
    if os.name == "posix":
        _sync(folder, os.O_RDONLY)


def _settled(folder: Path) -> tuple[Path, OSError | None]:
    """Without what killed runs left in it, and on the disk."""
    dead = time.time() - DEAD_SECONDS
    try:
        for draft in folder.glob(f"{DRAFT}*"):
            # Another process may be at the same; another user's draft is theirs to remove.
            with suppress(FileNotFoundError, PermissionError):
                if draft.stat().st_mtime < dead:
                    draft.unlink()
        sync_folder(folder)
    except OSError as error:
        return folder, error
    return folder, None


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
