"""What the measurement commands share: servers to start, load to send, tables to print."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import pathlib
import random
import shutil
import signal
import socket
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
PEERS = ROOT / "build" / "bench"

SERVER_CORE = 0
LOAD_CORE = 1

# The default configuration, with its echo listener alone.
CONFIG = """\
server:
  threads: {threads}
  max_connections: 10000
  shutdown_timeout: 30s
listeners:
{listeners}"""
ECHO = """\
  - name: echo
    address: 127.0.0.1:$port
    protocol: echo
    idle_timeout: 5m
"""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A server that can be started on a port; files that its command needs go into the folder."""

    label: str
    command: Callable[[int, pathlib.Path], list[str]]


def simul(label: str, binary: pathlib.Path, threads: str, listeners: str = ECHO) -> Candidate:
    """`listeners` is a template with a $port."""

    def command(port: int, folder: pathlib.Path) -> list[str]:
        config = folder / "simul.yaml"
        config.write_text(CONFIG.format(threads=threads, listeners=string.Template(
            listeners).substitute(port=port)))
        return [str(binary), "serve", "--foreground", str(config)]

    return Candidate(label, command)


def peer(name: str, *arguments: object) -> Candidate:
    """One of build-peers, that takes PORT and the arguments."""
    return Candidate(name, lambda port, folder: [str(PEERS / name), str(port),
                                                 *map(str, arguments)])


EPOLL = peer("epoll_echo")
LIBUV = peer("libuv_echo")


@dataclasses.dataclass(frozen=True)
class Server:
    """A server that runs and accepts."""

    pid: int
    port: int
    folder: pathlib.Path  # its own, and gone when it ends


class Failure(Exception):
    """A measurement that could not be made; the message says why."""


def arguments(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--simul", type=pathlib.Path, metavar="BINARY",
                        default=ROOT / "build" / "release" / "bin" / "simul",
                        help="the simul to measure (default: build/release/bin/simul)")
    parser.add_argument("--peers-only", action="store_true",
                        help="measure the peers against each other, without simul")
    parser.add_argument("--quick", action="store_true",
                        help="a short run that shows that all works; its figures are rough")
    return parser


def candidates(options: argparse.Namespace, threads: Sequence[str] = ("1",),
               listeners: str = ECHO) -> list[Candidate]:
    """simul, once per setting of `threads`; none with --peers-only."""
    if options.peers_only:
        return []
    binary: pathlib.Path = options.simul.absolute()
    if not binary.is_file():
        raise Failure(f"{options.simul} does not exist: build it, name another one with --simul, "
                      "or measure with --peers-only")
    if len(threads) == 1:
        return [simul("simul", binary, threads[0], listeners)]
    return [simul(f"simul, threads: {count}", binary, count, listeners) for count in threads]


