"""`simul serve` over TLS, with Python's ssl and the `openssl` command as independent peers."""

import contextlib
import os
import pathlib
import signal
import ssl
import subprocess
import tempfile
import threading
import unittest

from _certificates import Authority
from _simul import (
    Serve,
    close_all,
    config,
    echo,
    has_ended,
    is_served,
    listener,
    receive,
    receive_all,
    reset,
    run_simul,
    wait_until,
)


class TlsCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.ca = Authority(cls.folder.name)
        cls.site = cls.ca.certificate_of("site", "localhost")
        cls.other = cls.ca.certificate_of("other", "other.test", "*.wild.test")
        cls.rsa = cls.ca.certificate_of("rsa", "localhost", key=("rsa", "rsa_keygen_bits:2048"))
        cls.alice = cls.ca.certificate_of("alice")
        cls.stranger = Authority(cls.folder.name, "stranger").certificate_of("mallory")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def trusting(self, **settings):
        context = ssl.create_default_context(cafile=self.ca.certificate)
        for name, value in settings.items():
            setattr(context, name, value)
        return context

    def dial(self, server, name=None, host="localhost", context=None, session=None):
        plain = server.connect(name)
        try:
            return (context or self.trusting()).wrap_socket(plain, server_hostname=host, session=session)
        except BaseException:
            plain.close()
            raise

    def serve(self, *listeners, files=(), **settings):
        return Serve(*listeners, files=[*self.site.files, *files], **settings)


