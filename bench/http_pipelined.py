#!/usr/bin/env python3
"""Rate of an HTTP server whose clients send sixteen requests at a time, against nginx."""

from __future__ import annotations

import argparse

import harness
import http_cpu_per_request
import http_servers

GOAL = 6.0  # times nginx's rate


def measure(options: argparse.Namespace) -> None:
    yardstick = http_servers.nginx_hello()
    servers = [*http_servers.simul(options), yardstick]
    if options.all or options.peers_only:
        servers.append(http_servers.haproxy())
    rounds, seconds = (3, 1) if options.quick else (options.rounds, options.seconds)
    http_cpu_per_request.measure_and_report(
        f"Hello, world over HTTP, pipelined {options.depth} deep, {options.connections:,} connections",
        servers, rounds, http_cpu_per_request.hello(options.connections, options.depth, seconds),
        yardstick, rate_goal=GOAL)


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--all", action="store_true", help="measure HAProxy as well")
    parser.add_argument("--connections", type=int, default=100, metavar="N")
    parser.add_argument("--depth", type=int, default=16, help="requests at a time")
    http_cpu_per_request.add_rounds(parser)
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
