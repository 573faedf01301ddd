"""The managed image store: each content once, under its own hash."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from mlmcsc.domain.image_facts import ImageFacts
from mlmcsc.errors import StoreError


def adopt_file(facts: ImageFacts, root: Path) -> Path:
    """Copy a file into the store, durably and whole, and return its place there.

    Raises:
        StoreError: When the copy cannot be made, or the file changed while it was copied.
    """
    suffix = {"jpeg": ".jpg", "tiff": ".tif"}.get(facts.format, f".{facts.format}")
    target = root.absolute() / facts.content_hash[:2] / f"{facts.content_hash}{suffix}"
    if target.exists() and target.stat().st_size == facts.file_size:
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(Path(facts.path), target, facts.file_size)
    except OSError as error:
        raise StoreError(
            f"Cannot copy {facts.path} into the image store {root}: {error.strerror or error}. "
            "Check free space and permissions."
        ) from error
    return target


def _copy(source: Path, target: Path, size: int) -> None:
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".copy-")
    try:
        with os.fdopen(handle, "wb") as out, source.open("rb") as data:
            shutil.copyfileobj(data, out, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        _same_size(Path(draft), size, source)
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
        sync_folder(target.parent)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _same_size(copy: Path, size: int, source: Path) -> None:
    if copy.stat().st_size != size:
        raise StoreError(f"{source} changed while it was copied. Ingest it again.")


def sync_folder(folder: Path) -> None:
    """Make a rename durable; Windows has no way to, and needs none."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
