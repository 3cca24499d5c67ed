#!/usr/bin/env python3
"""What it costs a server to be watched: 10,000 connections under `simul top`, and messages whose time is counted."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator

import harness

GOAL = 1.02
CONNECTIONS = 10_000  # simul's default limit
ROWS = 50  # of a tall terminal
ROUNDS = 10
SECONDS = 3.0


def connect(path: str) -> socket.socket:
    """A server listens for its clients a little earlier than for those who look at it."""
    deadline = time.monotonic() + 5
    while True:
        peer = socket.socket(socket.AF_UNIX)
        try:
            peer.connect(path)
            return peer
        except OSError as error:
            peer.close()
            if time.monotonic() > deadline:
                raise harness.Failure(f"{path}: {error}") from error
            time.sleep(0.02)


class Watcher:
    """Asks an inspector what `simul top` asks, as often, and keeps what the answers say of their cost."""

    def __init__(self, pid: int) -> None:
        self._socket = connect(f"{os.environ['XDG_RUNTIME_DIR']}/simul/{pid}.sock")
        self._lines = self._socket.makefile("rw")
        self.pauses_us: list[float] = []
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self.ask(command="count_time", on=True)

    def ask(self, **request: object) -> dict[str, object]:
        self._lines.write(json.dumps(request) + "\n")
        self._lines.flush()
        answer = json.loads(self._lines.readline())
        if not answer["ok"]:
            raise harness.Failure(answer["error"])
        return answer

    def refresh_each_second(self) -> None:
        self._thread = threading.Thread(target=self._refresh)
        self._thread.start()

    def _refresh(self) -> None:
        while True:
            answer = self.ask(command="tasks", limit=ROWS, sort="busy")
            self.pauses_us += [loop["pause_ns"] / 1000 for loop in answer["loops"]]
            if self._end.wait(1):
                return

    def close(self) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        self._lines.close()
        self._socket.close()


@contextlib.contextmanager
def watched(pid: int, how: str) -> Iterator[Watcher | None]:
    """`how`: "not watched", "counted" (a client that wants the time counted, and looks at nothing), "simul top"."""
    if how == "not watched":
        yield None
        return
    watcher = Watcher(pid)
    try:
        if how == "simul top":
            watcher.refresh_each_second()
        yield watcher
    finally:
        watcher.close()


def in_words(pauses_us: list[float]) -> list[str]:
    """Median, 90th percentile and maximum; the last is often that of another process on the same core."""
    ordered = sorted(pauses_us)
    return [f"{ordered[min(int(part * len(ordered)), len(ordered) - 1)]:,.0f}" for part in (0.5, 0.9, 1)]


def measure_idle(candidate: harness.Candidate, connections: int, rounds: int, seconds: float) -> None:
    """CPU time of a server with idle connections, and how long a refresh holds up its loop."""
    shares: dict[str, list[float]] = {"not watched": [], "simul top": []}
    pauses: list[float] = []
    with harness.running(candidate) as server:
        with harness.standing_by(server.port, "--hold", "--connections", connections):
            time.sleep(0.5)
            for _ in range(rounds):
                for how, share in shares.items():
                    with watched(server.pid, how) as watcher:
                        time.sleep(0.5)  # the first answer has no rates
                        before, begin = harness.cpu_seconds(server.pid), time.monotonic()
                        time.sleep(seconds)
                        share.append((harness.cpu_seconds(server.pid) - before) / (time.monotonic() - begin))
                    if watcher:
                        pauses += watcher.pauses_us
    median = {how: statistics.median(share) for how, share in shares.items()}
    harness.table(
        f"{connections:,} idle connections, refreshed each second (medians of {rounds} rounds)",
        ["", "CPU", "goal", "pause of the loop, us", "p90", "longest"],
        [["not watched", f"{100 * median['not watched']:.2f} %", "", "", "", ""],
         ["simul top", f"{100 * median['simul top']:.2f} %", "<= 2 %", *in_words(pauses)]])


def measure_load(candidate: harness.Candidate, how: str, connections: int, rounds: int,
                 seconds: float) -> None:
    """CPU time per message with and without a watcher, in turns."""
    ways = ["not watched", how]
    costs: dict[str, list[float]] = {way: [] for way in ways}
    pauses: list[float] = []
    for turn in range(rounds):
        for way in ways if turn % 2 == 0 else reversed(ways):
            with harness.running(candidate) as server, watched(server.pid, way) as watcher:
                sample = harness.load(server.port, "--connections", connections, "--seconds", seconds,
                                      "--cpu-of", server.pid)
            costs[way].append(sample["cpu_ns_per_message"])
            pauses += watcher.pauses_us if watcher else []
    ratios = [own / plain for own, plain in zip(costs[how], costs["not watched"])]
    rows = [["not watched", f"{statistics.median(costs['not watched']) / 1000:.3f}", "1",
             *[""] * 5],
            [how, f"{statistics.median(costs[how]) / 1000:.3f}", f"{statistics.median(ratios):.3f}",
             f"{min(ratios):.2f}-{max(ratios):.2f}", f"<= {GOAL:.2f}",
             *(in_words(pauses) if pauses else [""] * 3)]]
    harness.table(f"Messages of {connections:,} connections (medians of {rounds} rounds)",
                  ["", "us/message", "ratio", "range", "goal", "pause of the loop, us", "p90",
                   "longest"], rows)


def measure(options: argparse.Namespace) -> None:
    rounds, seconds = (2, 1.0) if options.quick else (options.rounds, options.seconds)
    others = harness.Others()
    with tempfile.TemporaryDirectory(prefix="simul-bench-") as folder:
        os.environ["XDG_RUNTIME_DIR"] = str(pathlib.Path(folder))
        for candidate in harness.candidates(options, ["1"]):
            measure_idle(candidate, options.connections, rounds, seconds)
            measure_load(candidate, "simul top", options.connections, rounds, seconds)
            measure_load(candidate, "counted", 100, rounds, seconds)
    if warning := others.warning():
        print(warning, flush=True)


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS, metavar="N")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="counted, in each round")
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
