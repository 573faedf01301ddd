"""The documented entry points; everything lives in the package `mlmcsc`.

They load on first use, so that `python -m src.database.cli --help` answers at once.
"""

from typing import TYPE_CHECKING, Any

import mlmcsc

if TYPE_CHECKING:
    from mlmcsc import DatabaseManager, load_config

__all__ = ["DatabaseManager", "load_config"]

_LATER = {"DataPipeline": "the automated pipeline", "PipelineConfig": "the automated pipeline"}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(mlmcsc, name)
    if name in _LATER:
        raise ImportError(f"{name} is not in this release yet: it comes with {_LATER[name]}.")
    raise AttributeError(f"module 'src.database' has no attribute {name!r}")