class Serving(TlsCase):
    def test_bytes_come_back_encrypted(self):
        with self.serve(echo(tls=self.site.yaml())) as server, self.dial(server) as peer:
            self.assertEqual(peer.version(), "TLSv1.3")
            for size in (1, 64, 65536):
                self.assertTrue(is_served(peer, b"x" * size))
            self.assertIn("echo over TLS", server.log())
            self.assertIn("'CN=site' (EC P-256) until ", server.log())

    def test_the_goodbye_of_a_client_is_answered(self):
        data = os.urandom(1 << 20)
        with self.serve(echo(tls=self.site.yaml())) as server, self.dial(server) as peer:
            sender = threading.Thread(target=peer.sendall, args=[data])
            sender.start()
            self.assertEqual(receive(peer, len(data)), data)
            sender.join()
            peer.unwrap().close()  # waits for close_notify

    def test_http_is_chosen_by_alpn(self):
        web = listener("http", tls=self.site.yaml(), options='{ routes: { /hello: "Hello" } }')
        with self.serve(web) as server:
            context = self.trusting()
            context.set_alpn_protocols(["h2", "http/1.1"])
            with self.dial(server, context=context) as peer:
                self.assertEqual(peer.selected_alpn_protocol(), "http/1.1")
                peer.sendall(b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                self.assertTrue(receive_all(peer).endswith(b"Hello"))
            context.set_alpn_protocols(["h2"])
            with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
                self.dial(server, context=context)

    def test_certificates_are_chosen_by_the_name_that_is_asked_for(self):
        tls = self.site.yaml(f", sni: [{self.other.yaml()}]")
        with self.serve(echo(tls=tls), files=self.other.files) as server:
            for host in ("localhost", "other.test", "a.wild.test"):
                with self.dial(server, host=host) as peer:
                    self.assertTrue(is_served(peer))
            for host in ("a.b.wild.test", "unknown.test"):  # the default one, which isn't for them
                with self.assertRaises(ssl.SSLCertVerificationError):
                    self.dial(server, host=host)

    def test_a_name_may_have_keys_of_several_types(self):
        tls = self.site.yaml(f", sni: [{self.rsa.yaml()}]")
        with self.serve(echo(tls=tls), files=self.rsa.files) as server:
            context = self.trusting(maximum_version=ssl.TLSVersion.TLSv1_2)
            for suites, name in (("ECDHE-ECDSA-AES128-GCM-SHA256", "site"), ("ECDHE-RSA-AES128-GCM-SHA256", "rsa")):
                context.set_ciphers(suites)
                with self.dial(server, context=context) as peer:
                    self.assertEqual(peer.getpeercert()["subject"], ((("commonName", name),),))

    def test_sessions_are_taken_up_again_by_every_loop(self):
        with self.serve(echo(tls=self.site.yaml()), threads=4) as server:
            context = self.trusting(maximum_version=ssl.TLSVersion.TLSv1_2)
            with self.dial(server, context=context) as peer:
                self.assertTrue(is_served(peer))
                session = peer.session
            for _ in range(16):
                with self.dial(server, context=context, session=session) as peer:
                    self.assertTrue(peer.session_reused)
                    self.assertTrue(is_served(peer))

    def test_a_client_certificate_is_asked_for_where_it_is_required(self):
        tls = self.site.yaml(", client_ca: ca.pem")
        with self.serve(echo(tls=tls), files=[self.ca.certificate]) as server:
            context = self.trusting()
            with self.assertRaises(OSError), self.dial(server, context=context) as peer:
                peer.recv(1)  # TLS 1.3 tells the client after its handshake
            server.wait_for_log("TLS handshake: .*certificate")
            context.load_cert_chain(self.alice.certificate, self.alice.key)
            with self.dial(server, context=context) as peer:
                self.assertTrue(is_served(peer))
            mallory = self.trusting()
            mallory.load_cert_chain(self.stranger.certificate, self.stranger.key)
            with self.assertRaises(OSError), self.dial(server, context=mallory) as peer:
                peer.recv(1)

    def test_an_optional_client_certificate_may_be_missing_but_not_wrong(self):
        tls = self.site.yaml(", client_ca: ca.pem, client_certificate: optional")
        with self.serve(echo(tls=tls), files=[self.ca.certificate]) as server:
            with self.dial(server) as peer:
                self.assertTrue(is_served(peer))
            mallory = self.trusting()
            mallory.load_cert_chain(self.stranger.certificate, self.stranger.key)
            with self.assertRaises(OSError), self.dial(server, context=mallory) as peer:
                peer.recv(1)

    def test_old_versions_are_refused(self):
        tls = self.site.yaml(', minimum_version: "1.3"')
        with self.serve(echo(tls=tls), echo(name="older", tls=self.site.yaml())) as server:
            old = self.trusting(maximum_version=ssl.TLSVersion.TLSv1_2)
            with self.assertRaises(ssl.SSLError):
                self.dial(server, "echo", context=old)
            with self.dial(server, "older", context=old) as peer:
                self.assertEqual(peer.version(), "TLSv1.2")


class Refusing(TlsCase):
    def test_garbage_and_plain_http_end_with_a_log_line_and_disturb_nobody(self):
        with self.serve(echo(tls=self.site.yaml()), log="{ level: debug }") as server:
            with self.dial(server) as witness:
                for garbage in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(64), b"\x16\x03\x01\xff\xff" + bytes(64)):
                    with server.connect() as peer:
                        peer.sendall(garbage)
                        with contextlib.suppress(ConnectionResetError):
                            receive_all(peer)
                server.wait_for_log("TLS handshake: .*http request")
                self.assertTrue(is_served(witness))

    def test_a_handshake_has_a_deadline_from_the_first_byte_to_the_last(self):
        with self.serve(echo(tls=self.site.yaml(), handshake_timeout="200ms")) as server:
            with server.connect() as silent, server.connect() as slow:
                with contextlib.suppress(ConnectionError):
                    slow.sendall(b"\x16\x03\x01\x02")
                self.assertTrue(has_ended(silent))
                self.assertTrue(has_ended(slow))
            server.wait_for_log("TLS handshake: not complete after 200ms")

    def test_who_is_in_the_handshake_takes_no_place_from_who_is_served(self):
        with self.serve(echo(tls=self.site.yaml(), max_handshakes=2, handshake_timeout="5s")) as server:
            with self.dial(server) as witness:
                with server.connect(), server.connect():  # both say nothing
                    self.assertTrue(is_served(witness))
                    with self.dial(server) as late:  # waits until they are timed out
                        self.assertTrue(is_served(late))

    def test_who_vanishes_in_the_handshake_leaves_nothing_behind(self):
        with self.serve(echo(tls=self.site.yaml())) as server:
            with self.dial(server) as peer:
                self.assertTrue(is_served(peer))
                before = server.descriptor_count()
            for _ in range(50):
                rude = server.connect()
                rude.sendall(b"\x16\x03\x01\x02\x00\x01")
                reset(rude)
            wait_until(lambda: server.descriptor_count() < before, "closed sockets")
            server.send_signal(signal.SIGTERM)
            server.wait()
            self.assertIn("not admitted: ", server.log())

    def test_a_stop_doesnt_wait_for_who_stops_in_the_handshake(self):
        # One loop accepts in order, so who is served came after the silent one.
        listeners = echo(tls=self.site.yaml(), handshake_timeout="1h")
        with self.serve(listeners, threads=1) as server, server.connect() as silent:
            with self.dial(server) as peer:
                self.assertTrue(is_served(peer))
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
            self.assertTrue(has_ended(silent))
            self.assertIn("not admitted: 1 shutdown", server.log())

    def test_a_stop_in_the_middle_of_a_flood_of_handshakes_is_orderly(self):
        tls = self.site.yaml()
        for attempt in range(5):
            with self.serve(echo(tls=tls, max_handshakes=2), threads=4, shutdown_timeout="0s") as server:
                peers = [server.connect() for _ in range(40)]
                for peer in peers[::2]:
                    reset(peer)  # makes place for another at about the same time
                server.send_signal(signal.SIGTERM)
                self.assertEqual(server.wait(), 0, f"attempt {attempt}: {server.log()}")
                close_all(peers[1::2])

    def test_a_stop_lets_a_handshake_finish_and_then_says_goodbye(self):
        with self.serve(echo(tls=self.site.yaml())) as server:
            plain = server.connect()
            wait_until(lambda: server.descriptor_count() and server.logged("ready"), "a server")
            context = self.trusting()
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            with contextlib.suppress(ssl.SSLWantReadError):
                client.do_handshake()
            plain.sendall(outgoing.read())
            incoming.write(plain.recv(65536))
            server.send_signal(signal.SIGTERM)
            server.wait_for_log("stopping")
            while True:
                try:
                    client.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    incoming.write(plain.recv(65536))
            plain.sendall(outgoing.read())
            receive_all(plain)
            plain.close()
            self.assertEqual(server.wait(), 0)


