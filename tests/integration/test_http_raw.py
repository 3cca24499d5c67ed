"""What is refused, over a socket: each time with a request behind it that mustn't be answered (RFC 9112, 11.2)."""

import contextlib
import json
import re
import socket
import unittest

from _http import Notes, web
from _simul import PATIENCE, Serve, receive_all

# No answer to anything that comes behind what was refused may contain this.
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
LINE = b"GET / HTTP/1.1\r\n"
HEAD = LINE + b"Host: a\r\n"
END = b"\r\n\r\n"


def field(line):
    return HEAD + line + END


def host(value):
    return LINE + b"Host: " + value + END


def target(value):
    return b"GET " + value + b" HTTP/1.1\r\nHost: a" + END


def line(text):
    return text + b"\r\nHost: a" + END


HEADS = {
    # lines
    "obs-fold": (400, field(b"A: b\r\n c")),
    "obs-fold with a tab": (400, field(b"A: b\r\n\tc")),
    "obs-fold of the first field": (400, LINE + b" Host: a" + END),
    "obs-fold that hides a coding": (400, field(b"Transfer-Encoding:\r\n chunked")),
    "bare LF after the request line": (400, b"GET / HTTP/1.1\nHost: a" + END),
    "bare LF after a field": (400, LINE + b"Host: a\nB: c" + END),
    "bare LF as the blank line": (400, LINE + b"Host: a\r\n\n"),
    "bare LF twice": (400, LINE + b"Host: a\n\n"),
    "bare CR in a value": (400, field(b"A: b\rC: d")),
    "bare CR in the request line": (400, b"GET / HTTP/1.1\rHost: a" + END),
    "NUL in a value": (400, field(b"A: b\0c")),
    "a flood of empty lines": (400, b"\r\n" * 100 + HEAD + b"\r\n"),
    # fields
    "an empty name": (400, field(b": b")),
    "no colon": (400, field(b"Ab")),
    "a space before the colon": (400, field(b"A : b")),
    "a space inside of a name": (400, field(b"A b: c")),
    "a space before the colon of Content-Length": (400, field(b"Content-Length : 5")),
    "a space before the colon of Transfer-Encoding": (400, field(b"Transfer-Encoding : chunked")),
    "too many fields": (431, HEAD + b"A: b\r\n" * 20 + b"\r\n"),
    "too many bytes": (431, field(b"A: " + b"b" * 2000)),
    # the request line
    "two spaces": (400, line(b"GET  / HTTP/1.1")),
    "two spaces before the version": (400, line(b"GET /  HTTP/1.1")),
    "a space at the end": (400, line(b"GET / HTTP/1.1 ")),
    "a tab": (400, line(b"GET\t/ HTTP/1.1")),
    "no version": (400, line(b"GET /")),
    "HTTP/0.9": (505, line(b"GET / HTTP/0.9")),
    "HTTP/1.2": (505, line(b"GET / HTTP/1.2")),
    "HTTP/2.0": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "half a version": (400, line(b"GET / HTTP/1")),
    "a version in small letters": (400, line(b"GET / http/1.1")),
    "a version with a leading zero": (400, line(b"GET / HTTP/01.1")),
    "RTSP": (400, line(b"OPTIONS / RTSP/1.0")),
    "a method of RTSP": (501, line(b"DESCRIBE / HTTP/1.1")),
    "a method of ICE": (501, line(b"SOURCE / HTTP/1.1")),
    "a method in small letters": (501, line(b"get / HTTP/1.1")),
    "CONNECT": (501, b"CONNECT a:80 HTTP/1.1\r\nHost: a:80" + END),
    # the target
    "a fragment": (400, target(b"/a#b")),
    "an asterisk outside of OPTIONS": (400, target(b"*")),
    "no path": (400, target(b"a")),
    "another scheme": (400, target(b"ftp://a/")),
    "a user in the target": (400, target(b"http://u@a/")),
    "a byte outside of ASCII": (400, target(b"/\xe9")),
    "NUL in the target": (400, target(b"/\0")),
    "a target that is too long": (414, target(b"/" + b"a" * 600)),
    # Host
    "no Host": (400, LINE + b"\r\n"),
    "two Hosts": (400, HEAD + b"Host: b" + END),
    "the same Host twice": (400, HEAD + b"Host: a" + END),
    "a list of hosts": (400, host(b"a, b")),
    "a user in Host": (400, host(b"u@a")),
    "a path in Host": (400, host(b"a/b")),
    "a space in Host": (400, host(b"a b")),
    "a port that is none": (400, host(b"a:x")),
    "a port that is too large": (400, host(b"a:65536")),
    "a port alone": (400, host(b":80")),
    "half an address": (400, host(b"[::1")),
    # where the body ends
    "an empty coding": (400, field(b"Transfer-Encoding:")),
    "identity": (400, field(b"Transfer-Encoding: identity")),
    "gzip": (501, field(b"Transfer-Encoding: gzip")),
    "gzip, chunked": (501, field(b"Transfer-Encoding: gzip, chunked")),
    "chunked twice": (400, field(b"Transfer-Encoding: chunked, chunked")),
    "chunked in two fields": (400, field(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")),
    "chunked with a parameter": (400, field(b"Transfer-Encoding: chunked;a=b")),
    "xchunked": (501, field(b"Transfer-Encoding: xchunked")),
    "a vertical tab": (400, field(b"Transfer-Encoding: \x0bchunked")),
    "chunked in HTTP/1.0": (400, b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0" + END),
    "chunked beside Content-Length": (400, field(b"Content-Length: 5\r\nTransfer-Encoding: chunked")),
    "Content-Length beside chunked": (400, field(b"Transfer-Encoding: chunked\r\nContent-Length: 5")),
    "two lengths": (400, field(b"Content-Length: 5\r\nContent-Length: 6")),
    "the same length twice": (400, field(b"Content-Length: 0\r\nContent-Length: 0")),
    "a list of lengths": (400, field(b"Content-Length: 0, 0")),
    "a negative length": (400, field(b"Content-Length: -1")),
    "a length with a sign": (400, field(b"Content-Length: +0")),
    "a hexadecimal length": (400, field(b"Content-Length: 0x0")),
    "an empty length": (400, field(b"Content-Length:")),
    "a length of 2^64": (400, field(b"Content-Length: 18446744073709551616")),
    "a length of 2^64-1": (413, field(b"Content-Length: 18446744073709551615")),
    "a length beyond the limit": (413, field(b"Content-Length: 1001")),
    # expectations
    "another expectation": (417, field(b"Expect: a")),
    # what is no HTTP at all
    "a TLS handshake": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32)),
    "version 2 of the PROXY protocol": (400, bytes.fromhex("0d0a0d0a000d0a515549540a21110000")),
    "version 1 of it": (400, b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
    "SSH": (400, b"SSH-2.0-OpenSSH_9.2\r\n"),
}

# Behind the head of a POST in chunks; the body is '{"text": "a"}', 13 bytes, where nothing is wrong.
BODY = b'{"text": "a"}'
BODIES = {
    "bare LF after the size": (400, b"d\n" + BODY + b"\r\n0\r\n\r\n"),
    "bare LF after the data": (400, b"d\r\n" + BODY + b"\n0\r\n\r\n"),
    "bare LF as the end": (400, b"d\r\n" + BODY + b"\r\n0\r\n\n"),
    "bare LF after the last size": (400, b"d\r\n" + BODY + b"\r\n0\n\r\n"),
    "a size with a sign": (400, b"+d\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a size with 0x": (400, b"0xd\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a space before a size": (400, b" d\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a space behind a size": (400, b"d \r\n" + BODY + b"\r\n0\r\n\r\n"),
    "no size": (400, b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "leading zeros": (400, b"0000000000000000d\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a size of more than 64 bits": (400, b"10000000000000000\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a size of 2^64-1": (413, b"ffffffffffffffff\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a size beyond the limit": (413, b"200000\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "less data than the size says": (400, b"e\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "more data than the size says": (400, b"c\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "bare CR in an extension": (400, b"d;a\rb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "bare LF in an extension": (400, b"d;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "an extension without a name": (400, b"d;=a\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "a quote that doesn't end": (400, b"d;a=\"b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "extensions that are too long": (413, b"d;" + b"a" * 600 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "Content-Length as a trailer": (400, b"d\r\n" + BODY + b"\r\n0\r\nContent-Length: 50\r\n\r\n"),
    "Transfer-Encoding as a trailer": (400, b"d\r\n" + BODY + b"\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "Host as a trailer": (400, b"d\r\n" + BODY + b"\r\n0\r\nHost: b\r\n\r\n"),
    "a folded trailer": (400, b"d\r\n" + BODY + b"\r\n0\r\nA: b\r\n c\r\n\r\n"),
    "bare LF after a trailer": (400, b"d\r\n" + BODY + b"\r\n0\r\nA: b\n\r\n"),
    "bare LF behind the trailers": (400, b"d\r\n" + BODY + b"\r\n0\r\nA: b\r\n\n"),
    "a trailer without a name": (400, b"d\r\n" + BODY + b"\r\n0\r\n: b\r\n\r\n"),
    "too many trailers": (431, b"d\r\n" + BODY + b"\r\n0\r\n" + b"A: b\r\n" * 200 + b"\r\n"),
}
CHUNKED = b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def statuses(replies):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", replies)]


def talk(server, request, byte_by_byte=False, end=False):
    """All that is answered until the server closes. `end`: nothing more will come."""
    with server.connect() as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have had enough
            if byte_by_byte:
                for byte in request:
                    peer.sendall(bytes([byte]))
            else:
                peer.sendall(request)
            if end:
                peer.shutdown(socket.SHUT_WR)
        return receive_all(peer)


class Case(unittest.TestCase):
    def refused(self, server, status, request, **how):
        replies = talk(server, request, **how)
        self.assertEqual(statuses(replies), [status], replies[:400])
        self.assertNotIn(b"FOUND", replies)
        self.assertIn(b"\r\nConnection: close\r\n", replies)


class Sites(Case):
    @classmethod
    def setUpClass(cls):
        site = web(routes={"/": "hello", "/hidden": "FOUND"}, max_header_size="1KiB", max_header_count=16,
                   max_target_size="512B", max_body_size="1000B")
        cls.server = Serve(site)
        cls.server.__enter__()
        cls.addClassCleanup(lambda: cls.server.__exit__(None))

    def test_what_is_refused_takes_what_is_behind_it_along(self):
        for name, (status, request) in HEADS.items():
            with self.subTest(name):
                self.refused(self.server, status, request + HIDDEN)

    def test_it_is_the_same_byte_by_byte(self):
        for name, (status, request) in HEADS.items():
            with self.subTest(name):
                self.refused(self.server, status, request + HIDDEN, byte_by_byte=True)

    def test_what_came_before_is_answered(self):
        for name, (status, request) in HEADS.items():
            with self.subTest(name):
                replies = talk(self.server, (HEAD + b"\r\n") * 2 + request + HIDDEN)
                self.assertEqual(statuses(replies), [200, 200, status])
                self.assertNotIn(b"FOUND", replies)

    def test_a_body_that_nobody_wants_is_no_request(self):
        for head, body in ((b"Content-Length: %d" % len(HIDDEN), HIDDEN),
                           (b"Transfer-Encoding: chunked", b"%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n")):
            for method, status in ((b"GET", 200), (b"POST", 405), (b"OPTIONS", 204), (b"DELETE", 405)):
                request = method + b" / HTTP/1.1\r\nHost: a\r\n" + head + END + body
                for how in ({}, {"byte_by_byte": True}):
                    replies = talk(self.server, request * 2, end=True, **how)
                    self.assertEqual(statuses(replies), [status] * 2, (method, head, replies))
                    self.assertNotIn(b"FOUND", replies)

    def test_a_body_that_is_wrong_ends_the_connection_also_where_nobody_wants_it(self):
        for name, (_, body) in BODIES.items():
            with self.subTest(name):
                replies = talk(self.server, CHUNKED.replace(b"/notes", b"/") + body + HIDDEN)
                self.assertEqual(len(statuses(replies)), 1, replies)
                self.assertNotIn(b"FOUND", replies)

    def test_what_isnt_offered_leaves_the_connection_in_sync(self):
        for more in (b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"Upgrade: h2c\r\n",
                     b"Connection: close;q=1\r\n", b"Connection: keep-alive, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"):
            replies = talk(self.server, (HEAD + more + b"\r\n") * 2 + HIDDEN, end=True)
            self.assertEqual(statuses(replies), [200] * 3, more)
            self.assertTrue(replies.endswith(b"FOUND"))

    def test_close_in_any_form_is_the_end(self):
        for more in (b"Connection: close\r\n", b"Connection:close\t\r\n", b"connection: CLOSE\r\n",
                     b"Connection: keep-alive, close\r\n", b"Connection: close\r\nConnection: keep-alive\r\n"):
            replies = talk(self.server, HEAD + more + b"\r\n" + HIDDEN)
            self.assertEqual(statuses(replies), [200], more)
            self.assertNotIn(b"FOUND", replies)
        for more, count in ((b"", 1), (b"Connection: keep-alive\r\n", 2)):
            replies = talk(self.server, b"GET / HTTP/1.0\r\n" + more + b"\r\n" + HIDDEN, end=True)
            self.assertEqual(len(statuses(replies)), count)

    def test_pipelined_requests_are_answered_in_order(self):
        paths = [b"/", b"/hidden", b"/missing"] * 50
        requests = b"".join(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n" for path in paths)
        for how in ({}, {"byte_by_byte": True}):
            replies = talk(self.server, requests, end=True, **how)
            self.assertEqual(statuses(replies), [200, 200, 404] * 50)
            self.assertEqual(re.findall(rb"hello|FOUND|404 Not Found\n", replies), [b"hello", b"FOUND", b"404 Not Found\n"] * 50)


class Handlers(Case):
    @classmethod
    def setUpClass(cls):
        cls.notes = Notes()
        cls.notes.__enter__()
        cls.addClassCleanup(lambda: cls.notes.__exit__())

    def test_a_body_that_is_refused_takes_what_is_behind_it_along(self):
        for name, (status, body) in BODIES.items():
            for how in ({}, {"byte_by_byte": True}):
                with self.subTest(name, **how):
                    self.refused(self.notes, status, CHUNKED + body + HIDDEN, **how)

    def test_a_body_byte_by_byte_is_the_same_body(self):
        text = json.dumps({"text": "x" * 500}).encode()
        chunks = b"".join(b"%x\r\n" % len(text[at:at + 7]) + text[at:at + 7] + b"\r\n" for at in range(0, len(text), 7))
        request = CHUNKED + chunks + b"0;a=\"b\" ;c\r\nX-Sum: 1\r\n\r\n"
        for how in ({}, {"byte_by_byte": True}):
            replies = talk(self.notes, request * 2, end=True, **how)
            self.assertEqual(statuses(replies), [201, 201], replies)
        length = CHUNKED.replace(b"Transfer-Encoding: chunked", b"Content-Length: %d" % len(text))
        for how in ({}, {"byte_by_byte": True}):
            self.assertEqual(statuses(talk(self.notes, (length + text) * 2, end=True, **how)), [201, 201])


if __name__ == "__main__":
    unittest.main()
