"""Backups: what a set holds, what it promises, how long it is kept."""
