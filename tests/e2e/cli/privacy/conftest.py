"""Databases of tests are copies of one: here each has its own key file."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_keys(sqlite_url, own_settings):
    return own_settings / "mlmcsc" / "keys"
