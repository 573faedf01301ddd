"""mlmcsc: data management for machine-learning microscopy.

Public names load on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlmcsc.domain.release import RELEASE

if TYPE_CHECKING:
    from mlmcsc import plots
    from mlmcsc.bootstrap.restoring import restore_backup
    from mlmcsc.config import load_config
    from mlmcsc.domain.permissions import Actor, Permission
    from mlmcsc.errors import MlmcscError
    from mlmcsc.manager import DatabaseManager

__version__ = RELEASE
__all__ = [
    "Actor",
    "DatabaseManager",
    "MlmcscError",
    "Permission",
    "load_config",
    "plots",
    "restore_backup",
]

_HOMES = {
    "Actor": "mlmcsc.domain.permissions",
    "DatabaseManager": "mlmcsc.manager",
    "MlmcscError": "mlmcsc.errors",
    "Permission": "mlmcsc.domain.permissions",
    "load_config": "mlmcsc.config",
    "restore_backup": "mlmcsc.bootstrap.restoring",
}


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("mlmcsc.plots")
    if name not in _HOMES:
        raise AttributeError(f"module 'mlmcsc' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
