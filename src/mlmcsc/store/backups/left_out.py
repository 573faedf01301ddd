"""What never goes into a backup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LEFT_OUT: Final[Mapping[str, frozenset[str]]] = {"subjects": frozenset({"wrapped_key", "key_id"})}
"""Columns by table: the data keys of people, by which erasure reaches every backup."""
