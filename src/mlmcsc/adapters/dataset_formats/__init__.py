"""Frozen datasets as others read them: one module for each format."""

from mlmcsc.adapters.dataset_formats.drafts import exporting_folder
from mlmcsc.adapters.dataset_formats.folder import ExportFolder
from mlmcsc.adapters.dataset_formats.formats import FORMATS, DatasetFormat
from mlmcsc.adapters.dataset_formats.samples import SPLITS, Dataset, Sample
from mlmcsc.adapters.dataset_formats.writer import Writer

__all__ = [
    "FORMATS",
    "SPLITS",
    "Dataset",
    "DatasetFormat",
    "ExportFolder",
    "Sample",
    "Writer",
    "exporting_folder",
]