def main(measure: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> None:
    """Runs a measurement; a figure never fails, only what prevents one does."""
    signal.signal(signal.SIGTERM, _exit)  # so that `finally` ends what was started
    try:
        subprocess.run([BENCH / "build-peers"], check=True)
        measure(options)
    except (Failure, subprocess.CalledProcessError) as failure:
        sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {failure}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def installed(program: str, package: str) -> str:
    """The path of a program that a Debian package brings."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        raise Failure(f"{program} is needed, and isn't installed (Debian: {package})")
    return found


def cpu_seconds(pid: int) -> float:
    clock = (~pid << 3) | 2  # the CPU time of all threads, to the nanosecond
    return time.clock_gettime(clock)


def free_port() -> int:
    # Below the ephemeral range, where clients' own ports and their TIME_WAITs are.
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def pinned(core: int | None, command: Sequence[str]) -> list[str]:
    return list(command) if core is None else ["taskset", "-c", str(core), *command]


@contextlib.contextmanager
def running(candidate: Candidate, *, core: int | None = SERVER_CORE,
            wrapper: Sequence[str] = (), patience: float = 20) -> Iterator[Server]:
    """Starts a server (under `wrapper`, such as valgrind) and ends it with SIGTERM."""
    with tempfile.TemporaryDirectory(prefix="simul-bench-") as name:
        folder = pathlib.Path(name)
        port = free_port()
        command = [*wrapper, *candidate.command(port, folder)]
        output = folder / "output"
        with output.open("wb") as sink:
            process = subprocess.Popen(pinned(core, command), cwd=folder, stdin=subprocess.DEVNULL,
                                       stdout=sink, stderr=sink)
        try:
            _wait_until_accepting(candidate, process, port, output, time.monotonic() + patience)
            yield Server(process.pid, port, folder)
            if process.poll() is not None:
                raise Failure(f"{candidate.label} ended early:\n{_tail(output)}")
        finally:
            _stop(candidate, process, patience)


def _stop(candidate: Candidate, process: subprocess.Popen[bytes], patience: float) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        print(f"{candidate.label} did not end within {patience:g} s: killed", file=sys.stderr)
        process.kill()
        process.wait()


def _wait_until_accepting(candidate: Candidate, process: subprocess.Popen[bytes], port: int,
                          output: pathlib.Path, deadline: float) -> None:
    while process.poll() is None:
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        if time.monotonic() > deadline:
            raise Failure(f"{candidate.label} does not accept:\n{_tail(output)}")
        time.sleep(0.02)
    raise Failure(f"{candidate.label} ended with status {process.returncode}:\n{_tail(output)}")


def _tail(output: pathlib.Path) -> str:
    return "\n".join(output.read_text(errors="replace").splitlines()[-20:])


def load_command(port: int, *options: object, program: str = "echo_load") -> list[str]:
    return pinned(LOAD_CORE, [str(PEERS / program), "--port", str(port), *map(str, options)])


def load(port: int, *options: object, program: str = "echo_load") -> dict[str, float]:
    """Runs a load generator to its end and gives the figures of its line."""
    done = subprocess.run(load_command(port, *options, program=program), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise Failure(f"{program} ended with status {done.returncode}")
    return figures(done.stdout)


def figures(line: str) -> dict[str, float]:
    return {key: float(value) for key, value in (field.split("=") for field in line.split())}


@contextlib.contextmanager
def standing_by(port: int, *options: object) -> Iterator[subprocess.Popen[str]]:
    """An echo_load (--hold or --wait) whose connections are open; it ends when its stdin does."""
    process = subprocess.Popen(load_command(port, *options), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline().split()[:1] not in (["holding"], ["ready"]):
            raise Failure("echo_load did not open its connections")
        yield process
        process.communicate(timeout=60)
        if process.returncode != 0:
            raise Failure(f"echo_load ended with status {process.returncode}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


Samples = dict[str, list[dict[str, float]]]  # of each round, by server


def interleaved(candidates: Sequence[Candidate], rounds: int,
                sample: Callable[[Candidate], dict[str, float]]) -> Samples:
    """Rounds in which servers take turns: slow minutes meet all alike, and each goes first in its turn."""
    samples: Samples = {candidate.label: [] for candidate in candidates}
    for turn in range(rounds):
        first = turn % len(candidates)
        for candidate in [*candidates[first:], *candidates[:first]]:
            samples[candidate.label].append(sample(candidate))
    return samples


class Others:
    """How much of the machine other processes use, from construction on."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._busy = self._busy_now()

    @staticmethod
    def _busy_now() -> float:
        # The machine's busy seconds without those of this process and of what it has waited for.
        cpu = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, cpu[:8])
        ticks = user + nice + system + irq + softirq + steal
        return ticks / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])

    def warning(self) -> str:
        """A sentence for the report, empty when there was little."""
        cores = (self._busy_now() - self._busy) / (time.monotonic() - self._begin)
        if cores < 0.1:
            return ""
        return (f"Not a quiet machine: others used {100 * cores:.0f} % of a core meanwhile. "
                "Measure again before trusting this.\n")


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a Markdown table that is also readable as text."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = (f"{cell:{'<' if i == 0 else '>'}{widths[i]}}"
                        for i, cell in enumerate(cells))
        return "| " + " | ".join([first, *rest]) + " |"

    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    print(f"### {title}\n", line(header), line(rule), *map(line, rows), "", sep="\n", flush=True)
