"""Backups restored to scratch and checked, and backups made when they are due."""

from mlmcsc.services.backup_drills.backup_drills import BackupDrills
from mlmcsc.services.backup_drills.doors import Doors, Schedule
from mlmcsc.services.backup_drills.making import MadeDue

__all__ = ["BackupDrills", "Doors", "MadeDue", "Schedule"]
