"""`simul load` against servers that know nothing of simul: exit statuses, JSON, limits, signals."""

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from _simul import BIN, PATIENCE, run_simul, run_simul_as_nobody, wait_until


class EpollServer:
    """A TCP server in a thread: `answer(bytes)` says what goes back for what came, None closes."""

    def __init__(self, answer=lambda data: data):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.peers = {}
        self.addresses = set()
        self.most = 0
        self.stopping, self.stop_end = socket.socketpair()

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.stop_end.close()
        self.thread.join()
        for peer in [*self.peers.values(), self.listener, self.stopping]:
            peer.close()

    def serve(self):
        with select.epoll() as epoll:
            epoll.register(self.listener, select.EPOLLIN)
            epoll.register(self.stopping, select.EPOLLIN)
            while True:
                for descriptor, _ in epoll.poll():
                    if descriptor == self.stopping.fileno():
                        return
                    if descriptor == self.listener.fileno():
                        peer, address = self.listener.accept()
                        peer.settimeout(PATIENCE)
                        self.peers[peer.fileno()] = peer
                        self.addresses.add(address[0])
                        self.most = max(self.most, len(self.peers))
                        epoll.register(peer, select.EPOLLIN)
                    elif not self.answered(self.peers[descriptor]):
                        # Closing alone isn't enough while a child that was just forked has it, too.
                        epoll.unregister(descriptor)
                        self.peers.pop(descriptor).close()

    def answered(self, peer):
        with contextlib.suppress(OSError):
            data = peer.recv(65536)
            reply = self.answer(data) if data else None
            if reply is not None:
                peer.sendall(reply)
                return True
        return False

    @property
    def url(self):
        return f"tcp://127.0.0.1:{self.port}"


def load(*arguments, **options):
    """Gives the finished process and its JSON report."""
    result = run_simul("load", "--json", "-", *arguments, **options)
    try:
        return result, json.loads(result.stdout)
    except json.JSONDecodeError:
        raise AssertionError(f"no report: {result.stdout!r} {result.stderr!r}") from None


