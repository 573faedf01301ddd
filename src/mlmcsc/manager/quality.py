"""Documented calls on the quality of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlmcsc.bootstrap import Services

if TYPE_CHECKING:
    from mlmcsc.domain.quality.report import QualityReport


class QualityCalls(Services):
    """Each one line onto `Quality`."""

    def check_data_quality(self) -> QualityReport:
        """Say how good the data are, and what to look at; see `Quality.check`."""
        return self.quality.check()
