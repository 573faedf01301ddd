"""Base backups of a PostgreSQL server, from which it goes back to any moment since."""

from mlmcsc.services.point_in_time.base_backups import BaseBackups
from mlmcsc.services.point_in_time.sets import BaseSet, base_set, base_sets

__all__ = ["BaseBackups", "BaseSet", "base_set", "base_sets"]
