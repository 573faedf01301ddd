"""Which images train, validate and test: leak-free, stratified, and settled for good.

`ratios` holds the shares, `sequence` the balanced order in which a growing series of units is dealt
out, `clusters` the near-duplicates that must stay together, `assign` the rule that joins them,
`strata` the limits of the label range's tenths.
"""

from mlmcsc.domain.splits.assign import assign_splits
from mlmcsc.domain.splits.clusters import earliest_relatives
from mlmcsc.domain.splits.ratios import Split, SplitRatios

__all__ = ["Split", "SplitRatios", "assign_splits", "earliest_relatives"]
