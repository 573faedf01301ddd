"""The original system's way of working, written anew from its description: the baseline.

One ORM session per call, one commit for the row and one more for its audit row, SQLite's default
journal and synchronous mode, no content hash, pickled vectors, OFFSET pages.
"""
