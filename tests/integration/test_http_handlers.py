"""The example of handlers, as curl sees it: JSON, a stream, events, and what clients do in the middle of them."""

import json
import os
import subprocess
import tempfile
import unittest

from _http import Notes, curl, head_of, status_of, url
from _simul import PATIENCE, receive_all

JSON = ("--header", "Content-Type: application/json")


class Handlers(unittest.TestCase):
    def setUp(self):
        self.notes = Notes()
        self.notes.__enter__()
        self.addCleanup(self.notes.__exit__)

    def url(self, path):
        return url(self.notes, path)

    def post(self, text, *more):
        return json.loads(curl(*JSON, *more, "--data", json.dumps({"text": text}), self.url("/notes")).body)["id"]

    def test_a_note_is_posted_listed_read_and_deleted(self):
        status, fields = head_of(*JSON, "--data", '{"text": "buy milk"}', self.url("/notes"))
        self.assertEqual((status, fields["location"]), (201, "/notes/1"))
        self.assertEqual(self.post("straße ☃"), 2)
        self.assertEqual(json.loads(curl(self.url("/notes")).body),
                         [{"id": 1, "text": "buy milk"}, {"id": 2, "text": "straße ☃"}])
        self.assertEqual(json.loads(curl(self.url("/notes/2")).body), {"id": 2, "text": "straße ☃"})
        self.assertEqual(status_of("--request", "DELETE", self.url("/notes/1")), "204")
        self.assertEqual([status_of(self.url(f"/notes/{which}")) for which in (1, 2, 3, "x")], ["404", "200", "404", "404"])
        self.assertEqual(status_of("--request", "PATCH", self.url("/notes/2")), "405")

    def test_what_is_no_note_is_refused_and_the_connection_goes_on(self):
        cases = (("{", "400"), ("[]", "422"), ('{"text": 1}', "422"), ("[" * 100_000, "400"), ('"\ud800"', "400"))
        arguments = []
        for text, _ in cases:
            with tempfile.NamedTemporaryFile(delete=False) as file:
                file.write(text.encode(errors="surrogatepass"))
            self.addCleanup(os.unlink, file.name)
            arguments += [*JSON, "--data-binary", f"@{file.name}", "--output", os.devnull,
                          "--write-out", "%{num_connects}%{http_code} ", self.url("/notes"), "--next"]
        got = curl(*arguments, "--no-progress-meter", self.url("/notes")).text
        self.assertEqual(got, " ".join(["1" + cases[0][1], *("0" + status for _, status in cases[1:]), "[]\n"]))

    def test_uploads_in_every_form(self):
        text = "x" * 200_000
        for number, more in enumerate(((), ("--header", "Expect: 100-continue"), ("--header", "Transfer-Encoding: chunked"),
                                       ("--header", "Transfer-Encoding: chunked", "--header", "Expect: 100-continue"),
                                       ("--http1.0", "--header", "Expect:")), 1):
            with tempfile.NamedTemporaryFile("w") as file:
                json.dump({"text": text}, file)
                file.flush()
                got = curl("-v", *JSON, *more, "--expect100-timeout", PATIENCE, "--data-binary", f"@{file.name}", self.url("/notes"))
            self.assertEqual(json.loads(got.body), {"id": number}, more)
            self.assertEqual("100 Continue" in got.errors, "Expect: 100-continue" in more, more)

    def test_a_body_beyond_the_limit_is_refused_before_it_comes(self):
        with tempfile.NamedTemporaryFile() as file:
            file.truncate((1 << 20) + 1)
            got = curl(*JSON, "--header", "Expect: 100-continue", "--expect100-timeout", PATIENCE, "--data-binary",
                       f"@{file.name}", "--output", os.devnull, "--write-out", "%{http_code} %{size_upload}", self.url("/notes"))
        self.assertEqual(got.text, "413 0")

    def test_a_stream_is_whole_in_every_version(self):
        texts = [f"note {number}" for number in range(50)]
        for text in texts:
            self.post(text)
        expected = "".join(text + "\n" for text in texts)
        self.assertEqual(curl(self.url("/notes.txt")).text, expected)
        self.assertEqual(curl("--http1.0", self.url("/notes.txt")).text, expected)
        self.assertEqual(head_of(self.url("/notes.txt"))[1]["transfer-encoding"], "chunked")
        got = curl("--write-out", " %{num_connects} ", self.url("/notes.txt"), self.url("/notes.txt")).text
        self.assertEqual(got, f"{expected} 1 {expected} 0 ")
        self.assertEqual(curl("--head", self.url("/notes.txt")).text.count("HTTP/1.1 200"), 1)

    def test_events_arrive_while_they_happen(self):
        listeners = [subprocess.Popen(["curl", "--disable", "--silent", "--noproxy", "*", "--no-buffer", *more, self.url("/news")],
                                      stdout=subprocess.PIPE) for more in ((), ("--http1.0",))]
        try:
            for listener in listeners:
                self.assertTrue(listener.stdout.readline().startswith(b":"))  # it has subscribed
                self.assertEqual(listener.stdout.readline(), b"\n")
            for text in ("first", "two\nlines"):
                self.post(text)
                lines = [b"data: " + part.encode() + b"\n" for part in text.split("\n")]
                for listener in listeners:
                    event = [listener.stdout.readline() for _ in range(len(lines) + 2)]
                    self.assertEqual(event, [b"event: note\n", *lines, b"\n"])
            for listener in listeners:  # they go in the middle, and nobody minds
                listener.kill()
            self.assertEqual(self.post("third"), 3)
        finally:
            for listener in listeners:
                listener.kill()
                listener.wait()
                listener.stdout.close()

    def test_an_event_stream_takes_the_requests_behind_it_along_when_the_client_goes(self):
        with self.notes.connect() as peer:
            peer.sendall(b"GET /news HTTP/1.1\r\nHost: a\r\n\r\nDELETE /notes/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(peer.recv(12).startswith(b"HTTP/1.1 200"))
            self.post("stays")
        self.assertEqual(status_of(self.url("/notes/1")), "200")

    def test_requests_at_once_on_one_connection_are_answered_in_order(self):
        bodies = [json.dumps({"text": f"t{number}"}).encode() for number in range(20)]
        with self.notes.connect() as peer:
            peer.sendall(b"".join(
                b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                for body in bodies) + b"GET /notes.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            replies = receive_all(peer)
        self.assertEqual(replies.count(b"HTTP/1.1 201 "), 20)
        ends = [replies.index(b'{"id":%d}' % number) for number in range(1, 21)]
        self.assertEqual(ends, sorted(ends))
        self.assertTrue(replies.endswith(b"0\r\n\r\n"))


if __name__ == "__main__":
    unittest.main()
