"""Backups: sets in a folder or a bucket, signed, checked, kept for as long as needed."""

from mlmcsc.services.backups.backups import Backups
from mlmcsc.services.backups.gathering import Roots
from mlmcsc.services.backups.places import BackupPlaces
from mlmcsc.services.backups.sets import identity, signed_sets

__all__ = ["BackupPlaces", "Backups", "Roots", "identity", "signed_sets"]
