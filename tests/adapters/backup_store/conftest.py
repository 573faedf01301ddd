"""A real S3 server (moto), a proxy that spoils what passes it, and both kinds of places."""

from __future__ import annotations

import http.client
import itertools
import logging
import socket
import struct
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from mlmcsc.adapters.backup_store import open_store, s3_access, s3_reading

_buckets = itertools.count()


@pytest.fixture(scope="session")
def s3_server():
    """Its URL."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def impatient(monkeypatch):
    """What is tried again is tried again soon."""
    soon = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2)}
    retries = {"max_retries": 2, "retry_timeout": timedelta(seconds=10), "backoff": soon}
    monkeypatch.setattr(s3_access, "_RETRIES", retries)
    monkeypatch.setattr(s3_reading, "PAUSE", 0.001)


@pytest.fixture
def bucket_url(s3_server, monkeypatch, tmp_path):
    """`s3://bucket/prefix` of a new bucket, which the environment gives access to."""
    name = f"bucket-{next(_buckets)}"
    for variable in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATESTTESTTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    connection = http.client.HTTPConnection(urlsplit(s3_server).netloc, timeout=30)
    connection.request("PUT", f"/{name}")
    assert connection.getresponse().status == 200
    connection.close()
    return f"s3://{name}/lab/backups"


@pytest.fixture(params=["folder", "bucket"])
def place(request, tmp_path):
    """A folder, or a bucket."""
    if request.param == "folder":
        return tmp_path / "backups"
    return request.getfixturevalue("bucket_url")


@pytest.fixture
def store(place):
    return open_store(place)


class Proxy(ThreadingHTTPServer):
    """Passes requests on, and spoils those that `faults` names.

    Attributes:
        faults: `(method, kind, times)`; the first that fits and has times left is done.
    """

    daemon_threads = True

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream)
        self.faults = []
        self.done = []
        self.one = threading.Lock()

    def fault(self, method):
        with self.one:
            for fault in self.faults:
                if fault[0] == method and fault[2] > 0:
                    fault[2] -= 1
                    self.done.append(fault[1])
                    return fault[1]
        return None

    def handle_error(self, request, client_address):
        """Clients that hang up are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _pass(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.fault(self.command)
        if fault == "reset":
            return self._reset()
        if fault == "503":
            return self._answer(503, {}, b"<Error><Code>SlowDown</Code></Error>")
        if fault == "corrupt upload" and body:
            body = _flipped(body)
        status, headers, answer = self._ask(body)
        if fault == "lost answer":
            return self._reset()
        if fault == "corrupt download" and answer:
            answer = _flipped(answer)
        return self._answer(status, headers, answer, cut=fault == "cut short")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass  # noqa: N815  # names of http.server

    def _ask(self, body):
        upstream = self.server.upstream
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=30)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _answer(self, status, headers, body, *, cut=False):
        self.send_response_only(status)
        skipped = {"transfer-encoding", "connection"}
        if self.command != "HEAD":
            skipped.add("content-length")
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            if name.lower() not in skipped:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self._reset()

    def _reset(self):
        self.close_connection = True
        self.wfile.flush()
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


def _flipped(body):
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


@pytest.fixture
def proxy(bucket_url, s3_server, monkeypatch, impatient):
    """A faulty way to the bucket."""
    server = Proxy(s3_server)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
