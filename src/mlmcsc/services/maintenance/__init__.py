"""Maintenance: find what is wrong with a database and mend what can be mended safely."""

from mlmcsc.services.maintenance.maintenance import Maintenance
from mlmcsc.services.maintenance.places import Places

__all__ = ["Maintenance", "Places"]
