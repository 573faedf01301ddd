"""Where images and their thumbnails go, and how files are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

from mlmcsc.errors import UnsupportedError


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """Limits and places.

    Attributes:
        managed: Folder of the managed, content-addressed image store; None where there is none.
        thumbnails: Folder of cached thumbnails.
        thumbnail_size: Longer side of a thumbnail, in pixels.
        instrument_timezone: Zone of acquisition times that name none.
        max_pixels: Larger pictures are refused unread.
        near_duplicates: Whether new images are compared with the stored ones.
        workers: Processes that read files in bulk; None chooses by the machine and the work.
    """

    managed: Path | None
    thumbnails: Path
    thumbnail_size: int = 256
    instrument_timezone: tzinfo = UTC
    max_pixels: int = 500_000_000
    near_duplicates: bool = True
    workers: int | None = None

    def image_store(self) -> Path:
        """The folder of the managed image store.

        Raises:
            UnsupportedError: Nobody said where it is.
        """
        if self.managed is None:
            raise UnsupportedError(
                "storage='managed': this database is no file that the image store could lie beside."
                " Set database.image_store to an absolute path that every computer sees, or store "
                "images in place."
            )
        return self.managed
