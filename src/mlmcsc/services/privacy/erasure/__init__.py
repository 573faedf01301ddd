"""Erasing a person (GDPR Art. 17), in steps that survive interruption."""

from mlmcsc.services.privacy.erasure.erasure import Erasure, ReplayReport
from mlmcsc.services.privacy.erasure.outside import Outside

__all__ = ["Erasure", "Outside", "ReplayReport"]
