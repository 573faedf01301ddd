"""Archives: old rows out of the live database, findable, erasable, and back."""

from mlmcsc.services.archives.archives import Archives

__all__ = ["Archives"]
