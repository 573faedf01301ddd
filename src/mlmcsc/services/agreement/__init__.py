"""How far people, references and models agree, and what that says of each person."""

from __future__ import annotations

from mlmcsc.services.agreement.agreement import Agreement

__all__ = ["Agreement"]
