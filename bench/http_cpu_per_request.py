#!/usr/bin/env python3
"""CPU time of an HTTP server per `GET /` with keep-alive, against nginx's `return 200`."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence

import harness
import http_servers

GOAL = 0.95  # times nginx's
ROUNDS = 10
SECONDS = 2


def measure(options: argparse.Namespace) -> None:
    yardstick = http_servers.nginx_hello()
    servers = [*http_servers.simul(options), yardstick]
    if options.all or options.peers_only:
        servers.append(http_servers.haproxy())
    rounds, seconds = (3, 1) if options.quick else (options.rounds, options.seconds)
    for connections in options.connections:
        measure_and_report(f"Hello, world over HTTP, {connections:,} connections", servers, rounds,
                           hello(connections, 1, seconds), yardstick, cpu_goal=GOAL)


def hello(connections: int, depth: int,
          seconds: int) -> Callable[[harness.Server], dict[str, float]]:
    def sample(server: harness.Server) -> dict[str, float]:
        http_servers.check(server, "/", http_servers.HELLO)
        return http_servers.load(server, "/", connections, depth, seconds)

    return sample


def measure_and_report(title: str, servers: Sequence[harness.Candidate], rounds: int,
                       sample: Callable[[harness.Server], dict[str, float]],
                       yardstick: harness.Candidate, *, cpu_goal: float | None = None,
                       rate_goal: float | None = None) -> None:
    def sample_of(candidate: harness.Candidate) -> dict[str, float]:
        with harness.running(candidate) as server:
            return sample(server)

    others = harness.Others()
    samples = harness.interleaved(servers, rounds, sample_of)

    def median(label: str, figure: str) -> float:
        return statistics.median(sample[figure] for sample in samples[label])

    def ratios(label: str, figure: str) -> list[float]:
        return [own[figure] / peer[figure]
                for own, peer in zip(samples[label], samples[yardstick.label])]

    rows = []
    for label in samples:
        cpu, rate = ratios(label, "cpu_us_per_request"), ratios(label, "rate")
        own = label == "simul"
        rows.append([
            label,
            f"{median(label, 'cpu_us_per_request'):.3f}",
            f"{statistics.median(cpu):.3f}",
            f"{min(cpu):.2f}-{max(cpu):.2f}",
            f"<= {cpu_goal:.2f}" if own and cpu_goal else "",
            f"{100 * median(label, 'cpu_busy'):.0f} %",
            f"{median(label, 'rate'):,.0f}",
            f"{statistics.median(rate):.2f}",
            f"{min(rate):.2f}-{max(rate):.2f}",
            f">= {rate_goal:.1f}" if own and rate_goal else "",
        ])
    harness.table(f"{title} (medians of {rounds} rounds)",
                  ["server", "us of CPU/request", "ratio", "range", "goal", "busy", "requests/s",
                   "ratio", "range", "goal"], rows)
    if warning := others.warning():
        print(warning, flush=True)


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--all", action="store_true", help="measure HAProxy as well")
    parser.add_argument("--connections", type=int, nargs="+", default=[100, 1000], metavar="N")
    add_rounds(parser)
    return parser.parse_args()


def add_rounds(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=int, default=SECONDS,
                        help="counted, in each round; whole ones")


if __name__ == "__main__":
    harness.main(measure, parse())
