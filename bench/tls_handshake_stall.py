#!/usr/bin/env python3
"""How late a plain connection of an HTTP server is while others make TLS handshakes with it."""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
from collections.abc import Iterator

import harness
import tls_servers

ROUNDS = 3
SECONDS = 3.0


@contextlib.contextmanager
def handshakes(port: int) -> Iterator[None]:
    """As many full ones as the server can take; the one that pings goes first on their core."""
    process = subprocess.Popen(["nice", "-n", "19", *harness.load_command(
        port, "--seconds", 3600, program="handshake_load")], stdout=subprocess.DEVNULL)
    try:
        yield
        if process.poll() is not None:
            raise harness.Failure(f"handshake_load ended with status {process.returncode}")
    finally:
        process.kill()
        process.wait()


def ping(candidate: harness.Candidate, plain_port: int, seconds: float,
         shaking: bool) -> dict[str, float]:
    with harness.running(candidate, core=None) as server:
        with handshakes(server.port) if shaking else contextlib.nullcontext():
            harness.load(plain_port, "--seconds", 0.5, program="ping")
            return harness.load(plain_port, "--seconds", seconds, program="ping")


def measure(options: argparse.Namespace) -> None:
    rounds, seconds = (1, 1.0) if options.quick else (options.rounds, options.seconds)
    others = harness.Others()
    rows = measure_one(options, "none", tls_servers.ECDSA, rounds, seconds)
    for key in tls_servers.KEYS:
        rows += measure_one(options, key, key, rounds, seconds)
    harness.table(f"Round trips of a plain connection beside full TLS 1.3 handshakes, {rounds} rounds "
                  "(p50 and p99: medians)",
                  ["handshakes", "server", "p50 us", "p99 us", "max us"], rows)
    if warning := others.warning():
        print(warning, flush=True)


def measure_one(options: argparse.Namespace, title: str, key: str, rounds: int,
                seconds: float) -> list[list[str]]:
    with tls_servers.certificate(key) as own:
        plain_port = harness.free_port()
        servers = [*tls_servers.simul_http(options, own, plain_port),
                   tls_servers.nginx_http(own, plain_port)]
        samples = harness.interleaved(
            servers, rounds, lambda server: ping(server, plain_port, seconds, title != "none"))
    return [[
        title,
        label,
        *(f"{statistics.median(sample[name] for sample in taken):,.0f}"
          for name in ("p50_us", "p99_us")),
        f"{max(sample['max_us'] for sample in taken):,.0f}",
    ] for label, taken in samples.items()]


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of pings, in each round")
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
