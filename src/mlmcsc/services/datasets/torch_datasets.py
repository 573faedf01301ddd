"""Datasets for PyTorch's `DataLoader`; PyTorch is loaded when one is made, and not before."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from mlmcsc.domain.datasets.positions import Plan
from mlmcsc.domain.datasets.sharding import Order
from mlmcsc.errors import UnsupportedError, ValidationError
from mlmcsc.services.datasets.samples import SampleReader

Transform = Callable[[dict[str, Any]], Any]


def samples(reader: SampleReader, order: Order, transform: Transform | None) -> Any:
    """A map-style dataset; see `Dataset.to_torch`.

    Raises:
        UnsupportedError: PyTorch is not installed.
        ValidationError: Samples may be left out, but each place needs one.
    """
    classes = _classes()
    if not reader.complete:
        raise ValidationError(
            "missing='drop', missing_images='skip': a map-style dataset has a sample for every "
            "number. Pass iterable=True, or missing='nan'."
        )
    return classes.Samples(reader, order, transform)


def batches(reader: SampleReader, plan: Plan, transform: Transform | None) -> Any:
    """An iterable dataset; see `Dataset.to_torch`.

    Raises:
        UnsupportedError: PyTorch is not installed.
    """
    return _classes().Batches(reader, plan, transform)


def _classes() -> Any:
    if find_spec("torch") is None:
        raise UnsupportedError("PyTorch is not installed here. Install it: pip install torch")
    return import_module("mlmcsc.services.datasets.torch_classes")
