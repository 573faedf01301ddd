"""A small file that only its owner may read: read with care, replaced whole and durably."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.keystore.ring import COPY
from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.errors import MissingKeyError, NoKeyError

MAX_BYTES = 1 << 20
"""No key file is larger."""

_DRAFT_END = ".draft"


@dataclass(frozen=True, slots=True)
class Sort:
    """What sort of private file it is, for messages.

    Attributes:
        noun: What it is called.
        repair: What is to be done where it cannot be used; a sentence.
        largest: Bytes that none exceeds; a multiple of 1 MiB.
    """

    noun: str
    repair: str
    largest: int


KEY_FILE = Sort("key file", COPY, MAX_BYTES)


def read_private(path: Path, sort: Sort = KEY_FILE) -> bytes:
    """The file's bytes.

    Args:
        path: The file.
        sort: What sort of file it is.

    Raises:
        NoKeyError: There is none.
        MissingKeyError: It is not a plain file, too large, or others than its owner may read or
            write it (on Windows the folder's access list decides, unchecked).
    """
    try:
        # O_NONBLOCK: opening a pipe must not wait for its writer.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        handle = os.open(path, flags)
        try:
            _refuse_odd(path, os.fstat(handle), sort)
            text = os.read(handle, sort.largest + 1)
        finally:
            os.close(handle)
    except OSError as error:
        why = f"{_why_unreadable(path, error, sort.noun)} {sort.repair}"
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            raise NoKeyError(why) from error
        raise MissingKeyError(why) from error
    if len(text) > sort.largest:
        raise MissingKeyError(
            f"The {sort.noun} {path} is no {sort.noun}: it is above {sort.largest >> 20} MiB. "
            f"{sort.repair}"
        )
    return text


def make_private_folder(folder: Path) -> None:
    """Make the folder, and those above it that are missing, with mode 0700, durably.

    A folder that is there already stays as it is.

    Raises:
        OSError: It cannot be made.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
        sync_folder(place.parent)


def write_private(path: Path, text: bytes, *, is_new: bool) -> None:
    """Put a file with mode 0600 in place, whole or not at all, and durably.

    Args:
        path: The file; its folder is there.
        text: The new content.
        is_new: There must be no file yet; else the one there is replaced.

    Raises:
        OSError: It cannot be written, or (FileExistsError) is there although new.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_draft_start(path), suffix=_DRAFT_END)
    draft = Path(name)  # O_EXCL, mode 0600
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if not is_new:
            _keep_owner(draft, path)
            draft.replace(path)
        elif os.name == "nt":
            draft.rename(path)  # refuses an existing file there
        else:
            os.link(draft, path)  # as O_EXCL: a key file copied in meanwhile is never replaced
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def remove_drafts(path: Path) -> None:
    """Remove what a killed `write_private` left; to be called under the file's lock.

    A draft may hold a key that is destroyed by the next change.
    """
    for other in path.parent.iterdir():
        if other.name.startswith(_draft_start(path)) and other.name.endswith(_DRAFT_END):
            other.unlink(missing_ok=True)


def _keep_owner(draft: Path, path: Path) -> None:
    """When an administrator rotates a user's key, the user must still be able to read it."""
    before, now = path.stat(), draft.stat()
    if (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
        os.chown(draft, before.st_uid, before.st_gid)


def _draft_start(path: Path) -> str:
    return f".{path.name}."


def _refuse_odd(path: Path, facts: os.stat_result, sort: Sort) -> None:
    via = f", by a symbolic link to {os.path.realpath(path)}" if path.is_symlink() else ""
    if stat.S_ISDIR(facts.st_mode):
        raise MissingKeyError(
            f"The {sort.noun} {path} is a folder{via}. Name the file in it, or move it away."
        )
    if not stat.S_ISREG(facts.st_mode):
        raise MissingKeyError(f"The {sort.noun} {path} is not a plain file{via}. {sort.repair}")
    mode = stat.S_IMODE(facts.st_mode)
    if os.name == "posix" and mode & 0o077:
        raise MissingKeyError(
            f"The {sort.noun} {path} has mode {mode:04o}{via}: others than its owner may read or "
            f"change it. Run `chmod 600 {path}`, and if somebody may have read it, rotate the key "
            "with `mlmcsc privacy rotate-key`."
        )


def _why_unreadable(path: Path, error: OSError, noun: str) -> str:
    if not isinstance(error, FileNotFoundError):
        return f"The {noun} {path} cannot be read: {error.strerror or error}."
    if path.is_symlink():
        return f"The {noun} {path} is a symbolic link to {os.path.realpath(path)}: no such file."
    return f"There is no {noun} {path}."
