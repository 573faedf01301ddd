"""Dataset versions: frozen, signed, sharing what did not change."""

from mlmcsc.services.versions.places import VersionPlaces
from mlmcsc.services.versions.versions import Versions

__all__ = ["VersionPlaces", "Versions"]
