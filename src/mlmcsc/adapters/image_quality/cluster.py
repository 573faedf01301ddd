"""Measuring on a Dask cluster whose workers see the same files."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from mlmcsc.adapters.image_quality.tasks import MeasureOptions, Task, measure_one
from mlmcsc.domain.image_quality.results import Measurement
from mlmcsc.errors import UnsupportedError, ValidationError

AHEAD = 4
"""Requests under way per thread of the cluster."""
SECONDS_TO_CONNECT = 10


def check_address(address: Any) -> None:
    """Refuse what is no address of a scheduler, before anything waits for an answer.

    Raises:
        ValidationError: It is not `tcp://host:port` or `tls://host:port`.
    """
    try:
        parts = urlsplit(address)
        port, host = parts.port, parts.hostname
        valid = parts.scheme in {"tcp", "tls"} and host and port and parts.path in {"", "/"}
    except (ValueError, AttributeError, TypeError):  # a port of letters; not a text
        valid = False
    if not valid or not isinstance(address, str):
        raise ValidationError(
            f"cluster={address!r}: give the scheduler's address, such as tcp://host:8786."
        )


def measure_on_cluster(
    chunks: Iterable[Sequence[Task]], options: MeasureOptions, address: str
) -> Iterator[list[Measurement]]:
    """Measure files in order, a chunk at a time, on the cluster whose scheduler is at `address`.

    Args:
        chunks: The files; taken as they are needed. Paths are those of this machine.
        options: How they are read.
        address: As `check_address` takes it.

    Raises:
        UnsupportedError: Dask is not installed, nothing answers, or there are no workers.
    """
    if importlib.util.find_spec("distributed") is None:
        raise UnsupportedError("a cluster needs dask; install with: pip install 'mlmcsc[dask]'")
    from distributed import Client  # noqa: PLC0415 - heavy, and an extra

    connect: Any = Client  # its methods have no types
    try:
        client = connect(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise UnsupportedError(
            f"no Dask scheduler answers at {address} ({error}). Start one with: dask scheduler"
        ) from error
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise UnsupportedError(
                f"the Dask cluster at {address} has no workers. Start some with: "
                f"dask worker {address}"
            )
        yield from _mapped(client, chunks, options, threads * AHEAD)


def _mapped(
    client: Any, chunks: Iterable[Sequence[Task]], options: MeasureOptions, ahead: int
) -> Iterator[list[Measurement]]:
    rest = iter(chunks)

    def submit(count: int) -> list[Any]:
        return [client.submit(_measure, list(c), options, pure=False) for c in islice(rest, count)]

    waiting = submit(ahead)
    while waiting:
        yield waiting.pop(0).result()
        waiting += submit(1)


def _measure(tasks: Sequence[Task], options: MeasureOptions) -> list[Measurement]:
    """Run by a worker of the cluster."""
    return [measure_one(task, options) for task in tasks]
