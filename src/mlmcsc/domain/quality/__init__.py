"""The check of quality: sums that can be merged, what is said of them, and its findings."""
