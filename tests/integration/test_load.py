"""`simul load` against servers that know nothing of simul: exit statuses, JSON, limits, signals."""

import contextlib
import http.server
import json
import os
import resource
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

from _simul import BIN, PATIENCE, free_port, loopback_address, run_simul, run_simul_as_nobody, wait_until


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


class Load(unittest.TestCase):
    def test_a_thousand_connections_are_verified_as_concurrent(self):
        with EpollServer() as server:
            result, report = load(server.url, "-c", "1000", "--messages", "5")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(report["connections"]["requested"], 1000)
        self.assertEqual(report["connections"]["verified_concurrent"], 1000)
        self.assertEqual(server.most, 1000)
        self.assertTrue(report["passed"])
        self.assertEqual(report["errors"], [])
        self.assertEqual(report["messages"], 5000)
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
        self.assertIn("timeout", [error["kind"] for error in report["errors"]])

    def test_nobody_there_is_said_at_once(self):
        host = loopback_address()
        result = run_simul("load", f"tcp://{host}:{free_port(host)}")
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
            bad, bad_report = load(url + "/nowhere", "-c", "3", "--messages", "20")
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


class Web(http.server.ThreadingHTTPServer):
    """Answers every GET, over TLS."""

    request_queue_size = 128

    def __init__(self, context, keep_alive):
        self.context = context
        self.handler = type("Handler", (WebHandler,), {"protocol_version": f"HTTP/1.{int(keep_alive)}"})
        super().__init__(("127.0.0.1", 0), self.handler)
        self.url = f"https://localhost:{self.server_port}/"

    def get_request(self):
        peer, address = super().get_request()
        return self.context.wrap_socket(peer, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        pass  # a client that doesn't trust this server

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()
        return super().__enter__()

    def __exit__(self, *exception):
        self.shutdown()
        self.thread.join()
        super().__exit__(*exception)


class WebHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class TlsEcho:
    """An echo server, a thread per connection. `messages`: of one, then it hangs up without a goodbye.
    `connections`: more are closed at once."""

    def __init__(self, context, messages=None, connections=None):
        self.context = context
        self.messages = messages
        self.connections = connections
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"tls://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self.accept)]

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *exception):
        self.listener.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                if len(self.threads) - 1 == self.connections:
                    peer.close()
                    continue
                peer.settimeout(PATIENCE)
                self.threads.append(threading.Thread(target=self.serve, args=[peer]))
                self.threads[-1].start()

    def serve(self, peer):
        with contextlib.suppress(OSError), peer:
            with self.context.wrap_socket(peer, server_side=True) as tls:
                left = self.messages
                while left != 0 and (data := tls.recv(65536)):
                    tls.sendall(data)
                    left = left and left - 1
                tls.recv(65536)


