"""Image files: facts without decoding, and pixels without losing a bit."""

from __future__ import annotations

from mlmcsc.adapters.images.facts import read_facts, supported_suffixes
from mlmcsc.adapters.images.pixels import read_pixels

__all__ = ["read_facts", "read_pixels", "supported_suffixes"]
