"""Retention: which data are kept how long, what then happens to them, and what holds them back.

Storage limitation is GDPR Art. 5(1)(e); that a legal hold wins is Art. 17(3)(e).
"""

from mlmcsc.domain.retention.plan import Due, PlannedType, RetentionPlan, cutoff, inactive, planned
from mlmcsc.domain.retention.report import AppliedType, RetentionReport
from mlmcsc.domain.retention.types import TYPES, Action, Cause, DataType, Periods, chosen

__all__ = [
    "TYPES",
    "Action",
    "AppliedType",
    "Cause",
    "DataType",
    "Due",
    "Periods",
    "PlannedType",
    "RetentionPlan",
    "RetentionReport",
    "chosen",
    "cutoff",
    "inactive",
    "planned",
]
