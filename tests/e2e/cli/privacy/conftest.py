"""Databases of tests are copies of one: here each has its own key file."""

from __future__ import annotations

import os
import shutil

import pytest


@pytest.fixture(autouse=True)
def own_keys(sqlite_url, tmp_path, monkeypatch):
    shutil.copytree(os.environ["XDG_CONFIG_HOME"], tmp_path / "settings")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return tmp_path / "settings" / "mlmcsc" / "keys"
