"""The sites of `simul serve`, as curl sees them."""

import gzip
import hashlib
import json
import os
import pathlib
import re
import socket
import tempfile
import unittest

from _certificates import Authority
from _http import curl, head_of, status_of, url, web
from _simul import PATIENCE, Serve, receive_all, wait_until

TEXT = "".join(f"line {number} of a text that gets shorter\n" for number in range(2000))
PIECE = bytes(range(256)) * 4
LARGE = 64 << 20


def hash_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        cls.files = {
            "public/index.html": "<h1>It works.</h1>\n", "public/docs/index.html": "docs", "public/text.txt": TEXT,
            "public/made.css": "body { color: red }\n" * 50, "public/.secret": "SECRET", "public-not/x": "SECRET",
            "secret.txt": "SECRET", "404.html": "<h1>Lost</h1>", "5xx.html": "<h1>Sorry</h1>",
            "one/index.html": "one", "many/index.html": "many",
        }
        for name, text in cls.files.items():
            (cls.path / name).parent.mkdir(exist_ok=True)
            (cls.path / name).write_text(text)
        root = cls.path / "public"
        (root / "piece.bin").write_bytes(PIECE)
        (root / "made.css.gz").write_bytes(gzip.compress(b"/* made before */"))
        (root / "out.txt").symlink_to("../secret.txt")
        (root / "out").symlink_to("..")
        with open(root / "large.bin", "wb") as large:  # mostly holes: what counts is where each byte arrives
            for place in range(0, LARGE, 1 << 20):
                large.seek(place)
                large.write(os.urandom(4096))
            large.truncate(LARGE)
        cls.log = cls.path / "access.log"
        options = {
            "root": root, "gzip": "true", "precompressed": "true",
            "hosts": {"one.test": cls.path / "one", "*.many.test": cls.path / "many"},
            "routes": {"/hello": '"Hello"', "/up.json": "'{\"up\": true}'", "one.test/hello": '"one"'},
            "redirects": {"/old": "/docs", "/blog/*": "308 /docs/*", "/gone": "410", "/down": "503",
                          "www.one.test/*": "http://one.test/*"},
            "error_pages": {"404": cls.path / "404.html", "5xx": cls.path / "5xx.html"},
            "headers": {"X-Frame-Options": "DENY"}, "access_log": cls.log,
        }
        ca = Authority(cls.path)
        site = ca.certificate_of("site", "localhost")
        cls.ca = ca.certificate
        cls.socket = cls.path / "web.sock"
        unix = web(name="unix", address=f"unix:{cls.socket}", root=root)
        cls.server = Serve(web(**options), web(name="secure", tls=site.yaml(), **options), unix, files=site.files)
        try:
            cls.server.__enter__()
        except BaseException:
            cls.folder.cleanup()
            raise

    @classmethod
    def tearDownClass(cls):
        try:
            cls.server.__exit__(None)
        finally:
            cls.folder.cleanup()

    def url(self, path="/", **options):
        return url(self.server, path, **options)

    def secure(self, path="/"):
        return self.url(path, name="secure", scheme="https", host="localhost")

    def trust(self):
        _, port = self.server.address("secure")
        return ["--cacert", self.ca, "--resolve", f"localhost:{port}:127.0.0.1"]


