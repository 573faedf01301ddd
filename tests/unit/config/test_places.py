"""Where a database's own files lie: the same place from every working directory."""

from pathlib import Path

import pytest

from mlmcsc.config import (
    Config,
    ConfigError,
    archive_folder,
    cache_folder,
    image_store,
    key_file,
    load_config,
    version_folder,
)

FILE = Path("/data/lab.db")


def configured(**sections):
    return load_config(environ={}, overrides=sections)


def test_an_sqlite_database_has_its_folders_beside_it():
    assert cache_folder(Config(), FILE, "id7") == Path("/data/lab.db.cache")
    assert image_store(Config(), FILE, "id7") == Path("/data/lab.db.images")


def test_a_server_s_caches_are_the_user_s_own():
    environ = {"XDG_CACHE_HOME": "/caches", "LOCALAPPDATA": "/caches"}
    assert cache_folder(Config(), None, "id7", environ) == Path("/caches/mlmcsc/id7")


def test_without_xdg_caches_are_in_the_home_directory(monkeypatch):
    monkeypatch.setenv("HOME", "/home/jo")
    expected = Path("/home/jo/.cache/mlmcsc/id7")
    assert cache_folder(Config(), None, "id7", {}) == expected
    assert cache_folder(Config(), None, "id7", {"XDG_CACHE_HOME": "relative"}) == expected


def test_a_user_without_home_is_told_which_setting_helps(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(ConfigError, match=r"performance\.cache_directory"):
        cache_folder(Config(), None, "id7", {})


@pytest.mark.parametrize("file", [FILE, None])
def test_the_settings_win_and_keep_databases_apart(file):
    config = configured(
        performance={"cache_directory": "/fast"}, database={"image_store": "/archive"}
    )
    assert cache_folder(config, file, "id7") == Path("/fast/id7")
    assert image_store(config, file, "id7") == Path("/archive/id7")


def test_a_server_has_no_image_store_until_somebody_says_where():
    assert image_store(Config(), None, "id7") is None


def test_an_image_store_that_would_follow_the_working_directory_is_refused():
    with pytest.raises(ConfigError, match=r"image_store.*relative.*an absolute path"):
        configured(database={"image_store": "images"})


def test_the_key_is_among_the_user_s_settings_apart_from_the_database(monkeypatch):
    environ = {"XDG_CONFIG_HOME": "/settings", "APPDATA": "/settings"}
    assert key_file("id7", environ) == Path("/settings/mlmcsc/keys/id7.key")
    monkeypatch.setenv("HOME", "/home/jo")
    expected = Path("/home/jo/.config/mlmcsc/keys/id7.key")
    assert key_file("id7", {}) == expected
    assert key_file("id7", {"XDG_CONFIG_HOME": "relative"}) == expected


def test_a_user_without_home_has_no_place_for_keys(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert key_file("id7", {}) is None


def test_archives_lie_beside_an_sqlite_database_or_where_the_settings_say():
    assert archive_folder(Config(), FILE, "id7") == Path("/data/lab.db.archive")
    assert archive_folder(Config(), None, "id7") is None
    config = configured(retention={"archive_directory": "/cold"})
    assert archive_folder(config, FILE, "id7") == Path("/cold/id7")
    assert archive_folder(config, None, "id7") == Path("/cold/id7")


def test_an_archive_folder_that_would_follow_the_working_directory_is_refused():
    with pytest.raises(ConfigError, match=r"archive_directory.*relative.*an absolute path"):
        configured(retention={"archive_directory": "cold"})


def test_versions_lie_beside_an_sqlite_database_or_where_the_settings_say():
    assert version_folder(Config(), FILE, "id7") == Path("/data/lab.db.versions")
    assert version_folder(Config(), None, "id7") is None
    config = configured(versioning={"directory": "/frozen"})
    assert version_folder(config, FILE, "id7") == Path("/frozen/id7")
    assert version_folder(config, None, "id7") == Path("/frozen/id7")


def test_a_version_folder_that_would_follow_the_working_directory_is_refused():
    with pytest.raises(ConfigError, match=r"versioning\.directory.*relative.*an absolute path"):
        configured(versioning={"directory": "frozen"})
