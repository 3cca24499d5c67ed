#!/usr/bin/env python3
"""System calls of an echo server per message, counted by strace."""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import signal
import subprocess
import time
from collections.abc import Iterator

import harness

GOAL = 2.1  # one recv, one send, and a hundredth of an epoll_wait or so
CONNECTIONS = 100
MESSAGES = 200  # per connection
LEAST = 0.0005  # calls per message: rarer ones are left out

Counts = dict[str, tuple[int, int]]  # calls and failed calls, by name


@contextlib.contextmanager
def traced(pid: int, summary: pathlib.Path) -> Iterator[None]:
    """strace on all threads of a running process; the summary is complete afterwards."""
    strace = subprocess.Popen(["strace", "-f", "-c", "-U", "calls,errors,name", "-o", str(summary),
                               "-p", str(pid)], stderr=subprocess.PIPE, text=True)
    try:
        assert strace.stderr is not None
        if "attached" not in (line := strace.stderr.readline()):
            raise harness.Failure(f"strace could not attach: {line.strip()}")
        time.sleep(0.2)  # for the other threads
        yield
    finally:
        strace.send_signal(signal.SIGINT)
        strace.communicate(timeout=20)


def parse_summary(text: str) -> Counts:
    counts: Counts = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) in (2, 3) and fields[0].isdigit() and fields[-1] != "total":
            counts[fields[-1]] = (int(fields[0]), int(fields[1]) if len(fields) == 3 else 0)
    return counts


def count(candidate: harness.Candidate, messages: int) -> Counts:
    """Calls between two quiet moments: connections open and warm, then `messages` on each."""
    with harness.running(candidate) as server:
        with harness.standing_by(server.port, "--connections", CONNECTIONS, "--messages", messages,
                                 "--wait") as load:
            assert load.stdin is not None and load.stdout is not None
            summary = server.folder / "strace"
            with traced(server.pid, summary):
                load.stdin.write("go\n")
                load.stdin.flush()
                load.stdout.readline()
            return parse_summary(summary.read_text())


def measure(options: argparse.Namespace) -> None:
    messages = 20 if options.quick else MESSAGES
    results = {
        candidate.label: count(candidate, messages)
        for candidate in [*harness.candidates(options), harness.EPOLL, harness.LIBUV]
    }
    total = CONNECTIONS * messages

    def cell(calls: int, failed: int) -> str:
        return f"{calls / total:.3f}" + (f" ({failed / total:.3f} failed)" if failed else "")

    def most(name: str) -> float:
        return max(counts.get(name, (0, 0))[0] for counts in results.values()) / total

    names = {name for counts in results.values() for name in counts if most(name) >= LEAST}
    rows = [[name, *(cell(*counts.get(name, (0, 0))) for counts in results.values())]
            for name in sorted(names, key=lambda name: (-most(name), name))]
    sums = {label: sum(calls for calls, _ in counts.values()) for label, counts in results.items()}
    rows.append(["all", *(f"{calls / total:.3f}" for calls in sums.values())])
    rows.append(["ratio to epoll_echo",
                 *(f"{calls / sums[harness.EPOLL.label]:.3f}" for calls in sums.values())])
    rows.append(["goal", *(f"<= {GOAL}" if label == "simul" else "" for label in sums)])
    harness.table(f"System calls per message, {CONNECTIONS} connections, under strace",
                  ["call", *results], rows)


if __name__ == "__main__":
    harness.main(measure, harness.arguments(__doc__).parse_args())
