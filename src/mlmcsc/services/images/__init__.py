"""Images: stored one by one or by the folder, described, found and shown."""

from mlmcsc.services.images.images import Images
from mlmcsc.services.images.settings import ImageSettings

__all__ = ["ImageSettings", "Images"]
