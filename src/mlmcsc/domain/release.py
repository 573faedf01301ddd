"""Which mlmcsc this is."""

from typing import Final

RELEASE: Final = "0.1.0"
"""As in pyproject.toml; backups name it."""

DRAWN_BY = b"tEXtSoftware\0mlmcsc"
"""Type and text of the chunk by which a PNG says that we drew it, and may draw it anew."""
