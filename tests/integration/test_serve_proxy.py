"""The PROXY protocol in front of `simul serve`: by hand, and with HAProxy."""

import contextlib
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import unittest

from _certificates import Authority
from _simul import (
    PATIENCE, Serve, echo, free_port, has_ended, is_served, loopback_address, receive, receive_all, stuff, wait_until
)

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
HEALTH_CHECK = SIGNATURE + bytes.fromhex("20000000")


def header(source="192.0.2.7", port=4711):
    body = socket.inet_aton(source) + socket.inet_aton("198.51.100.1") + struct.pack("!HH", port, 443)
    return SIGNATURE + bytes([0x21, 0x11]) + struct.pack("!H", len(body)) + body


def behind_a_proxy(mode="required", trusted="[127.0.0.0/8]", **keys):
    return echo(proxy_protocol=mode, trusted_proxies=trusted, **keys)


class Headers(unittest.TestCase):
    def test_both_versions_are_taken_off_and_the_rest_is_served(self):
        with Serve(behind_a_proxy()) as server:
            for first in (header(), b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", b"PROXY UNKNOWN\r\n", HEALTH_CHECK):
                with server.connect() as peer:
                    peer.sendall(first + b"together")
                    self.assertEqual(receive(peer, 8), b"together")
                    self.assertTrue(is_served(peer))
                with server.connect() as peer:
                    for byte in first:
                        peer.sendall(bytes([byte]))
                    self.assertTrue(is_served(peer))

    def test_the_client_of_the_proxy_is_the_peer(self):
        with Serve(behind_a_proxy(), shutdown_timeout="100ms") as server, server.connect() as peer:
            peer.sendall(header() + b"x")
            self.assertEqual(receive(peer, 1), b"x")
            stuff(server, peer)
            server.send_signal(signal.SIGTERM)
            server.wait_for_log(r"still alive: connection [0-9]+ of 192\.0\.2\.7:4711")
            server.wait()

    def test_what_is_wrong_is_refused_before_the_protocol_sees_a_byte(self):
        wrong = (b"hello", b"PROXY TCP4 nonsense\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n" + bytes(120),
                 SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12), SIGNATURE + b"\x21\x11\x00\x01\x00")
        with Serve(behind_a_proxy()) as server:
            for first in wrong:
                with server.connect() as peer:
                    peer.sendall(first)
                    with contextlib.suppress(ConnectionResetError):
                        self.assertEqual(receive_all(peer), b"")
            server.wait_for_log("malformed PROXY header")

    def test_a_header_has_a_deadline(self):
        with Serve(behind_a_proxy(handshake_timeout="200ms")) as server, server.connect() as peer:
            with contextlib.suppress(ConnectionError):
                peer.sendall(header()[:-1])
            self.assertTrue(has_ended(peer))
            server.wait_for_log("PROXY header: not complete after 200ms")

    def test_nobody_else_may_send_one(self):
        with Serve(behind_a_proxy(trusted="[10.0.0.0/8]")) as server:
            with server.connect() as peer:
                with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                    peer.sendall(header())
                self.assertTrue(has_ended(peer))
            server.wait_for_log("127.0.0.1:.* is none of the trusted_proxies")

    def test_optional_means_with_or_without(self):
        with Serve(behind_a_proxy("optional")) as server:
            for first in (header(), b"", b"P", b"PROXIMA", b"\r\n\r\n"):
                with server.connect() as peer:
                    peer.sendall(first + b"!!!")
                    expected = b"!!!" if first == header() else first + b"!!!"
                    self.assertEqual(receive(peer, len(expected)), expected)

    def test_optional_leaves_what_strangers_send_alone(self):
        with Serve(behind_a_proxy("optional", "[10.0.0.0/8]")) as server, server.connect() as peer:
            peer.sendall(header())
            self.assertEqual(receive(peer, len(header())), header())

    def test_a_unix_socket_trusts_who_may_open_it(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/echo.sock"
            with Serve(echo(address=f"unix:{path}", proxy_protocol="required")):
                with socket.socket(socket.AF_UNIX) as peer:
                    peer.connect(path)
                    peer.sendall(header() + b"x")
                    self.assertEqual(receive(peer, 1), b"x")

    def test_the_header_comes_before_the_handshake(self):
        with tempfile.TemporaryDirectory() as folder:
            ca = Authority(folder)
            site = ca.certificate_of("site", "localhost")
            with Serve(behind_a_proxy(tls=site.yaml()), files=site.files) as server:
                plain = server.connect()
                plain.sendall(header())
                context = ssl.create_default_context(cafile=ca.certificate)
                with context.wrap_socket(plain, server_hostname="localhost") as peer:
                    self.assertTrue(is_served(peer))
                with server.connect() as peer:  # the handshake without the header
                    peer.sendall(b"\x16\x03\x01\x00\x05hello")
                    self.assertTrue(has_ended(peer))


HAPROXY = """
global
    maxconn 200
    max-spread-checks 10ms
    log stdout format raw local0
defaults
    mode tcp
    default-server inter 20s fastinter 100ms downinter 100ms
    timeout check 20s
    timeout connect 20s
    timeout client 30s
    timeout server 30s
    option tcplog
listen plain
    bind {host}:{plain} name plain
    server s1 127.0.0.1:{target} send-proxy-v2 check check-send-proxy
listen first
    bind {host}:{first}
    server s1 127.0.0.1:{target} send-proxy check check-send-proxy
listen tls
    bind {host}:{tls}
    server s1 127.0.0.1:{target_tls} send-proxy-v2 proxy-v2-options crc32c,unique-id check check-send-proxy check-ssl ssl ca-file {ca} verifyhost localhost sni str(localhost)
frontend status
    mode http
    bind {host}:{status}
    stats enable
    stats uri /
"""


@unittest.skipUnless(shutil.which("haproxy") or pathlib.Path("/usr/sbin/haproxy").exists(), "there is no haproxy")
class HaProxy(unittest.TestCase):
    def test_haproxy_and_its_health_checks_are_served(self):
        with tempfile.TemporaryDirectory() as folder:
            ca = Authority(folder)
            site = ca.certificate_of("site", "localhost")
            secure = behind_a_proxy(name="secure", tls=site.yaml())
            with Serve(behind_a_proxy(), secure, files=site.files, log="{ level: debug }") as server:
                host = loopback_address()
                ports = {name: free_port(host) for name in ("plain", "first", "tls", "status")}
                configuration = pathlib.Path(folder, "haproxy.cfg")
                configuration.write_text(HAPROXY.format(
                    host=host, target=server.address("echo")[1], target_tls=server.address("secure")[1],
                    ca=ca.certificate, **ports))
                binary = shutil.which("haproxy") or "/usr/sbin/haproxy"
                with subprocess.Popen([binary, "-db", "-f", configuration],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as proxy:
                    try:
                        wait_until(lambda: all_up((host, ports["status"])), "servers that haproxy finds up")
                        for name in ("plain", "first", "tls"):
                            with socket.create_connection((host, ports[name]), PATIENCE) as peer:
                                self.assertTrue(is_served(peer, bytes(200_000)))
                    finally:
                        proxy.terminate()
                self.assertNotRegex(server.log(), r"127\.0\.0\.1:\d+: .*PROXY header")


def all_up(address):
    try:
        with socket.create_connection(address, PATIENCE) as peer:
            peer.sendall(b"GET /;csv HTTP/1.0\r\n\r\n")
            lines = receive_all(peer).decode().splitlines()
    except OSError:
        return False
    checked = [line.split(",") for line in lines if ",s1," in line]
    return len(checked) == 3 and all(fields[17].startswith("UP") and fields[36].startswith("L") for fields in checked)


if __name__ == "__main__":
    unittest.main()