def refused_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Load(unittest.TestCase):
    def test_a_thousand_connections_are_verified_as_concurrent(self):
        with EpollServer() as server:
            result, report = load(server.url, "-c", "1000", "-d", "1s")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(report["connections"]["requested"], 1000)
        self.assertEqual(report["connections"]["verified_concurrent"], 1000)
        self.assertEqual(server.most, 1000)
        self.assertTrue(report["passed"])
        self.assertEqual(report["errors"], [])
        self.assertGreater(report["messages"], 1000)
        latency = report["latency_ns"]
        self.assertLessEqual(latency["p50"], latency["p90"])
        self.assertLessEqual(latency["p90"], latency["p99"])
        self.assertLessEqual(latency["p99.9"], latency["max"])
        self.assertGreater(latency["min"], 1000)

    def test_threads_share_the_connections(self):
        with EpollServer() as server:
            result, report = load(server.url, "-c", "101", "-t", "3", "--depth", "4", "--messages", "50")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(server.most, 101)
        self.assertEqual(report["connections"]["verified_concurrent"], 101)

    def test_every_message_is_counted(self):
        with EpollServer() as server:
            _, report = load(server.url, "-c", "10", "-s", "1KiB", "--messages", "100")
        self.assertEqual(report["messages"], 1000)
        self.assertEqual(report["bytes_sent"], 1000 * 1024)
        self.assertEqual(report["bytes_received"], 1000 * 1024)

    def test_a_server_that_changes_a_byte_fails(self):
        with EpollServer(lambda data: data[:-1] + bytes([data[-1] ^ 1])) as server:
            result, report = load(server.url, "-c", "5", "-d", "200ms")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(report["errors"][0]["kind"], "wrong-bytes")
        self.assertEqual(report["messages"], 0)
        self.assertEqual(report["connections"]["verified_concurrent"], 0)

    def test_a_server_that_closes_fails(self):
        with EpollServer(lambda data: None) as server:
            result, report = load(server.url, "-c", "5", "-d", "200ms")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(report["errors"][0]["kind"], "end-of-stream")

    def test_a_silent_server_fails(self):
        with EpollServer(lambda data: b"") as server:
            result, report = load(server.url, "-c", "5", "-d", "200ms", "--timeout", "100ms")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(report["errors"][0]["kind"], "timeout")

    def test_nobody_there_is_said_at_once(self):
        result = run_simul("load", f"tcp://127.0.0.1:{refused_port()}")
        self.assertEqual(result.returncode, 1)
        self.assertIn("Connection refused", result.stdout)
        self.assertIn("Is the server running?", result.stdout)

    def test_http_statuses_are_counted(self):
        ok = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        seen = []

        def answer(data):
            seen.append(data)
            return b"".join(
                ok if b"/there " in request else missing for request in data.split(b"\r\n\r\n")[:-1]
            )

        with EpollServer(answer) as server:
            url = f"http://127.0.0.1:{server.port}"
            good, good_report = load(url + "/there", "-c", "3", "--depth", "5", "--messages", "20")
            bad, bad_report = load(url + "/nowhere", "-c", "3", "-d", "100ms")
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertEqual(good_report["statuses"], {"200": 60})
        self.assertEqual(bad.returncode, 1)
        self.assertEqual(list(bad_report["statuses"]), ["404"])
        self.assertEqual(bad_report["errors"][0]["kind"], "status")
        self.assertIn(f"\r\nHost: 127.0.0.1:{server.port}\r\n".encode(), seen[0])

    def test_an_interrupt_ends_it_with_a_report(self):
        with EpollServer() as server:
            process = subprocess.Popen(
                [BIN, "load", server.url, "-c", "20", "-d", "10m", "--json", "-"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            wait_until(lambda: server.most == 20, "20 connections")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=PATIENCE)
        report = json.loads(out)
        self.assertTrue(report["interrupted"])
        self.assertEqual(report["errors"], [])

    def test_quiet_prints_nothing_when_all_is_good(self):
        with EpollServer() as server, tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "report.json")
            result = run_simul("load", server.url, "-q", "-c", "2", "--messages", "5", "--json", path)
            with open(path, encoding="utf-8") as file:
                report = json.load(file)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        self.assertEqual(report["messages"], 10)

    def test_the_text_report_names_what_counts(self):
        with EpollServer() as server:
            result = run_simul("load", server.url, "-c", "2", "--messages", "5")
        self.assertIn("2 requested, 2 verified concurrent", result.stdout)
        self.assertIn("10 verified in", result.stdout)
        self.assertRegex(result.stdout, r"latency +p50 .* p99\.9 .* max ")
        self.assertRegex(result.stdout, r"errors +none")

    def test_wrong_usage_is_status_2(self):
        for arguments in (
            ["load"],
            ["load", "127.0.0.1:7000"],
            ["load", "ftp://127.0.0.1:7000"],
            ["load", "tcp://127.0.0.1:7000", "--size", "many"],
            ["load", "tcp://127.0.0.1:7000", "--duration", "10"],
            ["load", "tcp://127.0.0.1:7000", "-c", "0"],
            ["load", "tcp://127.0.0.1:7000", "--source", "here"],
        ):
            with self.subTest(arguments=arguments):
                result = run_simul(*arguments)
                self.assertEqual(result.returncode, 2)
                self.assertTrue(result.stderr)

    def test_more_connections_than_descriptors_are_refused_before_anything_starts(self):
        def lower_limit():  # as nobody, because root could raise it again
            resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))

        with EpollServer() as server:
            result = run_simul_as_nobody("load", server.url, "-c", "1000", preexec_fn=lower_limit)
            self.assertEqual(server.most, 0)
        self.assertEqual(result.returncode, 2)
        self.assertIn("1000 connections need 1064 descriptors", result.stderr)
        self.assertIn("500", result.stderr)


PORTS = 100


def in_namespace():
    """Runs inside a network namespace of its own, where an address has PORTS ports."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as file:
        file.write(f"40000 {40000 + PORTS - 1}")
    with EpollServer() as server:
        rotated, report = load(server.url, "-c", "250", "-d", "200ms")
        rotated_from = sorted(server.addresses)
    with EpollServer() as server:
        given, _ = load(server.url, "-c", "150", "-d", "200ms", "--source", "127.0.1.1,127.0.1.2")
        given_from = sorted(server.addresses)
    with EpollServer() as server:
        exhausted, errors = load(server.url, "-c", "150", "-d", "200ms", "--source", "127.0.2.1")
    print(
        json.dumps(
            {
                "rotated": [rotated.returncode, rotated_from, report["connections"]["verified_concurrent"]],
                "given": [given.returncode, given_from],
                "exhausted": [exhausted.returncode, [error["kind"] for error in errors["errors"]]],
            }
        )
    )


class SourceAddresses(unittest.TestCase):
    def test_more_connections_than_an_address_has_ports(self):
        if shutil.which("unshare") is None or shutil.which("ip") is None:
            self.skipTest("NOT TESTED: needs unshare and ip")
        if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("NOT TESTED: no permission to make a network namespace")
        result = subprocess.run(
            ["unshare", "-n", sys.executable, "-B", __file__, "in-namespace"],
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        found = json.loads(result.stdout)
        self.assertEqual(found["rotated"], [0, ["127.0.0.1", "127.0.0.2", "127.0.0.3"], 250])
        self.assertEqual(found["given"], [0, ["127.0.1.1", "127.0.1.2"]])
        self.assertEqual(found["exhausted"], [1, ["no-port-left"]])


if __name__ == "__main__":
    if sys.argv[1:] == ["in-namespace"]:
        in_namespace()
    else:
        unittest.main()
