"""What the integration tests share: a running `simul serve`, clients, and waiting with a deadline.

    with Serve(echo()) as server:
        with server.connect() as peer:
            peer.sendall(b"hello")

Nothing here sleeps for a while and hopes: wait_until() polls, and fails with what it waited for.
"""

import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BIN = os.environ.get("SIMUL_BIN", "build/release/bin/simul")
# Generous: a sanitizer build on a busy machine. A test that passes never waits for it.
PATIENCE = 30.0
NOBODY = 65534


def is_built_with_ubsan():
    """Its checks need descriptors of their own, and take it for an error when there are none."""
    return b"__ubsan_" in pathlib.Path(BIN).read_bytes()


def wait_until(condition, what, seconds=PATIENCE):
    """Gives the first true value of condition()."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def run_simul(*arguments, **options):
    """Runs a command that ends by itself; gives status, stdout and stderr."""
    return subprocess.run(
        [BIN, *arguments], capture_output=True, text=True, timeout=PATIENCE, **options
    )


def run_simul_as_nobody(*arguments, **options):
    """As run_simul, without root's rights. The build may lie where nobody else can read: a copy runs."""
    if os.geteuid() != 0:
        return run_simul(*arguments, **options)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        binary = shutil.copy(BIN, folder)
        for library in pathlib.Path(BIN).resolve().parent.parent.glob("lib/libsimul.so*"):
            shutil.copy(library, folder)
        return subprocess.run(
            [binary, *arguments], capture_output=True, text=True, timeout=PATIENCE,
            user=NOBODY, group=NOBODY, extra_groups=[], cwd=folder,
            env={**os.environ, "LD_LIBRARY_PATH": folder}, **options
        )


def listener(protocol, name=None, address="127.0.0.1:0", options="", **keys):
    """A listener's lines. With port 0 the kernel chooses; Serve finds out which."""
    lines = [f"  - name: {name or protocol}", f"    address: {address}", f"    protocol: {protocol}"]
    lines += [f"    {key}: {value}" for key, value in keys.items()]
    if options:
        lines.append(f"    options: {options}")
    return "\n".join(lines) + "\n"


def echo(**keys):
    return listener("echo", **keys)


def config(*listeners, log="", **server):
    text = "server:\n" + "".join(f"  {key}: {value}\n" for key, value in server.items())
    text = text if server else ""
    return text + "listeners:\n" + "".join(listeners) + (f"log: {log}\n" if log else "")


def limit_descriptors(count):
    """A preexec_fn."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def loopback_address():
    """An address of this process alone: no other test listens there, and no client takes a port of it."""
    pid = os.getpid()
    return f"127.{64 + (pid >> 16)}.{pid >> 8 & 255}.{pid & 255}"


def free_port(host):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class Serve:
    """`simul serve` with these listeners, ready when the block begins, stopped when it ends."""

    def __init__(self, *listeners, log="", descriptors=None, files=(), **server):
        """`files`: copied into the folder of the configuration, which names them without a folder."""
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        for file in files:
            shutil.copy(file, self.path)
        (self.path / "simul.yaml").write_text(config(*listeners, log=log, **server))
        self.log_path = self.path / "log"
        self.descriptors = descriptors

    def __enter__(self):
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [BIN, "serve", self.path / "simul.yaml"],
                stderr=log,
                stdout=log,
                preexec_fn=limit_descriptors(self.descriptors) if self.descriptors else None,
            )
        try:
            wait_until(
                lambda: self.logged(r"\bready\b") or self.process.poll() is not None, "a ready server"
            )
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended: {self.log()}")
            self.endpoints = dict(
                (name, address)
                for address, name in re.findall(r"listening on (\S+) \([^)]*\) as '([^'\"]+)'", self.log())
            )
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, failure_type, *_):
        try:
            if failure_type is None:
                status = self.stop()
                if status != 0:
                    raise AssertionError(f"status {status}: {self.log()}")
        finally:
            self.kill()

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text()

    def logged(self, pattern):
        return re.search(pattern, self.log())

    def wait_for_log(self, pattern):
        try:
            return wait_until(lambda: self.logged(pattern), f"a log line like {pattern!r}")
        except AssertionError as failure:
            raise AssertionError(f"{failure}, but: {self.log()}") from None

    def address(self, name=None):
        """What socket.create_connection takes, of a TCP listener; the first one without a name."""
        host, port = self.endpoints[name or next(iter(self.endpoints))].rsplit(":", 1)
        return host, int(port)

    def connect(self, name=None):
        return socket.create_connection(self.address(name), timeout=PATIENCE)

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=PATIENCE):
        return self.process.wait(seconds)

    def stop(self):
        """Asks it to end, at once if need be; gives the exit status."""
        if self.process.poll() is None:
            if not self.logged(r"stop(ping|ped)"):  # a third signal would be too many
                self.send_signal(signal.SIGTERM)
                self.wait_for_log(r"stop(ping|ped)")
            with contextlib.suppress(ProcessLookupError):
                self.send_signal(signal.SIGINT)
        return self.wait()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()

    def task_of_connection(self):
        """Of its only one."""
        shown = run_simul("ps", str(self.pid), "--json", "--filter", "connection ")
        if shown.returncode != 0:
            raise AssertionError(shown.stderr)
        (task,) = json.loads(shown.stdout)["tasks"]
        return task

    def descriptor_count(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        pages = int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def close_all(peers):
    for peer in peers:
        peer.close()


def stuff(server, peer):
    """Sends until the echo can't be sent back: then its handler is in the middle of a send. The only connection."""
    peer.setblocking(False)
    before = None

    def is_stuck():
        nonlocal before
        with contextlib.suppress(BlockingIOError):
            while True:
                peer.send(bytes(1 << 16))
        task = server.task_of_connection()
        last, before = before, task["note"]  # has how many bytes went in and out
        return task["waits_for"].startswith("send ") and before == last

    wait_until(is_stuck, "a handler that can't send")
    peer.settimeout(PATIENCE)


def receive(peer, count):
    """Exactly that many bytes, or what came before the end."""
    data = bytearray()
    while len(data) < count:
        piece = peer.recv(count - len(data))
        if not piece:
            break
        data += piece
    return bytes(data)


def receive_all(peer):
    """Until the end of the stream."""
    pieces = []
    while piece := peer.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


def is_served(peer, data=b"ping"):
    peer.sendall(data)
    return receive(peer, len(data)) == data


def has_ended(peer):
    """Waits for the end of a connection on which nothing more is to come."""
    try:
        return peer.recv(1) == b""
    except ConnectionResetError:
        return True


def reset(peer):
    """Closes with RST instead of FIN."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
