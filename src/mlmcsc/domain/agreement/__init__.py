"""How well people who label agree, with one another and with models: formulas, no data access.

Every formula, its source and when it applies: docs/explanation/agreement.md.
"""

from mlmcsc.domain.agreement.anchoring import Anchoring, RaterAnchoring, anchoring
from mlmcsc.domain.agreement.bland_altman import BlandAltman, bland_altman
from mlmcsc.domain.agreement.ceiling import Ceiling, Estimate, ModelScore, Score, noise_ceiling
from mlmcsc.domain.agreement.consensus import Consensus, RaterReliability, consensus
from mlmcsc.domain.agreement.control import ControlChart, Signal, control_chart
from mlmcsc.domain.agreement.gauge import Component, GaugeRR, gauge_rr
from mlmcsc.domain.agreement.icc import Icc, band, icc
from mlmcsc.domain.agreement.krippendorff import Alpha, alpha
from mlmcsc.domain.agreement.precision import Precision, precision
from mlmcsc.domain.agreement.rater_effects import RaterEffect, rater_effects

__all__ = [
    "Alpha",
    "Anchoring",
    "BlandAltman",
    "Ceiling",
    "Component",
    "Consensus",
    "ControlChart",
    "Estimate",
    "GaugeRR",
    "Icc",
    "ModelScore",
    "Precision",
    "RaterAnchoring",
    "RaterEffect",
    "RaterReliability",
    "Score",
    "Signal",
    "alpha",
    "anchoring",
    "band",
    "bland_altman",
    "consensus",
    "control_chart",
    "gauge_rr",
    "icc",
    "noise_ceiling",
    "precision",
    "rater_effects",
]
