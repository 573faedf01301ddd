"""Deleting files that were exported, as long as they are what was exported."""

from __future__ import annotations

from pathlib import Path

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.adapters.tabular import file_sha256
from mlmcsc.errors import MlmcscError


def remove_exported(path: Path, sha256: str) -> str | None:
    """Delete a file that still has this content.

    Returns:
        Why it was not deleted; None when it was.
    """
    try:
        if not path.is_file():
            return "it is not there any more: moved, or deleted by somebody"
        if file_sha256(path) != sha256:
            return "it was changed since; look at it and delete it by hand"
        path.unlink()
        sync_folder(path.parent)
    except OSError as error:
        return f"it cannot be deleted: {error.strerror or error}"
    except MlmcscError as error:
        return str(error)
    return None
