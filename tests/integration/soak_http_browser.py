"""Chromium as a client: a page with a style sheet, an image, scripts, and the events of the example of handlers."""

import base64
import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from _certificates import Authority
from _http import Notes, curl, url, web
from _simul import Serve, wait_until

PATIENCE = 120.0  # a browser has much to do before it asks for the first page
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
PAGE = """<!doctype html><meta charset="utf-8"><title>page</title>
<link rel="stylesheet" href="/style.css">
<h1 id="seen">nothing yet</h1><img id="image" src="/image.png"><p id="out"></p>
<script src="/script.js"></script>
"""

SCRIPT = """
document.getElementById('out').textContent = 'script ran';
addEventListener('load', () => {
  const style = getComputedStyle(document.getElementById('seen')).color;
  const image = document.getElementById('image').naturalWidth;
  document.getElementById('seen').textContent = `style ${style}, image ${image}`;
});
"""
# What it sees, it asks for: the access log then has it.
EVENTS = """<!doctype html><title>events</title><script>
const tell = what => fetch('/told?' + encodeURIComponent(what));
const news = new EventSource('NOTES/news');
news.onopen = () => tell('open');
news.addEventListener('note', event => tell('note ' + event.data));
</script>
"""


@unittest.skipUnless(shutil.which("chromium"), "there is no chromium")
class Chromium(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.root = self.path / "public"
        self.root.mkdir()
        (self.root / "index.html").write_text(PAGE)
        (self.root / "style.css").write_text("h1 { color: rgb(1, 2, 3) }\n" + "p { margin: 0 }\n" * 100)  # compressed
        (self.root / "script.js").write_text(SCRIPT)
        (self.root / "image.png").write_bytes(PIXEL)
        ca = Authority(folder.name)
        self.site = ca.certificate_of("site", "localhost")
        self.log = self.path / "access.log"
        options = {"root": self.root, "gzip": "true", "routes": {"/told": "ok"}, "access_log": self.log,
                   "access_log_format": "json"}
        self.listeners = [web(**options), web(name="secure", tls=self.site.yaml(), **options)]
        self.runs = 0

    def serve(self):
        return Serve(*self.listeners, files=self.site.files)

    def arguments(self, *more):
        self.runs += 1
        return ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                "--no-proxy-server", "--ignore-certificate-errors", f"--user-data-dir={self.path}/profile{self.runs}", *more]

    def logged(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def test_a_page_with_its_parts_is_shown_plain_and_over_tls(self):
        with self.serve() as server:
            for where in (url(server, "/"), url(server, "/", name="secure", scheme="https", host="localhost")):
                done = subprocess.run(self.arguments("--dump-dom", where), capture_output=True, text=True,
                                      timeout=PATIENCE, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("style rgb(1, 2, 3), image 1", done.stdout)
                self.assertIn("script ran", done.stdout)
            wait_until(lambda: len([one for one in self.logged() if one["target"] == "/image.png"]) == 2, "lines for both")
        asked = {one["target"]: one["status"] for one in self.logged() if one["target"] != "/favicon.ico"}
        self.assertEqual(asked, {"/": 200, "/style.css": 200, "/script.js": 200, "/image.png": 200})

    def test_events_arrive_in_a_page(self):
        with self.serve() as server, Notes() as notes:
            (self.root / "events.html").write_text(EVENTS.replace("NOTES", url(notes, "")))
            # The example has no CORS: its page would be its own.
            browser = subprocess.Popen(self.arguments("--disable-web-security", "--remote-debugging-port=0", url(server, "/events.html")),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                self.wait_until_told("open")
                for text in ("one", "two"):
                    curl("--header", "Content-Type: application/json", "--data", json.dumps({"text": text}), url(notes, "/notes"))
                self.wait_until_told("note%20one")
                self.wait_until_told("note%20two")
            finally:
                browser.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    browser.wait(10)
                browser.kill()
                browser.wait()
            self.assertEqual(json.loads(curl(url(notes, "/notes")).body)[1]["text"], "two")  # they go on without it

    def wait_until_told(self, what):
        wait_until(lambda: any(re.search(rf"^/told\?{what}$", one["target"]) for one in self.logged()),
                   f"a browser that tells {what!r}", PATIENCE)


if __name__ == "__main__":
    unittest.main()
