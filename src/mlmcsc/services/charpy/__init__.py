"""Charpy results: measured SFA, the table of specimens, transition curves."""

from mlmcsc.services.charpy.charpy import Charpy

__all__ = ["Charpy"]
