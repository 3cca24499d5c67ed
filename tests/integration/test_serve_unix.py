"""Unix sockets: their files, stale and live."""

import os
import pathlib
import signal
import socket
import tempfile
import unittest

from _simul import PATIENCE, Serve, config, echo, is_served, run_simul, stuff


def connect(path):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(PATIENCE)
    peer.connect(str(path))
    return peer


class UnixSockets(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "echo.sock"

    def serve(self):
        return Serve(echo(address=f"unix:{self.path}"), threads=2)

    def test_bytes_come_back_and_the_file_goes_with_the_server(self):
        with self.serve() as server:
            for _ in range(20):
                with connect(self.path) as peer:
                    self.assertTrue(is_served(peer))
            server.stop()
            self.assertFalse(self.path.exists())

    def test_a_stale_file_is_replaced(self):
        server = self.serve()
        with self.assertRaises(AssertionError):  # it was killed: that is no clean end
            with server:
                server.send_signal(signal.SIGKILL)
                server.wait()
        self.assertTrue(self.path.is_socket())
        with self.serve(), connect(self.path) as peer:
            self.assertTrue(is_served(peer))

    def test_a_live_one_is_refused(self):
        with self.serve():
            second = self.folder / "second.yaml"
            second.write_text(config(echo(address=f"unix:{self.path}")))
            result = run_simul("serve", second)
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr, "listener 'echo': unix:.*echo.sock: Address already in use")
            with connect(self.path) as peer:
                self.assertTrue(is_served(peer))

    def test_a_file_that_is_no_socket_is_left_alone(self):
        self.path.write_text("precious")
        config_path = self.folder / "simul.yaml"
        config_path.write_text(config(echo(address=f"unix:{self.path}")))
        self.assertEqual(run_simul("serve", config_path).returncode, 1)
        self.assertEqual(self.path.read_text(), "precious")

    def test_a_client_with_a_name_of_control_characters_forges_no_log_line(self):
        """Its name is logged when it is still there at the end."""
        server = Serve(echo(address=f"unix:{self.path}"), shutdown_timeout="0s")
        with server:
            with socket.socket(socket.AF_UNIX) as peer:
                os.chdir(self.folder)
                peer.bind("a\n2020-01-01T00:00:00.000Z info    forged\x1b[2J")
                peer.connect(str(self.path))
                stuff(server, peer)
                server.send_signal(signal.SIGTERM)
                self.assertEqual(server.wait(), 0)
            self.assertIn("still alive", server.log())
            self.assertNotRegex(server.log(), r"(?m)^2020")
            self.assertNotIn("\x1b", server.log())


if __name__ == "__main__":
    unittest.main()
