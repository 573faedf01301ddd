"""Consensus labels, made of what several people measured."""

from __future__ import annotations

from mlmcsc.services.consensus.consensus import Consensus

__all__ = ["Consensus"]
