#!/usr/bin/env python3
"""CPU time of a TLS 1.3 echo server per message, against hand-written epoll and OpenSSL in C."""

from __future__ import annotations

import argparse

import cpu_per_message
import harness
import tls_servers

GOAL = 1.0  # times epoll_tls_echo
SIZES = [64, 16384]  # bytes; the second fills a record


def measure(options: argparse.Namespace) -> None:
    rounds, seconds = (3, 0.5) if options.quick else (options.rounds, options.seconds)
    with tls_servers.certificate() as own:
        yardstick = tls_servers.epoll_echo(own)
        servers = [*tls_servers.simul_echo(options, own), yardstick]
        for size in options.sizes:
            cpu_per_message.measure_and_report(
                f"CPU per message over TLS, {size:,} bytes, {options.connections} connections",
                servers, rounds, "--tls", "--size", size, "--connections", options.connections,
                "--seconds", seconds, yardstick=yardstick, goal=GOAL)


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="BYTES")
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=cpu_per_message.ROUNDS)
    parser.add_argument("--seconds", type=float, default=cpu_per_message.SECONDS,
                        help="counted, in each round")
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
