"""The program's commands from a process that has imported it already: starting is most of a page.

`serve` waits at a socket; the program that lies on the reader's PATH under the name `mlmcsc` hands
over its words, folder, environment and open files, and a fork runs them as the real program would.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import traceback

CLIENT = """#!{python} -IS
import array, json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    files = array.array("i", [0, 1, 2])
    server.sendmsg([len(said).to_bytes(8, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
    server.sendall(said)
    sys.exit(int(server.makefile().read()))
"""
LOADED = ("mlmcsc.cli", "mlmcsc.bootstrap", "mlmcsc.services", "mlmcsc.store", "mlmcsc.domain")


def serve(address: str) -> None:
    """Answer until killed; each command in a fork of its own, one beside the other."""
    for package in map(importlib.import_module, LOADED):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" in module.name:
                continue  # Alembic runs these
            with contextlib.suppress(ModuleNotFoundError):  # an extra that is not installed
                importlib.import_module(module.name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)  # noqa: T201  # whoever started us waits for it
        while True:
            client, _ = server.accept()
            if os.fork() == 0:
                _answer(client)
            client.close()


def _answer(client: socket.socket) -> None:
    """Run the command in yet another fork, wait for it, and tell its exit code."""
    length, files, _, _ = socket.recv_fds(client, 8, 3)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    said = client.makefile("rb").read(int.from_bytes(length, "big"))
    child = os.fork()
    if child == 0:
        _run(files, *json.loads(said))
    _, status = os.waitpid(child, 0)
    client.sendall(b"%d" % (os.waitstatus_to_exitcode(status) % 256))
    os._exit(0)


def _run(files: list[int], words: list[str], folder: str, environment: dict[str, str]) -> None:
    for ours, theirs in enumerate(files):
        os.dup2(theirs, ours)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115  # for as long as the process
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["mlmcsc", *words]
    from mlmcsc.cli import main

    code = 3
    try:
        code = main()
    except BaseException:  # noqa: BLE001  # whatever it was, this fork must end here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
