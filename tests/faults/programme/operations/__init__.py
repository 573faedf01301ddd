"""The operations that the programme knows, by name."""

from __future__ import annotations

from operations.backup import Backup
from operations.erase import Erase
from operations.ingest import Ingest
from operations.migrate import Migrate
from operations.operation import Operation
from operations.restore import Restore
from operations.version import Version

OPERATIONS: dict[str, Operation] = {
    each.name: each for each in (Ingest(), Migrate(), Erase(), Version(), Backup(), Restore())
}
