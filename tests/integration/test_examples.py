"""The example programs do what their comments say."""

import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import unittest

EXAMPLES = pathlib.Path(os.environ["SIMUL_BUILD_DIR"], "examples")


class Embedded(unittest.TestCase):
    def test_a_program_of_ones_own_serves_a_handler(self):
        with subprocess.Popen([EXAMPLES / "example_embedded", "127.0.0.1:0"],
                              stdout=subprocess.PIPE, text=True) as program:
            try:
                port = int(program.stdout.readline().rsplit(":", 1)[1])
                with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
                    peer.sendall(b"x" * 100_000)
                    peer.shutdown(socket.SHUT_WR)
                    received = bytearray()
                    while piece := peer.recv(65536):
                        received += piece
                self.assertEqual(bytes(received), b"x" * 100_000)
            finally:
                program.kill()

    def test_an_address_that_is_taken_is_an_error_with_its_cause(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            program = subprocess.run([EXAMPLES / "example_embedded", address], capture_output=True,
                                     text=True, timeout=30, check=False)
        self.assertEqual(program.returncode, 1)
        self.assertIn(f"{address}: Address already in use", program.stderr)


class Tls(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.certificate = os.path.join(folder.name, "cert.pem")
        self.key = os.path.join(folder.name, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", self.key,
                        "-out", self.certificate],
                       check=True, capture_output=True, timeout=30)

    def test_an_echo_over_tls_says_how_each_connection_began(self):
        with subprocess.Popen([EXAMPLES / "example_tls", "127.0.0.1:0", self.certificate, self.key],
                              stdout=subprocess.PIPE, text=True) as program:
            try:
                address = ("127.0.0.1", int(program.stdout.readline().rsplit(":", 1)[1]))
                trust = ssl.create_default_context(cafile=self.certificate)
                session = None
                for how in "new", "resumed":
                    with socket.create_connection(address, timeout=10) as below, \
                            trust.wrap_socket(below, server_hostname="localhost",
                                              session=session) as peer:
                        sent = os.urandom(100_000)
                        peer.sendall(sent)
                        received = bytearray()
                        while len(received) < len(sent):
                            received += peer.recv(65536)
                        self.assertEqual(bytes(received), sent)
                        session = peer.session
                    self.assertEqual(program.stdout.readline(), f"TLSv1.3, {how}\n")
                with socket.create_connection(address, timeout=10) as below, \
                        self.assertRaises(ssl.SSLCertVerificationError):
                    ssl.create_default_context().wrap_socket(below, server_hostname="localhost")
                self.assertEqual(program.stdout.readline(),
                                 "no handshake, tlsv1 alert unknown ca\n")
                with socket.create_connection(address, timeout=10) as below:
                    below.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    self.assertEqual(program.stdout.readline(), "no handshake, http request\n")
            finally:
                program.kill()

    def test_a_certificate_that_cannot_be_used_is_an_error_with_its_file(self):
        program = subprocess.run(
            [EXAMPLES / "example_tls", "127.0.0.1:0", self.certificate, self.certificate],
            capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(program.returncode, 1)
        self.assertEqual(program.stderr, f"tls: {self.certificate}: "
                                         "no private key in PEM form is in this file\n")


if __name__ == "__main__":
    unittest.main()
