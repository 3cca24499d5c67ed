"""More connections than `simul serve` may have: they wait, nothing spins, and all recovers."""

import resource
import select
import signal
import unittest

from _simul import (
    Serve,
    close_all,
    echo,
    is_built_with_ubsan,
    is_served,
    receive,
    receive_all,
    wait_until,
)


def open_peers(server, count):
    """Connections that have said something; whether anybody listens is another matter."""
    peers = []
    for _ in range(count):
        peer = server.connect()
        peer.sendall(b"ping")
        peers.append(peer)
    return peers


def everything(peer):
    """Until the end, orderly or not."""
    try:
        return receive_all(peer)
    except ConnectionResetError:
        return b""


def answered(peers):
    ready = select.poll()
    for peer in peers:
        ready.register(peer, select.POLLIN)
    return {descriptor for descriptor, _ in ready.poll(0)}


def cpu_seconds_within_a_second(server):
    before = server.cpu_seconds()
    select.select([], [], [], 1.0)
    return server.cpu_seconds() - before


class Limits(unittest.TestCase):
    def wait_for_answers(self, peers, count):
        wait_until(lambda: len(answered(peers)) >= count, f"{count} of {len(peers)} answers")

    def check_pause_and_resume(self, server, limit):
        peers = open_peers(server, 2 * limit)
        self.wait_for_answers(peers, limit)
        self.assertLess(cpu_seconds_within_a_second(server), 0.3)
        served = answered(peers)
        self.assertEqual(len(served), limit, "over the limit nobody is served")
        close_all(peer for peer in peers if peer.fileno() in served)
        rest = [peer for peer in peers if peer.fileno() >= 0]
        self.wait_for_answers(rest, limit)
        for peer in rest:
            self.assertEqual(receive(peer, 4), b"ping")
            peer.close()
        server.stop()
        self.assertIn(f"stopped: {2 * limit} connections served, peak {limit} at once", server.log())

    def test_the_servers_limit(self):
        with Serve(echo(), echo(name="other"), max_connections=20, threads=2) as server:
            self.check_pause_and_resume(server, 20)

    def test_a_listeners_limit(self):
        with Serve(echo(max_connections=10), echo(name="other"), threads=2) as server:
            peers = open_peers(server, 30)
            self.wait_for_answers(peers, 10)
            with server.connect("other") as other:
                self.assertTrue(is_served(other), "the other listener isn't affected")
            close_all(peers)
            with server.connect() as peer:
                self.assertTrue(is_served(peer))

    def test_with_a_limit_of_one_they_take_turns(self):
        with Serve(echo(), max_connections=1, threads=2) as server:
            peers = open_peers(server, 20)
            while peers:
                self.wait_for_answers(peers, 1)
                served = answered(peers)
                self.assertEqual(len(served), 1)
                first = next(peer for peer in peers if peer.fileno() in served)
                self.assertEqual(receive(first, 4), b"ping")
                first.close()
                peers.remove(first)
            server.stop()
            self.assertIn("20 connections served, peak 1 at once", server.log())

    def test_who_waits_for_a_place_is_let_go_at_the_end(self):
        with Serve(echo(), max_connections=1, threads=2) as server:
            peers = open_peers(server, 4)
            self.wait_for_answers(peers, 1)
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
            got = [everything(peer) for peer in peers]
            self.assertEqual(sorted(got), [b"", b"", b"", b"ping"])
            close_all(peers)

    def test_fewer_descriptors_than_clients(self):
        with Serve(echo(), descriptors=256, threads=2) as server:
            room = int(server.logged(r"doesn't fit: lowered to (\d+)")[1])
            self.assertIn(room, range(100, 250))
            peers = open_peers(server, 600)
            self.wait_for_answers(peers, room)
            self.assertLess(cpu_seconds_within_a_second(server), 0.3)
            self.assertEqual(len(answered(peers)), room)
            self.assertLess(server.descriptor_count(), 256)
            while peers:  # each one that leaves makes room for another
                self.wait_for_answers(peers, min(room, len(peers)))
                served = answered(peers)
                for peer in peers:
                    if peer.fileno() in served:
                        self.assertEqual(receive(peer, 4), b"ping")
                        peer.close()
                peers = [peer for peer in peers if peer.fileno() >= 0]
            with server.connect() as peer:
                self.assertTrue(is_served(peer))

    @unittest.skipIf(is_built_with_ubsan(), "UBSan itself needs descriptors")
    def test_descriptors_that_run_out_all_the_same(self):
        """Somebody lowers the limit of the running process: accept() itself fails."""
        with Serve(echo(), threads=1) as server, server.connect() as witness:
            self.assertTrue(is_served(witness))
            _, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
            few = server.descriptor_count() + 3
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (few, hard))
            peers = open_peers(server, 10)
            server.wait_for_log(
                r"listener 'echo': can't accept: Too many open files; trying again in 100 ms"
            )
            self.assertLess(cpu_seconds_within_a_second(server), 0.3)
            self.assertTrue(is_served(witness), server.log())
            self.assertLess(server.log().count("can't accept"), 20)
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (hard, hard))
            for peer in peers:
                self.assertEqual(receive(peer, 4), b"ping")
                peer.close()


if __name__ == "__main__":
    unittest.main()
