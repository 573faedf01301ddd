"""Datasets of other programs, brought in: images, boxes and one technician's labels."""

from mlmcsc.services.dataset_imports.dataset_imports import DatasetImports
from mlmcsc.services.dataset_imports.doors import Doors

__all__ = ["DatasetImports", "Doors"]
