"""Where a version's files lie, and the copies that were made of them to read them fast."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.errors import StoreError


@dataclass(frozen=True, slots=True)
class VersionPlaces:
    """The folders of versions.

    Attributes:
        folder: Rows and manifests.
        caches: Folder of derived files, with opened versions in `versions`; None: there is none.
    """

    folder: VersionFolder
    caches: Path | None

    def forget_opened(self, version_id: int, root: str | None) -> None:
        """Remove the opened copies of a version, with the selections made of them.

        They are unlinked, not overwritten: another process may be training on them.
        """
        if self.caches is None or root is None:
            return
        for opened in (self.caches / "versions").glob(f"{version_id}-{root[:16]}-*"):
            try:
                if opened.is_dir():
                    shutil.rmtree(opened)
                else:
                    opened.unlink()  # the lock beside it
            except FileNotFoundError:  # an erasure empties the caches at the same time
                continue
            except OSError as error:
                raise StoreError(
                    f"The version is deleted, its copy {opened} is not: "
                    f"{error.strerror or error}. Remove it."
                ) from error
