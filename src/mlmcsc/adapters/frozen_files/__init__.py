"""Image files that must be what their hash says: read again, or put into an export."""

from mlmcsc.adapters.frozen_files.copying import HOW, Placing
from mlmcsc.adapters.frozen_files.hashing import sha256_of
from mlmcsc.adapters.frozen_files.placing import ending, image_name, place_image, read_image

__all__ = ["HOW", "Placing", "ending", "image_name", "place_image", "read_image", "sha256_of"]
