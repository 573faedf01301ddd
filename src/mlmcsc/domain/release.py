"""Which mlmcsc this is."""

from typing import Final

RELEASE: Final = "0.1.0"
"""As in pyproject.toml; backups name it."""
