"""PostgreSQL's own tools for going back to a moment: base backups, archived log, recovery."""
