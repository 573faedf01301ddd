"""The documented call on backups."""

from __future__ import annotations

from mlmcsc.bootstrap import Services


class BackupCalls(Services):
    """One line onto `Backups`."""

    def backup_database(self, backup_name: str | None = None) -> str:
        """Make a backup where the settings say, and return its path; see `Backups.create`."""
        return self.backups.create(backup_name).path
