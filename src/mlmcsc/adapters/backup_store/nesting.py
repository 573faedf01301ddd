"""A place of backups lies in no other one's sets or shared files: pruning there would remove it."""

from __future__ import annotations

from pathlib import Path

from mlmcsc.adapters.backup_store.lease import FILE as LEASE
from mlmcsc.domain.backups.manifest import FILE as MANIFEST
from mlmcsc.domain.backups.manifest import FILES
from mlmcsc.domain.backups.names import RESERVED
from mlmcsc.errors import ValidationError


def refuse_nested(root: Path) -> None:
    """Look upward from a folder that is to be a place.

    Raises:
        ValidationError: It is inside a set, or among what all sets of another place share.
    """
    for folder in (root, *root.parents):
        is_set = (folder / MANIFEST).is_file() and any(folder.glob(f"{FILES}*"))
        is_shared = folder.name in RESERVED and (folder.parent / LEASE).is_file()
        if is_set or is_shared:
            raise ValidationError(
                f"{root} lies in {folder}, which is part of a place of backups: pruning there "
                "would remove what is put here. Name a folder outside with --to."
            )
