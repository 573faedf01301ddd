"""No setting deceives: what is heeded is told apart from what is not."""

import ast
import json
from pathlib import Path

import pytest

import mlmcsc
from mlmcsc.config import Config, load_config
from mlmcsc.config.database import CONNECTION_KEYS
from mlmcsc.config.in_force import (
    IN_FORCE,
    REFUSED,
    changed_but_later,
    is_heeded,
    refuse_empty_promises,
    refused_settings,
)
from mlmcsc.config.model import SECTIONS
from mlmcsc.errors import UnsupportedError

KEYS = {f"{name}.{field}" for name, model in SECTIONS.items() for field in model.model_fields}
PROMISES = {
    "security.encryption_at_rest": True,
    "security.audit_enabled": False,
    "security.ip_allowlist": ["10.0.0.0/8"],
    "retention.gdpr_compliance": False,
}
PACKAGE = Path(mlmcsc.__file__).parent
BY_THE_URL = {f"database.{key}" for key in (*CONNECTION_KEYS, "url")}
"""Heeded through `DatabaseSection.get_connection_url`."""
BY_ITS_FOLDER = {
    "performance.cache_directory",
    "database.image_store",
    "retention.archive_directory",
    "versioning.directory",
    "backup.directory",
    "security.key_file",
}
"""Heeded through `mlmcsc.config.places`."""


def configured(key, value):
    section, _, field = key.partition(".")
    return load_config(environ={}, overrides={section: {field: value}})


def attribute_chains(path):
    """Each `….section.field` of a source file, as `section.field`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = getattr(owner, "attr", getattr(owner, "id", None))
            yield f"{name}.{node.attr}"


def used_outside_config():
    files = [f for f in PACKAGE.rglob("*.py") if PACKAGE / "config" not in f.parents]
    assert len(files) > 100
    return {chain for file in files for chain in attribute_chains(file)} & KEYS


def test_what_is_called_in_force_is_what_the_code_reads():
    outside = used_outside_config() - BY_THE_URL - BY_ITS_FOLDER
    assert outside == IN_FORCE - BY_THE_URL - BY_ITS_FOLDER
    used_for_folders = set(attribute_chains(PACKAGE / "config" / "places.py")) & KEYS
    assert used_for_folders == BY_ITS_FOLDER
    called = {chain for f in (PACKAGE / "bootstrap").glob("*.py") for chain in attribute_chains(f)}
    assert "database.get_connection_url" in called


def test_every_name_in_the_tables_is_a_key():
    assert IN_FORCE | set(REFUSED) <= KEYS
    assert not IN_FORCE & set(REFUSED)
    assert set(PROMISES) == set(REFUSED)


def test_the_defaults_promise_nothing_that_is_not_done():
    assert refused_settings(Config()) == []
    refuse_empty_promises(Config())


@pytest.mark.parametrize("key", PROMISES)
def test_a_protection_that_is_not_there_is_refused_with_the_repair(key):
    with pytest.raises(UnsupportedError) as caught:
        refuse_empty_promises(configured(key, PROMISES[key]))
    assert f"argument: {key} = {json.dumps(PROMISES[key])}: this release" in str(caught.value)
    assert "Set it to" in str(caught.value)


def test_all_empty_promises_are_told_at_once():
    config = load_config(
        environ={}, overrides={"security": {"encryption_at_rest": True, "audit_enabled": False}}
    )
    with pytest.raises(UnsupportedError, match=r"(?s)encryption_at_rest.*\n.*audit_enabled"):
        refuse_empty_promises(config)


@pytest.mark.parametrize("key", sorted(REFUSED))
def test_the_value_that_is_done_is_told_as_such(key):
    assert is_heeded(key)


def test_a_change_without_effect_yet_is_noticed():
    assert list(changed_but_later(configured("quality.check_schedule", "hourly"))) == [
        "quality.check_schedule"
    ]
    assert list(changed_but_later(configured("quality.check_schedule", "daily"))) == []
    assert list(changed_but_later(configured("performance.page_size", 7))) == []