class Files(Site):
    def test_a_folder_is_its_index(self):
        self.assertEqual(curl(self.url()).text, "<h1>It works.</h1>\n")
        status, fields = head_of(self.url("/docs/"))
        self.assertEqual((status, fields["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertEqual((fields["content-length"], fields["x-frame-options"]), ("4", "DENY"))
        status, fields = head_of(self.url("/docs?a=1"))
        self.assertEqual((status, fields["location"]), (301, "/docs/?a=1"))

    def test_head_is_get_without_the_body(self):
        for path in ("/", "/text.txt", "/piece.bin", "/large.bin", "/hello", "/missing", "/old"):
            asked = curl("--head", self.url(path)).text
            got = curl("--dump-header", "-", "--output", os.devnull, self.url(path)).text
            date = re.compile("Date: .*")
            self.assertEqual(date.sub("", asked), date.sub("", got), path)

    def test_ranges(self):
        for spec, expected in (("0-0", PIECE[:1]), ("10-19", PIECE[10:20]), ("-5", PIECE[-5:]), ("1000-", PIECE[1000:])):
            self.assertEqual(curl("--range", spec, self.url("/piece.bin")).body, expected)
            self.assertEqual(head_of("--range", spec, self.url("/piece.bin"))[0], 206)
        status, fields = head_of("--range", "4096-", self.url("/piece.bin"))
        self.assertEqual((status, fields["content-range"]), (416, "bytes */1024"))
        status, fields = head_of("--range", "0-9,500-509", self.url("/piece.bin"))
        self.assertEqual(status, 206)
        self.assertRegex(fields["content-type"], "^multipart/byteranges; boundary=")
        parts = curl("--range", "0-9,500-509", self.url("/piece.bin")).body
        self.assertEqual(len(parts), int(fields["content-length"]))
        for first, last in ((0, 9), (500, 509)):
            self.assertIn(b"Content-Range: bytes %d-%d/1024\r\n\r\n" % (first, last) + PIECE[first:last + 1] + b"\r\n", parts)

    def test_a_download_is_taken_up_again(self):
        part = self.path / "part.bin"
        part.write_bytes(PIECE[:300])
        curl("--continue-at", "-", "--output", part, self.url("/piece.bin"))
        self.assertEqual(part.read_bytes(), PIECE)

    def test_what_the_client_has_isnt_sent_again(self):
        file = self.path / "public" / "text.txt"
        self.assertEqual(status_of("--time-cond", file, self.url("/text.txt")), "304")
        self.assertEqual(status_of("--time-cond", "1 Jan 2020", self.url("/text.txt")), "200")
        self.assertEqual(status_of("--time-cond", "-1 Jan 2020", self.url("/text.txt")), "412")
        tag = self.path / "tag"
        save, compare = ("--etag-save", tag), ("--etag-compare", tag)
        for more in ((), ("--compressed",)):
            self.assertEqual(status_of(*more, *save, self.url("/text.txt")), "200")
            self.assertEqual(status_of(*more, *compare, self.url("/text.txt")), "304")
        self.assertEqual(status_of(*compare, self.url("/piece.bin")), "200")

    def test_compression(self):
        plain, packed = (head_of(*more, self.url("/text.txt"))[1] for more in ((), ("--compressed",)))
        self.assertEqual((plain.get("content-encoding"), packed["content-encoding"]), (None, "gzip"))
        self.assertIn("Accept-Encoding", plain["vary"])
        self.assertEqual(curl("--compressed", self.url("/text.txt")).text, TEXT)
        self.assertEqual(curl("--compressed", self.url("/made.css")).text, "/* made before */")
        self.assertEqual(curl(self.url("/made.css")).text, self.files["public/made.css"])
        self.assertEqual(curl("--compressed", "--http1.0", self.url("/text.txt")).text, TEXT)
        self.assertEqual(curl("--compressed", *self.trust(), self.secure("/text.txt")).text, TEXT)

    def test_a_large_file_arrives_whole_plain_and_over_tls(self):
        expected = hash_of(self.path / "public" / "large.bin")
        for arguments in ((self.url("/large.bin"),), (*self.trust(), self.secure("/large.bin"))):
            got = self.path / "got.bin"
            curl("--output", got, *arguments)
            self.assertEqual(hash_of(got), expected)
            curl("--range", f"{LARGE // 3}-{LARGE // 2}", "--output", got, *arguments)
            with open(self.path / "public" / "large.bin", "rb") as large:
                large.seek(LARGE // 3)
                self.assertEqual(got.read_bytes(), large.read(LARGE // 2 - LARGE // 3 + 1))

    def test_a_download_that_is_given_up_disturbs_nobody(self):
        curl("--max-filesize", "1000", self.url("/large.bin"), code=63)
        self.assertEqual(curl(self.url("/hello")).text, "Hello")

    def test_over_a_unix_socket(self):
        self.assertEqual(curl("--unix-socket", self.socket, "http://any.test/").text, "<h1>It works.</h1>\n")

    def test_nothing_outside_of_the_root_is_served(self):
        for path in ("/../secret.txt", "/docs/../../secret.txt", "/%2e%2e/secret.txt", "/.%2e/secret.txt",
                     "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt", "/..%5csecret.txt", "/..\\secret.txt",
                     "/%252e%252e/secret.txt", "/../public-not/x", "/out.txt", "/out/secret.txt", "/.secret",
                     "/%2esecret", "/docs/..;/../secret.txt", "/%00/../secret.txt", "/index.html%00.txt",
                     "/....//secret.txt", "/%c0%ae%c0%ae/secret.txt", "//../secret.txt", "/docs//../../secret.txt",
                     "/" + str(self.path / "secret.txt"), "/%2f" + str(self.path / "secret.txt"), "/docs/..%00/secret.txt"):
            with self.subTest(path):
                got = curl("--path-as-is", "--write-out", "%{http_code}", self.url(path)).body
                self.assertNotIn(b"SECRET", got)
                self.assertIn(got[-3:], (b"400", b"403", b"404"))


class Conversations(Site):
    def test_several_requests_take_one_connection(self):
        paths = ("/", "/hello", "/missing", "/text.txt", "/docs", "/large.bin", "/gone", "/piece.bin")
        for more, where in (((), self.url), (self.trust(), self.secure)):
            # --output counts for one URL each
            each = [part for path in paths for part in ("--output", os.devnull, where(path))]
            got = curl("--write-out", "%{num_connects} %{http_code}\n", *more, *each).text.split("\n")
            self.assertEqual(got[:-1], ["1 200", "0 200", "0 404", "0 200", "0 301", "0 200", "0 410", "0 200"])

    def test_many_at_once(self):
        got = curl("--parallel", "--parallel-max", "20", "--write-out", "%{http_code}\n", "--output", os.devnull,
                   *[part for _ in range(60) for part in ("--output", os.devnull, self.url("/text.txt"))][2:]).text
        self.assertEqual(got.split(), ["200"] * 60)

    def test_http_1_0(self):
        self.assertEqual(curl("--http1.0", self.url("/hello")).text, "Hello")
        got = curl("--http1.0", "-v", self.url("/hello"), self.url("/hello"))
        self.assertEqual(got.text, "HelloHello")
        kept = curl("--http1.0", "--header", "Connection: keep-alive", "--output", os.devnull, "--output", os.devnull,
                    "--write-out", "%{num_connects}", self.url("/hello"), self.url("/docs/"))
        self.assertEqual(kept.text, "10")

    def test_methods_that_files_dont_have(self):
        for method in ("PUT", "POST", "DELETE", "PATCH", "PROPFIND"):
            for path in ("/index.html", "/hello"):
                status, fields = head_of("--request", method, "--data", "x=1", self.url(path))
                self.assertEqual((status, fields["allow"]), (405, "GET, HEAD, OPTIONS"), (method, path))
        status, fields = head_of("--request", "OPTIONS", self.url("/"))
        self.assertEqual((status, fields["allow"]), (204, "GET, HEAD, OPTIONS"))
        self.assertEqual(status_of("--request", "OPTIONS", "--request-target", "*", self.url("")), "204")
        self.assertEqual(status_of("--request", "CONNECT", "--request-target", "a:80", self.url("")), "501")

    def test_an_upload_that_waits_for_100_is_spared(self):
        for size, status in ((100_000, "405"), (1 << 20, "405"), ((1 << 20) + 1, "413"), (LARGE, "413")):
            upload = self.path / "upload"
            with open(upload, "wb") as file:
                file.truncate(size)
            got = curl("-v", "--header", "Expect: 100-continue", "--expect100-timeout", PATIENCE, "--upload-file", upload,
                       "--write-out", "%{http_code} %{size_upload}", "--output", os.devnull, self.url("/hello"))
            self.assertEqual(got.text, f"{status} 0", size)
            self.assertNotIn("100 Continue", got.errors)

    def test_an_upload_that_doesnt_wait_gets_its_answer_all_the_same(self):
        upload = self.path / "upload"
        with open(upload, "wb") as file:
            file.truncate(900_000)
        for more in ((), ("--header", "Transfer-Encoding: chunked")):
            got = curl("--header", "Expect:", *more, "--upload-file", upload, "--write-out", "%{http_code} ",
                       self.url("/hello"), "--next", "--no-progress-meter", self.url("/hello"))
            self.assertEqual(got.text, "405 Method Not Allowed\n405 Hello")

    def test_hosts(self):
        for host, text in (("one.test", "one"), ("ONE.test:99", "one"), ("a.many.test", "many"), ("a.b.many.test", "many"),
                           ("many.test", "<h1>It works.</h1>\n"), ("other.test", "<h1>It works.</h1>\n")):
            self.assertEqual(curl("--header", f"Host: {host}", self.url()).text, text, host)
        address, port = self.server.address("web")
        resolve = ("--resolve", f"one.test:{port}:{address}", "--resolve", f"www.one.test:{port}:{address}")
        self.assertEqual(curl(*resolve, f"http://one.test:{port}/hello").text, "one")
        status, fields = head_of(*resolve, f"http://www.one.test:{port}/a?b=c")
        self.assertEqual((status, fields["location"]), (301, "http://one.test/a?b=c"))
        self.assertEqual(curl("--header", "Host: other.test", "--request-target", "http://one.test/", self.url()).text, "one")

    def test_redirects_are_followed(self):
        follow = ("--location", "--write-out", " %{num_redirects} %{http_code}")
        self.assertEqual(curl(*follow, self.url("/old")).text, "docs 2 200")
        self.assertEqual(curl(*follow, self.url("/blog/")).text, "docs 1 200")
        self.assertEqual(curl(*follow, self.url("/blog/index.html?a=b")).text, "docs 1 200")
        for evil in ("/blog//evil.test", "/blog/%2f%2fevil.test", "/blog/%0d%0aX: y", "//evil.test/..", "//docs"):
            status, fields = head_of("--path-as-is", self.url(evil.replace(" ", "%20")))
            self.assertNotRegex(fields.get("location", "/"), "^(//|http|.*evil\\.test:)", evil)
            self.assertNotIn("x", fields)

    def test_errors_have_their_pages(self):
        self.assertEqual(curl("--write-out", "%{http_code}", self.url("/missing")).text, "<h1>Lost</h1>404")
        self.assertEqual(curl("--write-out", "%{http_code}", self.url("/down")).text, "<h1>Sorry</h1>503")
        self.assertEqual(curl("--write-out", "%{http_code}", self.url("/gone")).text, "410 Gone\n410")
        self.assertEqual(curl(self.url("/missing"), "--head").text.count("\r\n\r\n"), 1)
        self.assertEqual(status_of("--header", "Host: a b", self.url()), "400")
        self.assertEqual(status_of("--header", "X: " + "y" * 20_000, self.url()), "431")
        self.assertEqual(status_of(self.url("/" + "y" * 9_000)), "414")

    def test_over_tls(self):
        got = curl(*self.trust(), "-v", "--http2", "--write-out", "%{http_version} %{ssl_verify_result}", self.secure("/up.json"))
        self.assertEqual(got.text, '{"up": true}1.1 0')
        self.assertIn("ALPN: server accepted http/1.1", got.errors)
        self.assertIn("content-type: application/json", got.errors.lower())
        for more in ("--no-alpn", "--tlsv1.3"):
            self.assertEqual(curl(*self.trust(), more, self.secure("/hello")).text, "Hello")
        self.assertEqual(curl(*self.trust(), "--tls-max", "1.2", self.secure("/hello")).text, "Hello")
        curl("--head", self.secure().replace("https", "http"), code=None)  # plain HTTP where TLS is spoken
        self.assertEqual(curl(*self.trust(), self.secure("/hello")).text, "Hello")

    def test_each_answer_has_a_line_in_the_access_log(self):
        mark = f"/marked-{os.urandom(8).hex()}"
        curl("--user-agent", 'quo"ted', "--referer", "http://from.test/", self.url(mark + "?a=b"), "--head")
        curl("--user-agent", "two", self.url("/hello?" + mark))

        def lines():
            found = [line for line in self.log.read_text().splitlines() if mark in line]
            return found if len(found) == 2 else None

        lost, hello = wait_until(lines, "both lines")
        date = r"\[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d \+0000\]"
        self.assertRegex(lost, rf'^127\.0\.0\.1 - - {date} "HEAD {mark}\?a=b HTTP/1\.1" 404 (-|0) "http://from\.test/" "quo\\"ted"$')
        self.assertRegex(hello, rf'^127\.0\.0\.1 - - {date} "GET /hello\?{mark} HTTP/1\.1" 200 5 "-" "two"$')


class Deadlines(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        with open(self.path / "large.bin", "wb") as file:
            file.truncate(LARGE)
        ca = Authority(folder.name)
        self.site = ca.certificate_of("site", "localhost")
        self.log = self.path / "access.log"

    def logged(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def serve(self, **options):
        options = {"root": self.path, "access_log": self.log, "access_log_format": "json", **options}
        return Serve(web(**options), web(name="secure", tls=self.site.yaml(), **options), files=self.site.files)

    def test_who_doesnt_take_the_answer_is_cut_off(self):
        with self.serve(min_rate="1MiB", rate_grace="100ms") as server, socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what the kernels hold looks as if it were taken
            peer.settimeout(PATIENCE)
            peer.connect(server.address("web"))
            idle = server.descriptor_count()
            peer.sendall(b"GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n")
            (line,) = wait_until(self.logged, "the end of the answer, though nobody reads")
            self.assertEqual(line["status"], 200)
            self.assertLess(line["bytes"], LARGE)
            wait_until(lambda: server.descriptor_count() <= idle, "a closed connection")

    def test_curl_that_takes_it_slowly_is_cut_off_plain_and_over_tls(self):
        with self.serve(min_rate="1GiB", rate_grace="20ms") as server:
            for name, scheme in (("web", "http"), ("secure", "https")):
                got = curl("--insecure", "--limit-rate", "4M", "--output", os.devnull, "--write-out", "%{size_download}",
                           url(server, "/large.bin", name=name, scheme=scheme), code=None)
                self.assertIn(got.code, (18, 56), got.errors)  # a part of a file, or a reset
                self.assertLess(int(got.text), LARGE)

    def test_a_header_that_doesnt_end_gets_408(self):
        with self.serve(header_timeout="200ms") as server:
            for begin in (b"G", b"\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nX", b"GET / HTTP/1.1\r\nHost: a\r\n"):
                with server.connect("web") as peer:
                    peer.sendall(begin)
                    self.assertRegex(receive_all(peer), rb"^HTTP/1\.1 408 (?s:.*)Connection: close\r\n", begin)
            with server.connect("web") as peer:  # after a request that was served
                peer.sendall(b"HEAD /large.bin HTTP/1.1\r\nHost: a\r\n\r\nGET")
                self.assertEqual([line[:12] for line in receive_all(peer).split(b"\r\n\r\n")[:2]],
                                 [b"HTTP/1.1 200", b"HTTP/1.1 408"])

    def test_a_connection_without_a_request_ends_without_an_answer(self):
        with self.serve(keep_alive_timeout="200ms") as server, server.connect("web") as silent:
            self.assertEqual(receive_all(silent), b"")
            with server.connect("web") as peer:
                peer.sendall(b"HEAD /large.bin HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(receive_all(peer).count(b"HTTP/1.1 "), 1)


if __name__ == "__main__":
    unittest.main()