class Reloading(TlsCase):
    def serial(self, server):
        with self.dial(server) as peer:
            self.assertTrue(is_served(peer))
            return peer.getpeercert()["serialNumber"]

    def test_sighup_reads_the_certificates_again_without_touching_connections(self):
        renewed = self.ca.certificate_of("renewed", "localhost")
        with self.serve(echo(tls=self.site.yaml())) as server, self.dial(server) as peer:
            before = self.serial(server)
            for old, new in zip(self.site.files, renewed.files):
                (server.path / old.name).write_bytes(new.read_bytes())
            server.send_signal(signal.SIGHUP)
            server.wait_for_log("'CN=renewed'")
            self.assertNotEqual(self.serial(server), before)
            self.assertTrue(is_served(peer))

    def test_a_wrong_file_changes_nothing_and_is_logged_with_its_place(self):
        with self.serve(echo(tls=self.site.yaml())) as server:
            before = self.serial(server)
            (server.path / "site.key").write_bytes(self.other.key.read_bytes())
            server.send_signal(signal.SIGHUP)
            server.wait_for_log(r"simul.yaml:\d+:\d+: key: .*doesn't belong")
            server.wait_for_log("listener 'echo' keeps its certificates as they were")
            self.assertEqual(self.serial(server), before)

    def test_sessions_outlive_new_certificates(self):
        with self.serve(echo(tls=self.site.yaml())) as server:
            context = self.trusting(maximum_version=ssl.TLSVersion.TLSv1_2)
            with self.dial(server, context=context) as peer:
                self.assertTrue(is_served(peer))
                session = peer.session
            server.send_signal(signal.SIGHUP)
            wait_until(lambda: server.log().count("'CN=site'") == 2, "a reload")
            with self.dial(server, context=context, session=session) as peer:
                self.assertTrue(peer.session_reused)

    def test_sighup_ends_nothing_where_there_is_no_tls(self):
        with Serve(echo()) as server, server.connect() as peer:
            server.send_signal(signal.SIGHUP)
            server.wait_for_log("SIGHUP")
            self.assertTrue(is_served(peer))


