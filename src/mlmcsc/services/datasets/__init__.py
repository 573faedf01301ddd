"""Training on frozen versions: opened once, checked against their signed root, read fast."""

from mlmcsc.services.datasets.dataset import Dataset
from mlmcsc.services.datasets.datasets import Datasets
from mlmcsc.services.datasets.samples import Batch

__all__ = ["Batch", "Dataset", "Datasets"]
