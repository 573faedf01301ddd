"""Charts for people who would rather look than read: the same in a notebook, CLI and web page.

Each function takes what a service returned and gives an Altair chart in the house's style; a
notebook shows it, `svg` and `png` make text and bytes of it. Altair loads with the first of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlmcsc.plots.agreement import (
        agreement,
        anchoring,
        bland_altman,
        ceiling,
        control_chart,
        gauge_rr,
        rater_effects,
    )
    from mlmcsc.plots.backups import recovery_history
    from mlmcsc.plots.charpy import transition_curves
    from mlmcsc.plots.image_quality import score_histogram
    from mlmcsc.plots.quality import quality_overview
    from mlmcsc.plots.style import png, svg
    from mlmcsc.plots.versions import version_diff

__all__ = [
    "agreement",
    "anchoring",
    "bland_altman",
    "ceiling",
    "control_chart",
    "gauge_rr",
    "png",
    "quality_overview",
    "rater_effects",
    "recovery_history",
    "score_histogram",
    "svg",
    "transition_curves",
    "version_diff",
]

_HOMES = {
    "agreement": "agreement",
    "anchoring": "agreement",
    "bland_altman": "agreement",
    "ceiling": "agreement",
    "control_chart": "agreement",
    "gauge_rr": "agreement",
    "png": "style",
    "quality_overview": "quality",
    "rater_effects": "agreement",
    "recovery_history": "backups",
    "score_histogram": "image_quality",
    "svg": "style",
    "transition_curves": "charpy",
    "version_diff": "versions",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlmcsc.plots' has no attribute {name!r}")
    return getattr(import_module(f"mlmcsc.plots.{_HOMES[name]}"), name)
