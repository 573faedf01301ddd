"""Removing what deleted images leave on disk: copies in the image store, and thumbnails."""

from __future__ import annotations

from pathlib import Path

from mlmcsc.errors import StoreError


def remove_copy(path: Path, root: Path) -> bool:
    """Remove a file of the managed image store, and its folder once that is empty.

    Returns:
        Whether there was one. A path outside the store is somebody else's file and stays.

    Raises:
        StoreError: It cannot be removed.
    """
    if not path.is_relative_to(root.absolute()):
        return False
    removed = _unlink(path)
    if removed and not any(path.parent.iterdir()):
        path.parent.rmdir()
    return removed


def remove_thumbnails(root: Path, content_hash: str | None, image_id: int) -> int:
    """Remove an image's thumbnails of every size; says how many there were.

    Args:
        root: Folder of the thumbnails.
        content_hash: By which they are kept, None where the content was never read.
        image_id: By which those made before it was read are kept.

    Raises:
        StoreError: One cannot be removed.
    """
    keys = [f"image-{image_id}", *([content_hash] if content_hash else [])]
    return sum(_unlink(path) for key in keys for path in (root / key[:2]).glob(f"{key}-*.jpg"))


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(
            f"{path} cannot be removed: {error.strerror or error}. Its image is deleted already; "
            "allow it, then run `mlmcsc retention apply` again."
        ) from error
    return True
