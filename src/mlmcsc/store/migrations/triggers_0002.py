"""Triggers that make the audit trail append-only for whoever writes SQL.

An event changes in two ways only, and never back: it gets its place in the tree (`seq`, once), and
its personal part or its payload is redacted, which leaves every commitment as it was. An event
without commitments cannot get any: see `mlmcsc.store.old_events`.
"""

from __future__ import annotations

from typing import Any

FIXED = (
    "id",
    "operation",
    "table_name",
    "record_id",
    "timestamp",
    "n_rows",
    "digest",
    "subject_id",
    "who_commit",
    "payload_commit",
    "leaf",
)
WHO = ("user_id", "reason", "ip_address", "user_agent", "who_salt")
PAYLOAD = ("old_values", "new_values", "payload_salt")

WHO_REDACTED = " AND ".join(f"NEW.{name} IS NULL" for name in WHO[1:])
"""Besides the user."""
USER_REDACTED = (
    "(NEW.user_id = OLD.subject_id OR OLD.leaf IS NULL AND "
    "(NEW.user_id = OLD.user_id OR NEW.user_id LIKE 'erased-%'))"
)
"""Events that raw SQL wrote have no subject id, and nothing is proven of them."""
PAYLOAD_REDACTED = " AND ".join(f"NEW.{name} IS NULL" for name in PAYLOAD)

REFUSAL = "the audit trail is append-only"


def create_triggers(op: Any) -> None:
    """Install them on SQLite or PostgreSQL."""
    statements = _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE
    for statement in statements:
        op.execute(statement)


def drop_triggers(op: Any) -> None:
    """Remove them."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in ("audit_logs", "audit_checkpoints"):
        for event in ("update", "delete", "truncate" if on_postgresql else "replace"):
            name = f"{table}_no_{event}"
            op.execute(f"DROP TRIGGER {name}" + (f" ON {table}" if on_postgresql else ""))
    if on_postgresql:
        op.execute("DROP FUNCTION mlmcsc_append_only")
    else:
        op.execute("DROP TRIGGER audit_logs_no_displacement")


def _allowed(same: str, text: str) -> str:
    """When an update of an event is one that may be.

    Args:
        same: The comparison by which NULL equals NULL.
        text: What makes a column comparable; PostgreSQL's JSON has no equality.
    """

    def unchanged(*names: str) -> str:
        return " AND ".join(f"NEW.{n}{text} {same} OLD.{n}{text}" for n in names)

    return (
        f"{unchanged(*FIXED)}"
        f" AND (OLD.seq IS NULL OR {unchanged('seq')})"
        f" AND (({unchanged(*WHO)}) OR ({USER_REDACTED} AND {WHO_REDACTED}))"
        f" AND (({unchanged(*PAYLOAD)}) OR ({PAYLOAD_REDACTED}))"
    )


_SQLITE = (
    (
        f"CREATE TRIGGER audit_logs_no_update BEFORE UPDATE ON audit_logs "
        f"WHEN ({_allowed('IS', '')}) IS NOT TRUE BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    ),
    (
        "CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    ),
    # UPDATE OR REPLACE deletes the row in its way, here the event that has the place already,
    # without firing the delete trigger. A place is given once, so this costs only then.
    (
        "CREATE TRIGGER audit_logs_no_displacement BEFORE UPDATE OF seq ON audit_logs "
        "WHEN OLD.seq IS NULL AND NEW.seq IS NOT NULL "
        "AND EXISTS (SELECT 1 FROM audit_logs WHERE seq = NEW.seq) "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    ),
    *(
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for table in ("audit_logs", "audit_checkpoints")
    ),
    # INSERT OR REPLACE deletes the row in its way without firing the delete trigger. A new event
    # has no place in the tree yet, so its `seq` can be in nobody's way.
    (
        "CREATE TRIGGER audit_logs_no_replace BEFORE INSERT ON audit_logs "
        "WHEN NEW.seq IS NOT NULL OR EXISTS (SELECT 1 FROM audit_logs WHERE id = NEW.id) "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    ),
    (
        "CREATE TRIGGER audit_checkpoints_no_replace BEFORE INSERT ON audit_checkpoints "
        "WHEN EXISTS (SELECT 1 FROM audit_checkpoints "
        "WHERE id = NEW.id OR tree_size = NEW.tree_size) "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    ),
)

_POSTGRESQL = (
    (
        "CREATE FUNCTION mlmcsc_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    ),
    (
        "CREATE TRIGGER audit_logs_no_update BEFORE UPDATE ON audit_logs FOR EACH ROW "
        f"WHEN (({_allowed('IS NOT DISTINCT FROM', '::text')}) IS NOT TRUE) "
        "EXECUTE FUNCTION mlmcsc_append_only()"
    ),
    (
        "CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints "
        "FOR EACH ROW EXECUTE FUNCTION mlmcsc_append_only()"
    ),
    *(
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION mlmcsc_append_only()"
        for table in ("audit_logs", "audit_checkpoints")
    ),
    *(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION mlmcsc_append_only()"
        for table in ("audit_logs", "audit_checkpoints")
    ),
)
