#!/usr/bin/env python3
"""User-space instructions of an echo server per 64-byte echo, counted by callgrind."""

from __future__ import annotations

import argparse
import pathlib
import re
import shutil
import tempfile

import harness

GOAL = 300
CONNECTIONS = 64
FEW = 200  # messages per connection
MANY = 1200
PATIENCE = 60.0  # valgrind is slow to start and to stop


def instructions(candidate: harness.Candidate, messages: int, keep: pathlib.Path | None) -> int:
    """All of a run: start, connections, messages, stop."""
    with tempfile.TemporaryDirectory(prefix="simul-bench-") as folder:
        profile = pathlib.Path(folder, "profile")
        with harness.running(candidate, patience=PATIENCE, wrapper=[
                "valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}"]) as server:
            harness.load(server.port, "--connections", CONNECTIONS, "--messages", messages)
        # The server has ended, and callgrind has written what it counted.
        if not profile.exists():
            raise harness.Failure(f"callgrind wrote no profile of {candidate.label}")
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(profile, keep / f"callgrind.{candidate.label}.{messages}")
        totals = re.search(r"^totals: (\d+)", profile.read_text(), re.MULTILINE)
        if totals is None:
            raise harness.Failure(f"callgrind wrote no totals for {candidate.label}")
        return int(totals[1])


def per_echo(candidate: harness.Candidate, many: int, keep: pathlib.Path | None) -> float:
    """The difference of two runs: what happens once cancels out."""
    extra = instructions(candidate, many, keep) - instructions(candidate, FEW, keep)
    return extra / (CONNECTIONS * (many - FEW))


def measure(options: argparse.Namespace) -> None:
    many = FEW + 200 if options.quick else MANY
    results = {
        candidate.label: per_echo(candidate, many, options.keep)
        for candidate in [*harness.candidates(options), harness.EPOLL, harness.LIBUV]
    }
    rows = [[
        label,
        f"{result:,.0f}",
        f"{result / results[harness.EPOLL.label]:.2f}",
        f"{result / results[harness.LIBUV.label]:.2f}",
        f"<= {GOAL}" if label == "simul" else "",
    ] for label, result in results.items()]
    harness.table(f"User-space instructions per echo, {CONNECTIONS} connections",
                  ["server", "instructions", "ratio to epoll", "ratio to libuv", "goal"], rows)


def parse() -> argparse.Namespace:
    parser = harness.arguments(__doc__)
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER",
                        help="keep the profiles, for callgrind_annotate")
    return parser.parse_args()


if __name__ == "__main__":
    harness.main(measure, parse())
