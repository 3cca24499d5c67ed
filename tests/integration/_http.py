"""What the tests of HTTP share: curl, other people's servers, the example of handlers, a site to serve.

    with Serve(web(root=site.path)) as server:
        self.assertEqual(curl(url(server, "/")).body, b"<h1>It works.</h1>\\n")
"""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess

from _simul import BIN, PATIENCE, listener, wait_until

EXAMPLES = pathlib.Path(os.environ.get("SIMUL_BUILD_DIR") or pathlib.Path(BIN).parent.parent, "examples")


def web(name="web", address="127.0.0.1:0", tls=None, **options):
    """A listener of HTTP. The values of `options` are YAML, or a map of it."""

    def text(value):
        if isinstance(value, dict):
            return "{ " + ", ".join(f'"{key}": {text(one)}' for key, one in value.items()) + " }"
        return str(value)

    keys = {"tls": tls} if tls else {}
    return listener("http", name=name, address=address, options=text(options), **keys)


def url(server, path="/", name=None, scheme="http", host=None):
    address, port = server.address(name)
    return f"{scheme}://{host or address}:{port}{path}"


class Got:
    """What a run of curl gave."""

    def __init__(self, done):
        self.code = done.returncode
        self.body = done.stdout
        self.errors = done.stderr.decode(errors="replace")  # with -v: the conversation

    @property
    def text(self):
        return self.body.decode()


def curl(*arguments, code=0, **options):
    """Runs it, and fails if it didn't end with that code. Neither a ~/.curlrc nor a proxy changes what it does."""
    done = subprocess.run(
        ["curl", "--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", str(int(PATIENCE)),
         *map(str, arguments)],
        capture_output=True, timeout=PATIENCE * 2, check=False, **options)
    if code is not None and done.returncode != code:
        raise AssertionError(f"curl {arguments}: {done.returncode} instead of {code}: {done.stderr.decode()}")
    return Got(done)


def status_of(*arguments, **options):
    return curl("--output", os.devnull, "--write-out", "%{http_code}", *arguments, **options).text


def head_of(*arguments):
    """Status and fields of the answer to GET, their names in small letters."""
    lines = curl("--output", os.devnull, "--dump-header", "-", *arguments).text.split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:] if line)
    return int(lines[0].split()[1]), {name.lower(): value for name, value in fields.items()}


def find_program(name):
    """Debian keeps servers where the PATH of users doesn't look."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def is_reachable(address):
    with contextlib.suppress(OSError), socket.create_connection(address, PATIENCE):
        return True
    return False


@contextlib.contextmanager
def running(arguments, address, log):
    """A server in the foreground, until the block ends."""
    with open(log, "wb") as output, subprocess.Popen(arguments, stdout=output, stderr=output) as process:
        try:
            wait_until(lambda: is_reachable(address) or process.poll() is not None, f"{arguments[0]} on {address}")
            if process.poll() is not None:
                raise AssertionError(f"{arguments}: {pathlib.Path(log).read_text()}")
            yield process
        finally:
            process.terminate()


class Notes:
    """The example of handlers while it runs, with an address as Serve has it."""

    def __enter__(self):
        self.process = subprocess.Popen([EXAMPLES / "example_handlers", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        port = re.search(r":(\d+)/notes$", self.process.stdout.readline().strip()).group(1)
        self.endpoint = ("127.0.0.1", int(port))
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def address(self, _=None):
        return self.endpoint

    def connect(self):
        return socket.create_connection(self.endpoint, PATIENCE)
