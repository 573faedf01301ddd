"""The only place where parts are put together: configuration → store, adapters, services."""

from mlmcsc.bootstrap.opening import Database, default_actor, open_database
from mlmcsc.bootstrap.wiring import Services

__all__ = ["Database", "Services", "default_actor", "open_database"]
