#!/usr/bin/env python3
"""CPU time of an echo server per 64-byte message, against hand-written epoll in C."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence

import harness

GOAL = 1.03  # times epoll_echo
ROUNDS = 10
SECONDS = 2.0


def measure(options: argparse.Namespace) -> None:
    servers = [*harness.candidates(options, [options.threads]), harness.EPOLL]
    if options.all or options.peers_only:
        servers.append(harness.LIBUV)
    rounds, seconds = (3, 0.5) if options.quick else (options.rounds, options.seconds)
    for connections in options.connections:
        measure_and_report(f"CPU per message, {connections:,} connections", servers, rounds,
                           "--connections", connections, "--seconds", seconds,
                           yardstick=harness.EPOLL, goal=GOAL)


def measure_and_report(title: str, servers: Sequence[harness.Candidate], rounds: int,
                       *load: object, yardstick: harness.Candidate, goal: float) -> None:
    def cpu_per_message(candidate: harness.Candidate) -> dict[str, float]:
        with harness.running(candidate) as server:
            return harness.load(server.port, *load, "--cpu-of", server.pid)

    others = harness.Others()
    samples = harness.interleaved(servers, rounds, cpu_per_message)

    def cost(label: str) -> list[float]:
        return [sample["cpu_ns_per_message"] for sample in samples[label]]

    def median(label: str, figure: str) -> float:
        return statistics.median(sample[figure] for sample in samples[label])

    rows = []
    for label in samples:
        ratios = [own / peer for own, peer in zip(cost(label), cost(yardstick.label))]
        rows.append([
            label,
            f"{statistics.median(cost(label)) / 1000:.3f}",
            f"{statistics.median(ratios):.3f}",
            f"{min(ratios):.2f}-{max(ratios):.2f}",
            f"<= {goal:.2f}" if label == "simul" else "",
            f"{100 * median(label, 'cpu_busy'):.0f} %",
            f"{median(label, 'rate'):,.0f}",
            f"{median(label, 'p50_us'):,.0f}",
            f"{median(label, 'p99_us'):,.0f}",
        ])
    harness.table(f"{title} (medians of {rounds} rounds)",
                  ["server", "us/message", "ratio", "range", "goal", "busy", "messages/s",
                   "p50 us", "p99 us"], rows)
    if warning := others.warning():
        print(warning, flush=True)


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--all", action="store_true", help="measure libuv_echo as well")
    parser.add_argument("--threads", default="1", help="simul's `threads:` (default: 1)")
    parser.add_argument("--connections", type=int, nargs="+", default=[100, 1000], metavar="N")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="counted, in each round")
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
