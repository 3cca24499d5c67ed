"""How `simul serve` starts, and what it says when it can't."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

from _simul import (
    Serve, config, echo, free_port, is_served, limit_descriptors, listener, loopback_address, run_simul, run_simul_as_nobody
)


class Start(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, text, name="simul.yaml"):
        path = self.folder / name
        path.write_text(text)
        return path

    def fails(self, path, status, *patterns, run=run_simul, **options):
        result = run("serve", path, **options)
        self.assertEqual(result.returncode, status, result.stderr)
        for pattern in patterns:
            self.assertRegex(result.stderr, pattern)
        return result.stderr

    def test_the_start_is_told(self):
        with Serve(echo(), threads=2, max_connections=100) as server:
            for pattern in (
                r"simul \d+\.\d+\.\d+, configuration: \S+simul\.yaml",
                r"threads: 2",
                r"listening on 127\.0\.0\.1:\d+ \(echo\) as 'echo'",
                r"descriptors: limit \d+ = reserved \d+ .* max_connections 100 fits",
                r"ready",
            ):
                self.assertRegex(server.log(), pattern)
            for line in server.log().splitlines():
                self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warning) +\S")

    def test_json_lines(self):
        with Serve(echo(), log="{ format: json }") as server:
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
            lines = [json.loads(line) for line in server.log().splitlines()]
            self.assertIn("ready", [line["message"] for line in lines])
            for line in lines:
                self.assertEqual(line["level"], "info", line)
                self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_the_level_decides_what_is_logged(self):
        path = self.write(config(echo(address=self.taken()), log="{ level: error }"))
        self.assertEqual(len(self.fails(path, 1).splitlines()), 1)

    def taken(self):
        foreign = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(foreign.close)
        return "127.0.0.1:%d" % foreign.getsockname()[1]

    def test_a_port_in_use_by_a_stranger(self):
        address = self.taken()
        path = self.write(config(echo(address=address)))
        self.fails(path, 1, rf"listener 'echo': {address}: Address already in use", "`ss ")

    def test_a_port_in_use_by_another_simul(self):
        with Serve(echo(), threads=2) as server:
            address = "%s:%d" % server.address()
            path = self.write(config(echo(address=address), threads=2))
            self.fails(path, 1, rf"listener 'echo': {address}: Address already in use")
            with server.connect() as peer:
                self.assertTrue(is_served(peer))

    def test_all_listeners_or_none(self):
        host = loopback_address()
        port = free_port(host)
        path = self.write(
            config(echo(address=f"{host}:{port}"), echo(name="second", address=self.taken()))
        )
        self.assertNotIn("listening on", self.fails(path, 1, "listener 'second'"))
        socket.create_server((host, port)).close()

    def test_a_port_can_be_had_again_at_once(self):
        with Serve(echo(address=f"{loopback_address()}:0")) as server, server.connect() as peer:
            self.assertTrue(is_served(peer))
            host, port = server.address()
            server.stop()  # which leaves a connection in TIME_WAIT
        with Serve(echo(address=f"{host}:{port}")) as server, server.connect() as peer:
            self.assertTrue(is_served(peer))

    def test_a_privileged_port_without_rights(self):
        first_free = int(
            pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()
        )
        if first_free <= 1:
            self.skipTest("every port is free for all: net.ipv4.ip_unprivileged_port_start is 0")
        path = self.write(config(echo(address="127.0.0.1:1")))
        path.chmod(0o644)
        self.folder.chmod(0o755)
        self.fails(
            path,
            1,
            r"listener 'echo': 127\.0\.0\.1:1: Permission denied",
            "CAP_NET_BIND_SERVICE",
            run=run_simul_as_nobody,
        )

    def test_a_file_that_can_not_be_read(self):
        path = self.write(config(echo()))
        self.folder.chmod(0o755)
        path.chmod(0)
        self.fails(
            path,
            78,
            r"simul\.yaml: error: can't read the file: Permission denied",
            run=run_simul_as_nobody,
        )
        self.fails(self.folder / "none.yaml", 78, r"none\.yaml: error: can't read the file: No such file")

    def test_an_address_that_is_not_ours(self):
        path = self.write(config(echo(address="192.0.2.1:7000")))  # TEST-NET-1, of no machine
        self.fails(path, 1, r"listener 'echo': 192\.0\.2\.1:7000: Cannot assign", "`ip address`")

    def test_an_address_that_is_none(self):
        path = self.write(config(echo(address="localhost")))
        self.fails(path, 78, r"simul\.yaml:3:14: error: address: ")

    def test_bad_yaml(self):
        path = self.write("listeners:\n  - name: echo\n   address: 127.0.0.1:7000\n")
        self.fails(path, 78, r"simul\.yaml:\d+:\d+: error: ")

    def test_options_that_do_not_work(self):
        path = self.write(config(listener("http", options="{ root: ./nowhere }")))
        self.fails(path, 78, "listener 'http'", "nowhere")
        result = run_simul("check", path)
        self.assertEqual(result.returncode, 78)
        self.assertIn("nowhere", result.stderr)

    def test_too_few_descriptors_for_a_single_connection(self):
        path = self.write(config(echo(), threads=1))
        few = limit_descriptors(40)
        self.fails(path, 1, "descriptor limit of 40 leaves no room", preexec_fn=few)


class CommandLine(unittest.TestCase):
    def test_check(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "a.yaml"
            path.write_text(config(echo()))
            self.assertEqual(run_simul("check", path).stdout, "ok: 1 listener\n")
            path.write_text("server: { treads: 1 }\n")
            result = run_simul("check", path)
            self.assertEqual(result.returncode, 78)
            self.assertIn("a.yaml:1:11: error: unknown key 'treads'", result.stderr)
            self.assertIn("missing key 'listeners'", result.stderr)

    def test_the_default_configuration_is_right(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "simul.yaml"
            path.write_text(run_simul("config", "--default").stdout)
            self.assertEqual(run_simul("check", path).stdout, "ok: 2 listeners\n")

    def test_the_reference_names_keys_and_protocols(self):
        text = run_simul("config", "--reference").stdout
        self.assertIn("| `max_connections` |", text)
        self.assertIn("### `protocol: http`", text)

    def test_wrong_usage(self):
        for arguments in ((), ("fly",), ("serve", "--fly"), ("serve", "a", "b"), ("check",), ("config",)):
            result = run_simul(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn("--help", result.stderr)

    def test_help_and_version(self):
        for arguments in (("--help",), ("serve", "--help"), ("check", "--help"), ("config", "--help")):
            result = run_simul(*arguments)
            self.assertEqual(result.returncode, 0, arguments)
            self.assertIn("Usage:", result.stdout)
        self.assertRegex(run_simul("--version").stdout, r"^simul \d+\.\d+\.\d+$")


if __name__ == "__main__":
    unittest.main()
