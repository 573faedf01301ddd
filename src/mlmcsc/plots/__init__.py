"""Charts for people who would rather look than read: the same in a notebook, CLI and web page.

Each function takes what a service returned and gives an Altair chart in the house's style; a
notebook shows it, `svg` and `png` make text and bytes of it. Altair loads with the first of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlmcsc.plots.agreement import (
        agreement_overview,
        anchoring,
        bland_altman,
        ceiling,
        control_chart,
        gauge_rr,
        rater_effects,
    )
    from mlmcsc.plots.backups import recovery_history
    from mlmcsc.plots.charpy import transition_curves
    from mlmcsc.plots.drift import distributions, drift_overview, effects, waterfall
    from mlmcsc.plots.image_quality import score_components, score_histogram
    from mlmcsc.plots.quality import quality_overview
    from mlmcsc.plots.style import png, svg
    from mlmcsc.plots.suspicion import suspicious_labels
    from mlmcsc.plots.versions import version_diff

__all__ = [
    "agreement_overview",
    "anchoring",
    "bland_altman",
    "ceiling",
    "control_chart",
    "distributions",
    "drift_overview",
    "effects",
    "gauge_rr",
    "png",
    "quality_overview",
    "rater_effects",
    "recovery_history",
    "score_components",
    "score_histogram",
    "suspicious_labels",
    "svg",
    "transition_curves",
    "version_diff",
    "waterfall",
]

_HOMES = {
    "agreement_overview": "agreement",
    "anchoring": "agreement",
    "bland_altman": "agreement",
    "ceiling": "agreement",
    "control_chart": "agreement",
    "distributions": "drift",
    "drift_overview": "drift",
    "effects": "drift",
    "gauge_rr": "agreement",
    "png": "style",
    "quality_overview": "quality",
    "rater_effects": "agreement",
    "recovery_history": "backups",
    "score_components": "image_quality",
    "score_histogram": "image_quality",
    "suspicious_labels": "suspicion",
    "svg": "style",
    "transition_curves": "charpy",
    "version_diff": "versions",
    "waterfall": "drift",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlmcsc.plots' has no attribute {name!r}")
    return getattr(import_module(f"mlmcsc.plots.{_HOMES[name]}"), name)
