#!/usr/bin/env python3
"""How late a plain connection of an HTTP server is while others make TLS handshakes with it."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
from collections.abc import Iterator

import harness
import tls_servers

SECONDS = 5.0


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
    seconds = 1.0 if options.quick else options.seconds
    others = harness.Others()
    rows = []
    for key in tls_servers.KEYS:
        with tls_servers.certificate(key) as own:
            plain_port = harness.free_port()
            for server in [*tls_servers.simul_http(options, own, plain_port),
                           tls_servers.nginx(own, plain_port)]:
                if key == tls_servers.ECDSA:
                    rows.append(["none", server.label,
                                 *figures(ping(server, plain_port, seconds, False))])
                rows.append([key, server.label, *figures(ping(server, plain_port, seconds, True))])
    harness.table("Round trips of a plain connection beside full TLS 1.3 handshakes",
                  ["handshakes", "server", "p50 us", "p99 us", "max us"], rows)
    if warning := others.warning():
        print(warning, flush=True)


def figures(sample: dict[str, float]) -> list[str]:
    return [f"{sample[name]:,.0f}" for name in ("p50_us", "p99_us", "max_us")]


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of pings, for each row")
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
