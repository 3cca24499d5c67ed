#!/usr/bin/env python3
"""Memory of an echo server per idle connection that has echoed one message."""

from __future__ import annotations

import argparse
import pathlib
import time

import harness

GOAL = 768  # bytes
CONNECTIONS = 10_000  # simul's default limit
SETTLE = 0.5  # seconds, for work that a server puts off


def pss(pid: int) -> int:
    """The process's private memory and its share of what it shares, in bytes."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise harness.Failure(f"no Pss in /proc/{pid}/smaps_rollup")


def measure_one(candidate: harness.Candidate, connections: int,
                *load: object) -> tuple[int, int]:
    """PSS before and with the connections."""
    with harness.running(candidate, core=None) as server:
        harness.load(server.port, *load, "--connections", 1, "--messages", 1)  # touches the paths
        time.sleep(SETTLE)
        before = pss(server.pid)
        with harness.standing_by(server.port, *load, "--hold", "--connections", connections):
            time.sleep(SETTLE)
            return before, pss(server.pid)


def measure(options: argparse.Namespace) -> None:
    connections = 1000 if options.quick else options.connections
    results = {
        candidate.label: measure_one(candidate, connections)
        for candidate in [*harness.candidates(options, ["1", "auto"]), harness.EPOLL, harness.LIBUV]
    }

    def per_connection(label: str) -> float:
        before, held = results[label]
        return (held - before) / connections

    rows = [[
        label,
        f"{before / 1024:,.0f}",
        f"{held / 1024:,.0f}",
        f"{per_connection(label):,.0f}",
        f"{per_connection(label) / per_connection(harness.LIBUV.label):.2f}",
        f"<= {GOAL} bytes" if label.startswith("simul") else "",
    ] for label, (before, held) in results.items()]
    harness.table(f"Memory per connection, {connections:,} idle connections",
                  ["server", "before KiB", "with KiB", "bytes/connection", "ratio to libuv",
                   "goal"], rows)


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
