"""Databases written by the original MLMCSC system: recognised, backed up, rebuilt, swapped in.

`original` recognises them and loads next to nothing, as every opening asks it; `adopt` does the
rest.
"""
