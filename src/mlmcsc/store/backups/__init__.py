"""Backups as the database sees them: a snapshot out of it, and one put in its place."""
