"""The outside world: image files, their metadata and their previews.

Adapters know files and formats, never the database.
"""
