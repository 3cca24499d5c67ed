#!/usr/bin/env python3
"""What the runtime costs (await, spawn, channel, timer, sleep, gather), beside Boost.Asio's coroutines."""

from __future__ import annotations

import argparse
import pathlib
import statistics
import subprocess

import harness

ROUNDS = 7
# Name, what it is, unit, the goal in words.
FIGURES = [
    ("nested_await", "await of a coroutine that is ready", "ns", "<= 8 ns"),
    ("spawn_join", "spawn and join of a task", "ns", "<= Asio's"),
    ("channel", "channel, send and receive, one loop", "ns", ""),
    ("channel_two_loops", "channel, send and receive, two loops", "ns", ""),
    ("timer_10000", "timer armed and cancelled, 10,000 others", "ns", ""),
    ("timer_1000000", "timer armed and cancelled, 1,000,000 others", "ns", "<= 1.5 times the line above"),
    ("sleep_lateness", "lateness of a sleep, p99", "us", "<= 300 us"),
    ("sleeping_task_bytes", "memory of a sleeping task", "bytes", "<= 400 bytes"),
    ("gather", "gather of 100,000 tasks, per task", "ns", ""),
]
ON_TWO_CORES = {"channel_two_loops"}


def take(binary: pathlib.Path, figure: str) -> float:
    core = None if figure in ON_TWO_CORES else harness.SERVER_CORE
    done = subprocess.run(harness.pinned(core, [str(binary), figure]), stdout=subprocess.PIPE,
                          text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise harness.Failure(f"{binary.name} {figure} ended with status {done.returncode}")
    return float(done.stdout)


def measure(options: argparse.Namespace) -> None:
    own = options.simul.absolute().parent.parent / "bench" / "runtime"
    asio = harness.PEERS / "asio_runtime"
    binaries = {"Asio": asio} if options.peers_only else {"simul": own, "Asio": asio}
    for binary in binaries.values():
        if not binary.is_file():
            raise harness.Failure(f"{binary} does not exist: build it")
    others = harness.Others()
    results: dict[tuple[str, str], list[float]] = {}
    for turn in range(1 if options.quick else ROUNDS):
        order = list(binaries) if turn % 2 == 0 else list(reversed(binaries))
        for figure, *_ in FIGURES:
            for label in order:
                results.setdefault((label, figure), []).append(take(binaries[label], figure))
    rows = []
    for figure, what, unit, goal in FIGURES:
        median = {label: statistics.median(results[label, figure]) for label in binaries}
        rows.append([what, unit, *(f"{median[label]:,.1f}" for label in binaries),
                     f"{median['simul'] / median['Asio']:.2f}" if "simul" in median else "", goal])
    harness.table("The runtime, beside Boost.Asio 1.81",
                  ["figure", "unit", *binaries, "ratio", "goal"], rows)
    print(others.warning(), end="")


if __name__ == "__main__":
    harness.main(measure, harness.arguments(__doc__).parse_args())
