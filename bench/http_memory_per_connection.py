#!/usr/bin/env python3
"""Memory of an HTTP server per idle keep-alive connection that has made one request."""

from __future__ import annotations

import argparse
import contextlib
import resource
import socket
import time
from collections.abc import Sequence

import harness
import http_servers
import memory_per_connection

GOAL = 768  # bytes
OPENING = 256  # connections at a time
# As browsers send it: what a server keeps of a request would show.
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: " + b"x" * 300 + b"\r\n\r\n"


def receive_answer(connection: socket.socket) -> None:
    answer = b""
    while not answer.endswith(http_servers.HELLO):
        part = connection.recv(4096)
        if not part:
            raise harness.Failure(f"closed by the server after {answer!r}")
        answer += part
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise harness.Failure(f"not the expected answer: {answer!r}")


def open_and_ask(port: int, count: int, held: contextlib.ExitStack) -> Sequence[socket.socket]:
    """Connections that have all sent a request before the first answer is read."""
    connections = []
    for _ in range(count):
        connection = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        connection.sendall(REQUEST)
        connections.append(connection)
    for connection in connections:
        receive_answer(connection)
    return connections


def measure_one(candidate: harness.Candidate, count: int) -> tuple[int, int]:
    """PSS before and with the connections."""
    with harness.running(candidate, core=None) as server:
        with contextlib.ExitStack() as first:
            open_and_ask(server.port, 1, first)  # touches the paths
        time.sleep(memory_per_connection.SETTLE)
        before = memory_per_connection.pss(server.pid)
        with contextlib.ExitStack() as held:
            connections: list[socket.socket] = []
            while len(connections) < count:
                connections += open_and_ask(server.port, min(OPENING, count - len(connections)),
                                            held)
            time.sleep(memory_per_connection.SETTLE)
            after = memory_per_connection.pss(server.pid)
            for connection in connections:
                with contextlib.suppress(BlockingIOError):
                    connection.setblocking(False)
                    connection.recv(1)  # nothing, not even an end
                    raise harness.Failure(f"{candidate.label} didn't keep its connections")
            return before, after


def measure(options: argparse.Namespace) -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    count = 1000 if options.quick else options.connections
    yardstick = http_servers.nginx_hello()
    servers = [*http_servers.simul(options), yardstick, http_servers.haproxy()]
    results = {candidate.label: measure_one(candidate, count) for candidate in servers}

    def per_connection(label: str) -> float:
        before, with_connections = results[label]
        return (with_connections - before) / count

    rows = [[
        label,
        f"{before / 1024:,.0f}",
        f"{with_connections / 1024:,.0f}",
        f"{per_connection(label):,.0f}",
        f"{per_connection(label) / per_connection(yardstick.label):.2f}",
        f"<= {GOAL} bytes" if label == "simul" else "",
    ] for label, (before, with_connections) in results.items()]
    harness.table(f"Memory per HTTP connection, {count:,} idle connections",
                  ["server", "before KiB", "with KiB", "bytes/connection", "ratio to nginx",
                   "goal"], rows)


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--connections", type=int, default=memory_per_connection.CONNECTIONS)
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