class Checking(TlsCase):
    def check(self, tls, *files):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "simul.yaml")
            for file in files:
                with open(os.path.join(folder, file.name), "wb") as copy:
                    copy.write(file.read_bytes())
            with open(path, "w", encoding="ascii") as file:
                file.write(config(echo(tls=tls)))
            done = run_simul("check", path)
            return done.returncode, done.stderr.replace(folder + "/", "")

    def expect(self, tls, *files, error):
        status, text = self.check(tls, *files)
        self.assertRegex(text, error)
        self.assertEqual(status, 78)

    def test_files_that_fit_together_are_right(self):
        self.assertEqual(self.check(self.site.yaml(), *self.site.files), (0, ""))

    def test_a_file_that_is_not_there(self):
        self.expect(self.site.yaml(), self.site.key,
                    error=r"simul.yaml:5:25: error: certificate: 'site.pem': No such file")

    def test_a_key_of_another_certificate(self):
        tls = "{ certificate: site.pem, key: other.key }"
        self.expect(tls, self.site.certificate, self.other.key,
                    error=r"simul.yaml:5:40: error: key: 'other.key': the key doesn't belong")

    def test_a_file_that_is_no_pem(self):
        tls = "{ certificate: site.key, key: site.pem }"
        self.expect(tls, *self.site.files, error="no certificate in PEM form")

    def test_an_encrypted_key(self):
        locked = self.site.key.with_name("locked.key")
        subprocess.run(["openssl", "pkey", "-in", self.site.key, "-aes256", "-passout", "pass:x",
                        "-out", locked], check=True, timeout=60)
        self.expect("{ certificate: site.pem, key: locked.key }", self.site.certificate, locked,
                    error="the key is encrypted")

    def test_a_certificate_whose_time_is_over_is_wrong_for_check_and_a_warning_for_serve(self):
        expired = self.ca.certificate_of("expired", "localhost", days=-1)
        self.expect(expired.yaml(), *expired.files, error=r"simul.yaml:5:25: .*has expired on \d{4}-")
        with Serve(echo(tls=expired.yaml()), files=expired.files) as server:
            self.assertRegex(server.log(), "warning .*has expired on")

    def test_a_name_with_two_certificates_of_the_same_type(self):
        twin = self.ca.certificate_of("twin", "twin.test", "LOCALHOST")
        tls = self.site.yaml(f", sni: [{twin.yaml()}]")
        self.expect(tls, *self.site.files, *twin.files,
                    error="certificate: 'twin.pem': 'LOCALHOST' has another certificate with a key of type EC: that of line 5")

    def test_a_further_certificate_without_names(self):
        tls = self.site.yaml(f", sni: [{self.alice.yaml()}]")
        self.expect(tls, *self.site.files, *self.alice.files, error="'alice.pem': it contains no names")

    def test_what_is_no_file(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(f"{folder}/pipe")
            self.expect(f"{{ certificate: {folder}/pipe, key: {folder} }}", error="certificate: .*not a regular file")
            self.expect(f"{{ certificate: {folder}/pipe, key: {folder} }}", error="key: .*not a regular file")

    def test_an_ocsp_response_that_is_none_is_wrong_for_check_and_isnt_stapled_by_serve(self):
        garbage = pathlib.Path(self.folder.name, "garbage.ocsp")
        garbage.write_bytes(b"hello")
        tls = self.site.yaml(", ocsp: garbage.ocsp")
        self.expect(tls, *self.site.files, garbage, error="ocsp: 'garbage.ocsp': no OCSP response")
        with self.serve(echo(tls=tls), files=[garbage]) as server, self.dial(server) as peer:
            self.assertTrue(is_served(peer))
            self.assertRegex(server.log(), "warning .*ocsp: .*none is stapled")

    def test_all_that_is_wrong_is_said_at_once(self):
        tls = "{ certificate: a.pem, key: d.key, client_ca: b.pem, sni: [{ certificate: c.pem }] }"
        status, text = self.check(tls)
        self.assertEqual(status, 78)
        for file in ("a.pem", "b.pem", "c.pem", "d.key"):
            self.assertIn(file, text)


if __name__ == "__main__":
    unittest.main()
