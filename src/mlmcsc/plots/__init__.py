"""Charts for people who would rather look than read: the same in a notebook, CLI and web page.

Each function takes what a service returned and gives an Altair chart in the house's style; a
notebook shows it, `svg` and `png` make text and bytes of it. Altair loads with the first of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlmcsc.plots.backups import recovery_history
    from mlmcsc.plots.style import png, svg
    from mlmcsc.plots.versions import version_diff

__all__ = ["png", "recovery_history", "svg", "version_diff"]

_HOMES = {
    "png": "style",
    "recovery_history": "backups",
    "svg": "style",
    "version_diff": "versions",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlmcsc.plots' has no attribute {name!r}")
    return getattr(import_module(f"mlmcsc.plots.{_HOMES[name]}"), name)
