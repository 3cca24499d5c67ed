"""What the measurement commands of HTTP share: servers that say hello or have a file, and wrk."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import pathlib
import string
import subprocess
import tempfile
import time
from collections.abc import Iterator

import harness
import nginx

HELLO = b"Hello, world!\n"
FILE_SIZE = 4096
WARM_UP = 1  # seconds; wrk takes whole ones
CONNECTIONS = 11_000  # that a peer must take

SIMUL = """\
  - name: http
    address: 127.0.0.1:$$port
    protocol: http
    idle_timeout: 5m
    options: { routes: { /: "Hello, world!\\n" }$root }
"""
# Each server sends Server, Date, Content-Type and Content-Length, except for HAProxy, which has no
# Server and no Date.
NGINX_HELLO = """\
  keepalive_timeout 5m;
  server {
    listen 127.0.0.1:$port;
    location / {
      default_type text/plain;
      return 200 "Hello, world!\\n";
    }
  }
"""
NGINX_FILES = """\
  keepalive_timeout 5m;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=1000 inactive=1h;
  open_file_cache_valid 1h;
  types { text/plain txt; }
  server {
    listen 127.0.0.1:$port;
    root $root;
  }
"""
HAPROXY = """\
global
  nbthread 1
  maxconn $connections
  no strict-limits
defaults
  mode http
  timeout client 5m
  timeout http-request 10s
  timeout http-keep-alive 5m
frontend hello
  bind 127.0.0.1:$port
  http-request return status 200 content-type text/plain string "Hello, world!\\n"
"""


def simul(options: argparse.Namespace, root: pathlib.Path | None = None,
          threads: str = "1") -> list[harness.Candidate]:
    """One that says hello at `/`, and serves files if there are any."""
    listeners = string.Template(SIMUL).substitute(root=f", root: {root}" if root else "")
    return harness.candidates(options, [threads], listeners)


def nginx_hello(label: str = "nginx") -> harness.Candidate:
    return nginx.candidate(NGINX_HELLO, label, CONNECTIONS)


def nginx_files(root: pathlib.Path) -> harness.Candidate:
    return nginx.candidate(NGINX_FILES, connections=CONNECTIONS, root=root)


def haproxy() -> harness.Candidate:
    binary = harness.installed("haproxy", "haproxy")

    def command(port: int, folder: pathlib.Path) -> list[str]:
        config = folder / "haproxy.cfg"
        config.write_text(string.Template(HAPROXY).substitute(port=port, connections=CONNECTIONS))
        return [binary, "-db", "-f", str(config)]

    return harness.Candidate("haproxy", command)


@contextlib.contextmanager
def folder_with_file(name: str) -> Iterator[pathlib.Path]:
    with tempfile.TemporaryDirectory(prefix="simul-bench-") as folder:
        pathlib.Path(folder, name).write_bytes(file_content())
        yield pathlib.Path(folder)


def file_content() -> bytes:
    return bytes(ord("a") + i % 26 for i in range(FILE_SIZE))


def check(server: harness.Server, path: str, expected: bytes) -> None:
    """wrk doesn't look at what it gets, so this does, once."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        if response.status != 200 or response.read() != expected:
            raise harness.Failure(f"GET {path}: not the expected answer (status {response.status})")


def load(server: harness.Server, path: str, connections: int, depth: int,
         seconds: int) -> dict[str, float]:
    """wrk to its end, and the CPU time that the server used meanwhile."""
    _wrk(server, path, connections, depth, WARM_UP)
    cpu_before = harness.cpu_seconds(server.pid)
    begin = time.monotonic()
    figures = _wrk(server, path, connections, depth, seconds)
    cpu = harness.cpu_seconds(server.pid) - cpu_before
    figures["cpu_us_per_request"] = 1e6 * cpu / figures["requests"]
    figures["cpu_busy"] = cpu / (time.monotonic() - begin)
    return figures


def _wrk(server: harness.Server, path: str, connections: int, depth: int,
         seconds: int) -> dict[str, float]:
    command = [harness.installed("wrk", "wrk"), "-t", "1", "-c", str(connections), "-d",
               f"{seconds}s", "-s", str(harness.BENCH / "wrk.lua"),
               f"http://127.0.0.1:{server.port}{path}", "--", str(depth)]
    done = subprocess.run(harness.pinned(harness.LOAD_CORE, command), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=False, timeout=300)
    if done.returncode != 0 or not done.stdout:
        raise harness.Failure(f"wrk ended with status {done.returncode}")
    figures = harness.figures(done.stdout.splitlines()[-1])
    if figures["errors"] > 0 or figures["requests"] == 0:
        raise harness.Failure(f"wrk met errors: {done.stdout.splitlines()[-1]}")
    return figures
