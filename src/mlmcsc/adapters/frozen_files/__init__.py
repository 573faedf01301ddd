"""Image files that must be what their hash says: read again, or put into a checkout."""

from mlmcsc.adapters.frozen_files.checkout_folder import CheckoutDraft, checking_out, image_name
from mlmcsc.adapters.frozen_files.copying import HOW, Placing, place_file
from mlmcsc.adapters.frozen_files.hashing import sha256_of

__all__ = [
    "HOW",
    "CheckoutDraft",
    "Placing",
    "checking_out",
    "image_name",
    "place_file",
    "sha256_of",
]
