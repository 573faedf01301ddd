from __future__ import annotations

import pytest

from mlmcsc.domain.retention import TYPES


@pytest.fixture
def periods():
    """Days by data type; each setting has another number."""
    settings = list(dict.fromkeys(kind.setting for kind in TYPES.values()))
    return {name: 100 + settings.index(kind.setting) for name, kind in TYPES.items()}
