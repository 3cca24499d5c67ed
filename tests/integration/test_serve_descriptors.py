"""The standard descriptors that a parent gives `simul serve`: stalled, or none at all."""

import fcntl
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

from _simul import BIN, PATIENCE, config, echo, wait_until


def is_echoed(path):
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(PATIENCE)
            peer.connect(str(path))
            peer.sendall(b"hello")
            return peer.recv(5) == b"hello"
    except (FileNotFoundError, ConnectionRefusedError):
        return False


class StandardDescriptors(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.socket = pathlib.Path(folder.name, "echo.sock")
        self.path = pathlib.Path(folder.name, "simul.yaml")
        self.path.write_text(config(echo(address=f"unix:{self.socket}")), encoding="utf-8")

    def serve(self, **options):
        process = subprocess.Popen([BIN, "serve", self.path], **options)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: is_echoed(self.socket), "a server that answers")
        return process

    def test_a_log_that_nobody_reads_holds_up_nothing(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        process = self.serve(stderr=writer)
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x")
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)
        os.close(writer)
        process.send_signal(signal.SIGTERM)  # which it has to log
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_closed_ones_are_not_taken_by_sockets(self):
        def close_all():
            for fd in range(3):
                os.close(fd)

        process = self.serve(preexec_fn=close_all)
        for fd in range(3):
            self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{fd}"), "/dev/null")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
