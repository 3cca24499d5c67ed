#!/usr/bin/env python3
"""TLS handshakes of an HTTPS server per second of its CPU time, against nginx."""

from __future__ import annotations

import argparse
import statistics

import harness
import tls_servers

GOAL = 0.97  # times nginx's
ROUNDS = 6
SECONDS = 2.0
OPTIONS = {
    "TLS 1.3, full": [],
    "TLS 1.3, resumed": ["--resume"],
    "TLS 1.2, full": ["--tls12"],
    "TLS 1.2, resumed": ["--tls12", "--resume"],
}


def measure(options: argparse.Namespace) -> None:
    for key in options.keys:
        with tls_servers.certificate(key) as own:
            measure_one(options, key, own)


def measure_one(options: argparse.Namespace, key: str, own: tls_servers.Certificate) -> None:
    rounds, seconds = (3, 0.5) if options.quick else (options.rounds, options.seconds)
    plain_port = harness.free_port()
    nginx = tls_servers.nginx_http(own, plain_port)
    servers = [*tls_servers.simul_http(options, own, plain_port), nginx]
    others = harness.Others()
    rows = []
    for handshake, load in OPTIONS.items():
        def sample(candidate: harness.Candidate) -> dict[str, float]:
            with harness.running(candidate) as server:
                return harness.load(server.port, *load, "--seconds", seconds, "--cpu-of",
                                    server.pid, program="handshake_load")

        rows += report(handshake, harness.interleaved(servers, rounds, sample), nginx.label)
    harness.table(f"TLS handshakes, {key} (medians of {rounds} rounds)",
                  ["handshake", "server", "us of CPU", "per second of CPU", "ratio", "range",
                   "goal", "busy", "per second"], rows)
    if warning := others.warning():
        print(warning, flush=True)


def report(handshake: str, samples: harness.Samples, yardstick: str) -> list[list[str]]:
    def per_cpu_second(label: str) -> list[float]:
        return [1e6 / sample["cpu_us_per_handshake"] for sample in samples[label]]

    def median(label: str, figure: str) -> float:
        return statistics.median(sample[figure] for sample in samples[label])

    rows = []
    for label in samples:
        ratios = [own / peer for own, peer in zip(per_cpu_second(label),
                                                  per_cpu_second(yardstick))]
        rows.append([
            handshake,
            label,
            f"{median(label, 'cpu_us_per_handshake'):.1f}",
            f"{statistics.median(per_cpu_second(label)):,.0f}",
            f"{statistics.median(ratios):.3f}",
            f"{min(ratios):.2f}-{max(ratios):.2f}",
            f">= {GOAL:.2f}" if label == "simul" else "",
            f"{100 * median(label, 'cpu_busy'):.0f} %",
            f"{median(label, 'rate'):,.0f}",
        ])
    return rows


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--keys", nargs="+", choices=tls_servers.KEYS,
                        default=[tls_servers.ECDSA, "RSA-2048"], metavar="KEY",
                        help=f"of the certificate: {', '.join(tls_servers.KEYS)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="counted, in each round")
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
