"""Node's fetch (undici) as a client: keep-alive, bodies both ways, events, compression, TLS, giving up in the middle."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from _certificates import Authority
from _http import Notes, url, web
from _simul import PATIENCE, Serve

SCRIPT = r"""
const [site, secure, notes] = process.argv.slice(1);
const seen = {};
const text = async (where, options) => (await fetch(where, options)).text();
const post = body => fetch(notes + '/notes',
    {method: 'POST', headers: {'content-type': 'application/json'}, duplex: 'half', body});

(async () => {
  seen.hello = await text(site + '/hello');
  seen.many = (await Promise.all(Array.from({length: 200}, () => text(site + '/hello')))).filter(t => t === 'Hello').length;
  const page = await fetch(site + '/text.txt');
  seen.encoding = page.headers.get('content-encoding');
  seen.length = (await page.text()).length;
  seen.etag = (await fetch(site + '/text.txt', {headers: {'if-none-match': page.headers.get('etag')}})).status;
  seen.range = await text(site + '/hello.txt', {headers: {range: 'bytes=1-3'}});
  seen.head = (await fetch(site + '/text.txt', {method: 'HEAD'})).status;
  const moved = await fetch(site + '/old');
  seen.moved = [moved.redirected, await moved.text()];
  seen.large = (await (await fetch(site + '/large.bin')).arrayBuffer()).byteLength;
  seen.tls = await text(secure + '/hello');
  seen.missing = (await fetch(site + '/missing')).status;

  const giveUp = new AbortController();
  const reader = (await fetch(site + '/large.bin', {signal: giveUp.signal})).body.getReader();
  await reader.read();
  giveUp.abort();
  seen.aborted = await reader.read().then(() => 'read', error => error.name);

  const events = (await fetch(notes + '/news')).body.pipeThrough(new TextDecoderStream()).getReader();
  await events.read();  // it has subscribed
  seen.posted = (await post(JSON.stringify({text: 'by length'}))).status;
  seen.chunked = (await post(new ReadableStream({start(out) {
    for (const part of ['{"te', 'xt": "in ', 'chunks"}']) out.enqueue(new TextEncoder().encode(part));
    out.close();
  }}))).status;
  let news = '';
  while (!news.includes('in chunks\n\n')) news += (await events.read()).value;
  seen.news = news;
  await events.cancel();
  seen.list = await (await fetch(notes + '/notes')).json();
  console.log(JSON.stringify(seen));
  process.exit(0);
})().catch(error => { console.error(error); process.exit(1); });
"""


def version_of_node():
    if not shutil.which("node"):
        return 0
    return int(subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout[1:].split(".")[0])


class Node(unittest.TestCase):
    @unittest.skipUnless(version_of_node() >= 18, "there is no node with a fetch (18 or later)")
    def test_fetch_is_served(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder, "public")
            root.mkdir()
            (root / "text.txt").write_text("some text\n" * 5000)
            (root / "hello.txt").write_text("Hello")
            with open(root / "large.bin", "wb") as large:
                large.truncate(16 << 20)
            ca = Authority(folder)
            site = ca.certificate_of("site", "localhost")
            options = {"root": root, "gzip": "true", "routes": {"/hello": "Hello"}, "redirects": {"/old": "/hello"}}
            secure = web(name="secure", tls=site.yaml(), **options)
            with Serve(web(**options), secure, files=site.files) as server, Notes() as notes:
                done = subprocess.run(
                    ["node", "-e", SCRIPT, url(server, ""), url(server, "", name="secure", scheme="https", host="localhost"),
                     url(notes, "")],
                    capture_output=True, text=True, timeout=PATIENCE, check=False,
                    env={**os.environ, "NODE_EXTRA_CA_CERTS": str(ca.certificate)})
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = json.loads(done.stdout)
        news = seen.pop("news")
        self.assertEqual(seen, {
            "hello": "Hello", "many": 200, "encoding": "gzip", "length": 50_000, "etag": 304, "range": "ell", "head": 200,
            "moved": [True, "Hello"], "large": 16 << 20, "tls": "Hello", "missing": 404, "aborted": "AbortError",
            "posted": 201, "chunked": 201,
            "list": [{"id": 1, "text": "by length"}, {"id": 2, "text": "in chunks"}],
        })
        self.assertIn("event: note\ndata: by length\n\nevent: note\ndata: in chunks\n\n", news)


if __name__ == "__main__":
    unittest.main()
