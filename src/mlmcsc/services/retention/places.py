"""Where files are that belong to the database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.archives import ArchiveFolder


@dataclass(frozen=True, slots=True)
class FilePlaces:
    """Where files of images are that are not the laboratory's own.

    Attributes:
        managed: Folder of the managed image store, None where there is none.
        thumbnails: Folder of cached thumbnails.
        archives: Folder of archives.
    """

    managed: Path | None
    thumbnails: Path
    archives: ArchiveFolder
