"""The privacy vault: who a subject id stands for, under a key that erasure destroys."""

from __future__ import annotations

import sqlalchemy as sa

from mlmcsc.store.base import created_at, reference, table
from mlmcsc.store.types import UtcDateTime

subjects = table(
    "subjects",
    sa.Column("subject_id", sa.String(32), nullable=False, unique=True),
    reference("technician_id", "technicians", nullable=True),
    sa.Column("wrapped_key", sa.LargeBinary),
    sa.Column("key_id", sa.String(64)),
    created_at(),
    sa.Column("erased_at", UtcDateTime),
)
