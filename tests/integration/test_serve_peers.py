"""What clients do to `simul serve`: the good, the slow, the rude and those who vanish."""

import contextlib
import http.client
import select
import socket
import threading
import time
import unittest

from _simul import (
    Serve,
    close_all,
    echo,
    has_ended,
    is_served,
    listener,
    receive,
    receive_all,
    reset,
    wait_until,
)

WEB = listener("http", name="web", options='{ routes: { /hello: "Hello, world!\\n" } }')


class Peers(unittest.TestCase):
    def test_bytes_come_back(self):
        with Serve(echo()) as server, server.connect() as peer:
            for size in (1, 64, 65536):
                self.assertTrue(is_served(peer, b"x" * size))

    def test_http_answers(self):
        with Serve(echo(), WEB) as server:
            client = http.client.HTTPConnection(*server.address("web"), timeout=30)
            for _ in range(2):  # on one connection
                client.request("GET", "/hello")
                answer = client.getresponse()
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.read(), b"Hello, world!\n")
            client.request("GET", "/nothing")
            self.assertEqual(client.getresponse().status, 404)
            client.close()

    def test_who_half_closes_gets_all_of_its_bytes_back(self):
        data = bytes(range(256)) * 8192  # 2 MiB: more than the sockets buffer

        def send_all_and_finish(peer):
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)

        with Serve(echo()) as server, server.connect() as peer:
            sender = threading.Thread(target=send_all_and_finish, args=[peer])
            sender.start()
            self.assertEqual(receive_all(peer), data)
            sender.join()

    def test_who_resets_disturbs_nobody(self):
        with Serve(echo()) as server, server.connect() as witness:
            for _ in range(50):
                rude = server.connect()
                rude.sendall(b"x" * 1000)
                reset(rude)
            self.assertTrue(is_served(witness))
            with server.connect() as newcomer:
                self.assertTrue(is_served(newcomer))

    def test_who_connects_and_vanishes_leaves_nothing_behind(self):
        with Serve(echo()) as server:
            with server.connect() as peer:  # the first one opens what is opened once
                self.assertTrue(is_served(peer))
            before = wait_until(server.descriptor_count, "descriptors")
            for number in range(1000):
                peer = server.connect()
                if number % 2:
                    reset(peer)
                else:
                    peer.close()
            wait_until(
                lambda: server.descriptor_count() <= before,
                f"{before} descriptors again, not {server.descriptor_count()}",
            )

    def test_who_is_silent_is_closed_after_the_idle_timeout(self):
        with Serve(echo(idle_timeout="200ms"), WEB) as server:
            with server.connect() as silent, server.connect("web") as other:
                self.assertTrue(has_ended(silent))
                other.sendall(b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                self.assertTrue(receive_all(other).endswith(b"Hello, world!\n"))
            server.stop()
            self.assertRegex(server.log(), r"closed: .*\b1 idle timeout")

    def test_who_keeps_talking_is_not_idle(self):
        with Serve(echo(idle_timeout="500ms")) as server:
            wait_until(lambda: self.outlives_two_silent_ones(server), "half a second without a pause as long")

    def outlives_two_silent_ones(self, server):
        """Their ends are the clock. False: the machine made a pause that was too long."""
        spoke = time.monotonic()
        with server.connect() as peer:
            for _ in range(2):
                with server.connect() as silent:
                    while not select.select([silent], [], [], 0.05)[0]:
                        before, spoke = spoke, time.monotonic()
                        with contextlib.suppress(ConnectionError):
                            if is_served(peer):
                                continue
                        self.assertGreaterEqual(time.monotonic() - before, 0.5, "closed although it spoke")
                        return False
            return True

    def test_who_never_reads_costs_a_bounded_amount_of_memory(self):
        # On a busy machine there are stalls, whose reports read debug information: that is another matter.
        with Serve(echo(), stall_threshold="1h") as server, server.connect() as witness:
            self.assertTrue(is_served(witness))
            before = server.resident_bytes()
            hogs = [server.connect() for _ in range(8)]
            sent = 0
            for hog in hogs:
                hog.settimeout(0.3)
                try:
                    while sent < 1 << 30:
                        sent += hog.send(b"x" * (1 << 20))
                except TimeoutError:
                    pass
            self.assertLess(sent, 1 << 30, "the server takes without end")
            self.assertTrue(is_served(witness))
            self.assertLess(server.resident_bytes() - before, 16 << 20)
            close_all(hogs)

    def test_many_at_once(self):
        with Serve(echo()) as server:
            peers = [server.connect() for _ in range(500)]
            for peer in peers:
                peer.sendall(b"hello")
            for peer in peers:
                self.assertEqual(receive(peer, 5), b"hello")
            close_all(peers)
            server.stop()
            self.assertIn(
                "stopped: 500 connections served, peak 500 at once, 2500 bytes in, 2500 bytes out",
                server.log(),
            )


if __name__ == "__main__":
    unittest.main()
