"""Alembic's revisions, from the first."""

HEAD = "0005"
"""The revision that this release reads and writes; a test compares it with the scripts."""
