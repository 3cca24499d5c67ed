"""How `simul serve` ends: drain, deadline, impatience."""

import signal
import time
import unittest

from _simul import Serve, close_all, echo, has_ended, is_served, receive, stuff


class Stop(unittest.TestCase):
    def test_idle_connections_do_not_hold_it_up(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Serve(echo(), shutdown_timeout="1h", threads=2) as server:
                peers = [server.connect() for _ in range(50)]
                for peer in peers:
                    self.assertTrue(is_served(peer))
                server.send_signal(number)
                self.assertEqual(server.wait(), 0)
                self.assertTrue(all(has_ended(peer) for peer in peers))
                close_all(peers)
                self.assertRegex(server.log(), rf"{number.name}: stopping; 50 connections have 1h")
                self.assertRegex(server.log(), r"stopped: 50 connections .* 50 by the handler, 0 failed")

    def test_what_is_at_hand_is_finished(self):
        with Serve(echo(), shutdown_timeout="1h") as server, server.connect() as peer:
            stuff(server, peer)
            server.send_signal(signal.SIGTERM)
            server.wait_for_log("stopping")
            # What is being sent gets through; what is only queued in the kernel is no promise.
            self.assertEqual(receive(peer, 1 << 16), bytes(1 << 16))
            try:
                while peer.recv(1 << 20):
                    pass
            except ConnectionResetError:
                pass
            self.assertEqual(server.wait(), 0)
            self.assertRegex(server.log(), r"1 by the handler, 0 failed, 0 idle timeout, 0 shutdown")

    def test_a_stuck_connection_is_ended_at_the_deadline(self):
        with Serve(echo(), shutdown_timeout="500ms") as server, server.connect() as peer:
            stuff(server, peer)
            start = time.monotonic()
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
            self.assertGreaterEqual(time.monotonic() - start, 0.5)
            self.assertRegex(server.log(), r"shutdown_timeout is over: 1 connections are ended")
            self.assertRegex(
                server.log(),
                r"still alive: connection \d+ of 127\.0\.0\.1:\d+ to 'echo', .*"
                r"waits for send fd \d+ at echo\.cpp:\d+",
            )
            self.assertRegex(server.log(), r"0 by the handler, 0 failed, 0 idle timeout, 1 shutdown")

    def test_a_second_signal_cuts_the_wait_short(self):
        with Serve(echo(), shutdown_timeout="1h") as server, server.connect() as peer:
            stuff(server, peer)
            server.send_signal(signal.SIGTERM)
            server.wait_for_log("stopping")
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
            self.assertRegex(server.log(), r"second signal: 1 connections are ended")

    def test_no_one_is_accepted_any_more(self):
        with Serve(echo(), shutdown_timeout="1h") as server, server.connect() as peer:
            stuff(server, peer)
            server.send_signal(signal.SIGTERM)
            server.wait_for_log("stopping")

            def refused():
                try:
                    with server.connect() as late:
                        return has_ended(late)
                except ConnectionRefusedError:
                    return True

            self.assertTrue(refused())


if __name__ == "__main__":
    unittest.main()
