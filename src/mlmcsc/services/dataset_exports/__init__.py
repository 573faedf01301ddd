"""Exporting frozen datasets, and the list of who was given which."""

from mlmcsc.services.dataset_exports.exports import DatasetExports

__all__ = ["DatasetExports"]
