"""The managed image store: each content once, under its own hash."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from mlmcsc.domain.image_facts import ImageFacts
from mlmcsc.errors import StoreError

PIECE = 1 << 20
"""Bytes copied at a time."""


def adopt_file(facts: ImageFacts, root: Path) -> Path:
    """Copy a file into the store, durably and whole, and return its place there.

    The copy's own bytes are hashed as they are written: what lies under a hash has that hash. A
    copy that is there already is read and, if damaged, made anew, because its owner may remove the
    original in its favour.

    Raises:
        StoreError: When the copy cannot be made, or the file changed since it was read.
    """
    suffix = {"jpeg": ".jpg", "tiff": ".tif"}.get(facts.format, f".{facts.format}")
    target = root.absolute() / facts.content_hash[:2] / f"{facts.content_hash}{suffix}"
    try:
        if not _holds(target, facts):
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(Path(facts.path), target, facts.content_hash)
    except OSError as error:
        raise StoreError(
            f"Cannot copy {facts.path} into the image store {root}: {error.strerror or error}. "
            "Check free space and permissions."
        ) from error
    return target


def _holds(target: Path, facts: ImageFacts) -> bool:
    if not target.is_file() or target.stat().st_size != facts.file_size:
        return False
    with target.open("rb") as data:
        return hashlib.file_digest(data, _sha256).hexdigest() == facts.content_hash


def _copy(source: Path, target: Path, content_hash: str) -> None:
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".copy-")
    digest = _sha256()
    try:
        with os.fdopen(handle, "wb") as out, source.open("rb") as data:
            while piece := data.read(PIECE):
                digest.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        _same_content(digest.hexdigest(), content_hash, source)
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
        sync_folder(target.parent)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _same_content(found: str, wanted: str, source: Path) -> None:
    if found != wanted:
        raise StoreError(f"{source} changed while it was copied. Ingest it again.")


def _sha256() -> hashlib._Hash:
    return hashlib.sha256(usedforsecurity=False)


def sync_folder(folder: Path) -> None:
    """Make a rename durable; Windows has no way to, and needs none."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
