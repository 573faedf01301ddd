"""Results as JSON-ready values: what is not a number becomes None."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

import numpy as np


class Result:
    """Base of the results of this package, all frozen dataclasses."""

    def to_dict(self) -> dict[str, Any]:
        """The fields and what is derived from them, by name; NaN and infinity are None."""
        found: dict[str, Any] = plain(self)
        return found


def plain(value: Any) -> Any:
    """Turn a result, however nested, into what JSON can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        named = {each.name: plain(getattr(value, each.name)) for each in fields(value)}
        derived = [name for name, of in vars(type(value)).items() if isinstance(of, property)]
        return named | {name: plain(getattr(value, name)) for name in derived}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
