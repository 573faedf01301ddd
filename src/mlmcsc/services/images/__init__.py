"""Images: stored one by one or by the folder, described, found and shown."""

from mlmcsc.services.images.images import Images

__all__ = ["Images"]
