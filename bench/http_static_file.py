#!/usr/bin/env python3
"""CPU time of an HTTP server per 4 KiB file, against nginx with sendfile and its cache of open files."""

from __future__ import annotations

import argparse

import harness
import http_cpu_per_request
import http_servers

GOAL = 1.1  # times nginx's
NAME = "file.txt"


def measure(options: argparse.Namespace) -> None:
    rounds, seconds = (3, 1) if options.quick else (options.rounds, options.seconds)

    def sample(server: harness.Server) -> dict[str, float]:
        http_servers.check(server, f"/{NAME}", http_servers.file_content())
        return http_servers.load(server, f"/{NAME}", options.connections, 1, seconds)

    with http_servers.folder_with_file(NAME) as root:
        yardstick = http_servers.nginx_files(root)
        http_cpu_per_request.measure_and_report(
            f"A file of {http_servers.FILE_SIZE:,} bytes over HTTP, {options.connections:,} connections",
            [*http_servers.simul(options, root), yardstick], rounds, sample, yardstick,
            cpu_goal=GOAL)


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--connections", type=int, default=100, metavar="N")
    http_cpu_per_request.add_rounds(parser)
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
