#!/usr/bin/env python3
"""Memory of a TLS 1.3 echo server per idle connection that has echoed one message."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import harness
import memory_per_connection
import tls_servers

GOAL = 1024  # bytes, on top of epoll_tls_echo's, which are OpenSSL's own and some fifty
CONNECTIONS = 5000
OPENING = [16, 256]  # connections at a time


def measure(options: argparse.Namespace) -> None:
    connections = 500 if options.quick else options.connections
    with tls_servers.certificate() as own:
        yardstick = tls_servers.epoll_echo(own)
        servers = [*tls_servers.simul_echo(options, own, ["1", "auto"]), yardstick]
        rows = []
        for opening in OPENING:
            rows += measure_opened(servers, yardstick.label, connections, opening)
    harness.table(f"Memory per TLS connection, {connections:,} idle connections",
                  ["server", "opened at a time", "before KiB", "with KiB", "bytes/connection",
                   "more than OpenSSL's", "goal"], rows)


def measure_opened(servers: Sequence[harness.Candidate], yardstick: str, connections: int,
                   opening: int) -> list[list[str]]:
    results = {
        server.label: memory_per_connection.measure_one(server, connections, "--tls", "--opening",
                                                        opening)
        for server in servers
    }

    def per_connection(label: str) -> float:
        before, held = results[label]
        return (held - before) / connections

    return [[
        label,
        str(opening),
        f"{before / 1024:,.0f}",
        f"{held / 1024:,.0f}",
        f"{per_connection(label):,.0f}",
        f"{per_connection(label) - per_connection(yardstick):,.0f}",
        f"<= {GOAL:,} bytes" if label.startswith("simul") else "",
    ] for label, (before, held) in results.items()]


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
