"""The access log of a running server: rotated under its feet, checked before, whole after a stop."""

import json
import pathlib
import tempfile
import unittest

from _simul import Serve, config, listener, run_simul, wait_until


class AccessLog(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "access.log"
        self.web = listener(
            "http", options=f'{{ routes: {{ /hello: "hi" }}, access_log: {self.path}, access_log_format: json }}'
        )

    def ask(self, server, target):
        with server.connect() as peer:
            peer.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            while peer.recv(4096):
                pass

    def targets(self, path):
        return [json.loads(line)["target"] for line in path.read_text().splitlines()] if path.exists() else []

    def test_every_answer_has_a_line_also_around_a_rotation_and_at_the_stop(self):
        old = self.path.with_suffix(".log.1")
        with Serve(self.web, threads=2) as server:
            self.ask(server, "/hello")
            wait_until(lambda: self.targets(self.path) == ["/hello"], "a line for the answer")
            self.path.rename(old)
            self.ask(server, "/missing")
            wait_until(lambda: self.targets(self.path) == ["/missing"], "a line in the new file")
            self.ask(server, "/last")
            server.stop()
        self.assertEqual(self.targets(old), ["/hello"])
        self.assertEqual(self.targets(self.path), ["/missing", "/last"])

    def test_a_check_makes_no_file_and_finds_out_that_none_could_be(self):
        good = run_simul("check", self.written(self.web))
        self.assertEqual((good.returncode, self.path.exists()), (0, False), good.stderr)
        bad = run_simul("check", self.written(self.web.replace("access.log", "missing/access.log")))
        self.assertEqual(bad.returncode, 78)
        self.assertIn("access_log: ", bad.stderr)
        self.assertIn("No such file or directory", bad.stderr)

    def written(self, *listeners):
        path = self.path.with_name("simul.yaml")
        path.write_text(config(*listeners))
        return str(path)


if __name__ == "__main__":
    unittest.main()