@unittest.skipIf(shutil.which("openssl") is None, "NOT TESTED: needs openssl to make certificates")
class OverTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.both = os.path.join(folder.name, "both.pem")  # certificate and key
        cls.certificate = os.path.join(folder.name, "certificate.pem")
        key = os.path.join(folder.name, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", key, "-out", cls.certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        with open(cls.both, "w", encoding="ascii") as both:
            for path in (cls.certificate, key):
                with open(path, encoding="ascii") as file:
                    both.write(file.read())

    def context(self, version=ssl.TLSVersion.TLSv1_3):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.both)
        context.set_alpn_protocols(["http/1.1"])
        context.maximum_version = version
        return context

    def test_an_echo_server_is_verified_in_both_versions(self):
        for version, name in ((ssl.TLSVersion.TLSv1_3, "TLSv1.3 "), (ssl.TLSVersion.TLSv1_2, "TLSv1.2 ")):
            with self.subTest(version=name), TlsEcho(self.context(version)) as server:
                result, report = load(server.url, "--cacert", self.certificate, "-c", "10", "-s", "40KiB",
                                      "--depth", "3", "--messages", "20")  # fmt: skip
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(report["messages"], 200)
                self.assertEqual(report["connections"]["verified_concurrent"], 10)
                (cipher, count), = report["tls"]["ciphers"].items()
                self.assertTrue(cipher.startswith(name))
                self.assertEqual(count, 10)

    def test_a_web_server_is_asked_and_its_name_is_verified(self):
        with Web(self.context(), keep_alive=True) as server:
            result, report = load(server.url, "--cacert", self.certificate, "-c", "5", "--messages", "20")
            text = run_simul("load", server.url, "--cacert", self.certificate, "-c", "5", "--messages", "5")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(report["statuses"], {"200": 100})
        self.assertRegex(text.stdout, r"tls +TLSv1.3 TLS_")
        self.assertRegex(text.stdout, r"handshakes +\d+ full: p50 .* max ")

    def test_sessions_are_taken_up_again_unless_told_not_to(self):
        with Web(self.context(), keep_alive=False) as server:
            arguments = [server.url, "--cacert", self.certificate, "-c", "4", "--messages", "25"]
            _, resumed = load(*arguments)
            _, full = load(*arguments, "--no-sessionid")
        self.assertEqual((resumed["errors"], full["errors"]), ([], []))
        self.assertLessEqual(resumed["tls"]["full_ns"]["count"], 4)
        self.assertGreaterEqual(resumed["tls"]["resumed_ns"]["count"], 100)
        self.assertGreaterEqual(full["tls"]["full_ns"]["count"], 100)
        self.assertEqual(full["tls"]["resumed_ns"]["count"], 0)

    def test_a_server_that_nobody_vouches_for_is_said_at_once_with_the_cure(self):
        with TlsEcho(self.context()) as server:
            refused = run_simul("load", server.url)
            insecure = run_simul("load", server.url, "-k", "-c", "3", "--messages", "5")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("TLS handshake: self-signed certificate", refused.stdout)
        self.assertIn("--cacert FILE", refused.stdout)
        self.assertIn("--insecure", refused.stdout)
        self.assertEqual(insecure.returncode, 0, insecure.stdout + insecure.stderr)

    def test_a_client_shows_its_certificate(self):
        context = self.context()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.certificate)
        with TlsEcho(context) as server:
            arguments = ["load", server.url, "--cacert", self.certificate, "-c", "3", "--messages", "5"]
            unknown = run_simul(*arguments)
            known = run_simul(*arguments, "--cert", self.both)
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("certificate required", unknown.stdout)
        self.assertEqual(known.returncode, 0, known.stdout + known.stderr)

    def test_an_end_without_a_goodbye_is_truncated(self):
        with TlsEcho(self.context(), messages=3) as server:
            result, report = load(server.url, "--cacert", self.certificate, "-c", "2", "--messages", "5")
        self.assertEqual(result.returncode, 1)
        self.assertEqual([error["kind"] for error in report["errors"]], ["truncated"])

    def test_a_server_that_takes_some_connections_only_is_reachable(self):
        with TlsEcho(self.context(), connections=3) as server:
            result, report = load(server.url, "--cacert", self.certificate, "-c", "6", "-d", "1s")
        self.assertEqual(result.returncode, 1)
        self.assertIsNone(report["unreachable"])
        self.assertEqual(report["connections"]["verified_concurrent"], 3)
        self.assertEqual([error["kind"] for error in report["errors"]], ["tls"])

    def test_a_server_that_closes_every_handshake_is_not(self):
        with TlsEcho(self.context(), connections=0) as server:
            result = run_simul("load", server.url, "-c", "6")
        self.assertEqual(result.returncode, 1)
        self.assertIn("TLS handshake: ", result.stdout)
        self.assertIn("Does it speak TLS there?", result.stdout)

    def test_a_server_without_tls_fails(self):
        with EpollServer() as server:
            result = run_simul("load", server.url.replace("tcp", "tls"), "-k")
        self.assertEqual(result.returncode, 1)
        self.assertIn("TLS handshake: ", result.stdout)
        self.assertIn("Does it speak TLS there?", result.stdout)

    def test_wrong_usage_names_option_or_file_before_anything_is_opened(self):
        with EpollServer() as server:
            tls = server.url.replace("tcp", "tls")
            for arguments, said in (
                ([server.url, "--cacert", self.certificate], "--cacert is for tls://"),
                ([server.url, "-k"], "--insecure is for tls://"),
                ([tls, "--key", self.both], "--cert FILE"),
                ([tls, "--cacert", "/nowhere.pem"], "/nowhere.pem: No such file or directory"),
                ([tls, "--cert", self.certificate], f"{self.certificate}: no private key in PEM form"),
            ):
                with self.subTest(arguments=arguments):
                    result = run_simul("load", *arguments)
                    self.assertEqual(result.returncode, 2)
                    self.assertIn(said, result.stderr)
            self.assertEqual(server.most, 0)


PORTS = 100


def in_namespace():
    """Runs inside a network namespace of its own, where an address has PORTS ports."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as file:
        file.write(f"40000 {40000 + PORTS - 1}")
    with EpollServer() as server:
        rotated, report = load(server.url, "-c", "250", "--messages", "5")
        rotated_from = sorted(server.addresses)
    with EpollServer() as server:
        given, _ = load(server.url, "-c", "150", "--messages", "5", "--source", "127.0.1.1,127.0.1.2")
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
