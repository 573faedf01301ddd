"""Files as they lie in a backup: as they are, packed, encrypted, or both."""

from mlmcsc.adapters.backup_files.coding import Coder, ending, object_key
from mlmcsc.adapters.backup_files.reading import check_stored, read_stored
from mlmcsc.adapters.backup_files.restoring import restore_file
from mlmcsc.adapters.backup_files.writing import stored_in_place, write_stored

__all__ = [
    "Coder",
    "check_stored",
    "ending",
    "object_key",
    "read_stored",
    "restore_file",
    "stored_in_place",
    "write_stored",
]
