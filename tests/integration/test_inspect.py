"""`simul ps`, `pstree`, `top` and SIGUSR2: a look at a server that runs, and at any program that links simul."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time
import unittest

from _simul import BIN, PATIENCE, Serve, close_all, echo, is_served, listener, run_simul, run_simul_as_nobody, wait_until


class Inspected(unittest.TestCase):
    """Each test has a folder for sockets of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = str(self.folder)

        def restore():
            os.environ.pop("XDG_RUNTIME_DIR")
            if before is not None:
                os.environ["XDG_RUNTIME_DIR"] = before

        self.addCleanup(restore)

    def socket_of(self, process):
        return self.folder / "simul" / f"{process.pid}.sock"

    def ps(self, server, *options):
        done = run_simul("ps", str(server.pid), *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def tasks(self, server, *options):
        return json.loads(self.ps(server, "--json", *options))["tasks"]


class Ps(Inspected):
    def test_a_connection_is_shown_down_to_what_it_waits_for(self):
        with Serve(echo(), threads=1) as server, server.connect() as peer:
            self.assertTrue(is_served(peer, b"twelve bytes"))
            (task,) = self.tasks(server, "--filter", "recv")
            self.assertRegex(task["waits_for"], r"^recv fd \d+$")
            self.assertEqual(task["state"], "waiting")
            self.assertEqual(task["calls"][0]["function"], "serve")
            self.assertTrue(task["calls"][0]["file"].endswith("echo.cpp"))
            self.assertGreaterEqual(task["wake_ups"], 1)
            host, port = peer.getsockname()
            self.assertRegex(
                task["note"], rf"^connection \d+ of {host}:{port} to 'echo', 12 bytes in, 12 bytes out$"
            )
            table = self.ps(server, "--filter", "recv").splitlines()
            self.assertRegex(table[0], r"^TASK +AWAITS +AT +SINCE +WAKE-UPS +FRAMES +NOTE$")
            self.assertRegex(table[1], rf"^serve_task +recv fd \d+ +echo.cpp:\d+ .*{port} to 'echo'")

    def test_many_tasks_on_several_loops(self):
        with Serve(echo(), threads=2) as server:
            peers = [server.connect() for _ in range(300)]
            self.assertTrue(all(is_served(peer) for peer in peers))
            answer = json.loads(self.ps(server, "--json", "--filter", "recv", "--limit", "7"))
            self.assertEqual(answer["matching"], 300)
            self.assertEqual(len(answer["tasks"]), 7)
            self.assertEqual(len(answer["loops"]), 2)
            self.assertEqual(answer["counters"]["connections"], 300)
            self.assertEqual(answer["counters"]["stalls"], 0)
            self.assertEqual(len(self.tasks(server, "--filter", "echo.cpp")), 300)
            close_all(peers)

    def test_the_server_says_where_it_is_found_and_removes_its_socket(self):
        with Serve(echo()) as server:
            path = self.socket_of(server)
            self.assertIn(f"simul ps, pstree and top find it at {path}", server.log())
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            self.assertEqual(path.parent.stat().st_mode & 0o777, 0o700)
            self.assertEqual(run_simul("ps", str(path)).returncode, 0)
        self.assertFalse(path.exists())

    def test_a_server_that_cannot_be_looked_at_serves_all_the_same(self):
        long_path = self.folder / ("x" * 120)
        long_path.mkdir()
        os.environ["XDG_RUNTIME_DIR"] = str(long_path)
        blocked = pathlib.Path(f"/tmp/simul-{os.geteuid()}")
        with Serve(echo()) as server, server.connect() as peer:
            self.assertTrue(is_served(peer))
            self.assertRegex(server.log(), rf"find it at {blocked}/|won't find it")

    def test_processes_are_listed_and_what_a_killed_one_left_is_removed(self):
        with Serve(echo(), threads=1) as one, Serve(listener("discard"), threads=1) as other:
            stale = self.folder / "simul" / "4194304.sock"  # above any process id
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(str(stale))
            listed = json.loads(run_simul("ps", "--list", "--json").stdout)
            mine = {process["pid"]: process for process in listed}
            self.assertIn(one.pid, mine)
            self.assertIn(other.pid, mine)
            self.assertIn("serve", mine[one.pid]["command_line"])
            self.assertFalse(stale.exists())
            for command in ("ps", "pstree", "top"):
                done = run_simul(command)
                self.assertEqual(done.returncode, 2)
                self.assertIn("Which one? Name its PID:", done.stderr)
                self.assertRegex(done.stderr, rf"(?m)^ *{other.pid} .*simul serve")

    def test_wrong_input_gets_a_clear_error(self):
        def refused(status, message, *arguments):
            done = run_simul(*arguments)
            self.assertEqual(done.returncode, status, arguments)
            self.assertRegex(done.stderr + done.stdout, message)

        refused(1, "there is no process 4194304", "ps", "4194304")
        refused(1, f"process {os.getpid()} has no inspector: .*SIMUL_INSPECT=1", "ps", str(os.getpid()))
        refused(1, "/nowhere.sock: No such file or directory", "pstree", "/nowhere.sock")
        refused(2, "--sort", "ps", "--sort", "beauty")
        refused(2, "--limit", "ps", "--limit", "many")
        refused(2, "--interval", "top", "--interval", "1ms")
        with Serve(echo()) as server:
            refused(1, "this is no terminal", "top", str(server.pid))

    @unittest.skipUnless(os.geteuid() == 0, "needs another user")
    def test_other_users_may_not_look(self):
        self.folder.chmod(0o755)
        with Serve(echo()) as server:
            done = run_simul_as_nobody("ps", str(self.socket_of(server)))
            self.assertEqual(done.returncode, 1)
            self.assertIn("Permission denied", done.stderr)
            self.socket_of(server).parent.chmod(0o755)
            self.socket_of(server).chmod(0o666)
            done = run_simul_as_nobody("ps", str(self.socket_of(server)))
            self.assertEqual(done.returncode, 1)
            self.assertIn("only the user of this process and root may ask", done.stderr)

    def test_any_program_that_links_simul_can_be_looked_at_if_asked_to(self):
        with Serve(echo()) as server:
            host, port = server.address()
            command = [BIN, "load", f"tcp://{host}:{port}", "-c", "3", "-d", "1m", "-q"]
            for asked in (True, False):
                environment = {**os.environ, "SIMUL_INSPECT": "1" if asked else "0"}
                client = subprocess.Popen(command, env=environment)
                try:
                    if asked:
                        wait_until(self.socket_of(client).exists, "a socket")
                        shown = wait_until(lambda: self.ps(client, "--filter", "recv"), "tasks")
                        self.assertIn("recv", shown)
                    else:
                        wait_until(lambda: "recv" in self.ps(server), "connections")
                        self.assertFalse(self.socket_of(client).exists())
                finally:
                    client.send_signal(signal.SIGINT)
                    client.wait(PATIENCE)
                self.assertFalse(self.socket_of(client).exists())


class Pstree(Inspected):
    def test_the_tree_leads_from_the_connection_to_the_leaf(self):
        with Serve(echo(), threads=1) as server, server.connect() as peer:
            self.assertTrue(is_served(peer))
            done = run_simul("pstree", str(server.pid))
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stdout, rf"^simul {server.pid}: \d+ tasks on 1 loop\n")
            port = peer.getsockname()[1]
            self.assertRegex(
                done.stdout,
                rf"─ serve_task: connection \d+ of 127.0.0.1:{port} to 'echo', 4 bytes in, 4 bytes out\n"
                r"[│ ]+serve\(\) at echo.cpp:\d+\n"
                r"[│ ]+waits for recv fd \d+, since ",
            )
            self.assertRegex(done.stdout, r"─ accept_on_all_task\n[│ ]+accept_on_all\(\) at .*\n.*group.*\n.*└─ acceptor of 'echo'\n")

    def test_many_alike_are_counted(self):
        with Serve(echo(), threads=1) as server:
            peers = [server.connect() for _ in range(50)]
            self.assertTrue(all(is_served(peer) for peer in peers))
            short = run_simul("pstree", str(server.pid)).stdout
            self.assertEqual(short.count("serve_task: connection"), 3)
            self.assertIn("... and 47 more like this", short)
            full = run_simul("pstree", "--all", str(server.pid)).stdout
            self.assertEqual(full.count("serve_task: connection"), 50)
            close_all(peers)


class Dump(Inspected):
    def test_sigusr2_writes_every_task_to_the_log(self):
        for log in ("{format: text}", "{format: json}"):
            with Serve(echo(), threads=2, log=log) as server, server.connect() as peer:
                self.assertTrue(is_served(peer))
                server.send_signal(signal.SIGUSR2)
                server.wait_for_log("SIGUSR2: these were all tasks")
                self.assertRegex(
                    server.log(),
                    r"thread \d+: serve_task, connection \d+ of .* to 'echo', 4 bytes in, 4 bytes out: "
                    r"waits for recv fd \d+ at echo.cpp:\d+; \d+ wake-ups, the last one ",
                )
                self.assertEqual(server.log().count("accept_on_all_task: waits for group"), 2)
                if "json" in log:
                    for line in server.log().splitlines():
                        json.loads(line)
                self.assertTrue(is_served(peer))

    def test_it_also_works_while_the_server_stops_and_does_not_hurry_it(self):
        with Serve(echo(), shutdown_timeout="1h") as server, server.connect() as peer:
            peer.settimeout(0.3)
            try:
                while True:
                    peer.send(b"x" * (1 << 20))  # until its handler is in the middle of a send
            except TimeoutError:
                pass
            server.send_signal(signal.SIGTERM)
            server.wait_for_log("stopping")
            server.send_signal(signal.SIGUSR2)
            server.wait_for_log("SIGUSR2: these were all tasks")
            self.assertRegex(server.log(), r"serve_task, connection \d+ .*waits for send")
            self.assertNotIn("second signal:", server.log())


class Picture:
    """What stands on the screen of a vt100 that gets these characters, as far as ncurses uses one."""

    TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\x1b[()][A-Z0-9]|\x1b[=>78M]|[\x00-\x1f]|[^\x00-\x1f]")

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.lines = [[" "] * columns for _ in range(rows)]
        self.row = self.column = 0

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.lines)

    def feed(self, characters):
        """Gives what is left: the beginning of a sequence whose rest hasn't come yet."""
        position = 0
        while position < len(characters):
            token = self.TOKEN.match(characters, position)
            if token is None or (token[0] == "\x1b"):
                return characters[position:]
            position = token.end()
            if token[2]:
                self.control(token[2], [int(n) for n in re.findall(r"\d+", token[1])])
            elif token[0] == "\r":
                self.column = 0
            elif token[0] == "\n":
                self.row = min(self.row + 1, self.rows - 1)
            elif token[0] == "\b":
                self.column = max(self.column - 1, 0)
            elif token[0] >= " ":
                self.lines[self.row][min(self.column, self.columns - 1)] = token[0]
                self.column += 1
        return ""

    def control(self, letter, numbers):
        count = numbers[0] if numbers else 1
        if letter == "H":
            row, column = numbers if len(numbers) == 2 else (1, 1)
            self.row, self.column = min(row, self.rows) - 1, min(column, self.columns) - 1
        elif letter == "A":
            self.row = max(self.row - count, 0)
        elif letter == "B":
            self.row = min(self.row + count, self.rows - 1)
        elif letter == "C":
            self.column = min(self.column + count, self.columns - 1)
        elif letter == "D":
            self.column = max(self.column - count, 0)
        elif letter in "JK":
            to_the_left = numbers == [1]
            line = self.lines[self.row]
            first, last = (0, self.column + 1) if to_the_left else (self.column, self.columns)
            line[first:last] = [" "] * (last - first)
            if letter == "J":
                for below in range(self.row + 1, self.rows):
                    self.lines[below] = [" "] * self.columns


class Screen:
    """`simul top` on a terminal of its own."""

    def __init__(self, *arguments, term="vt100", rows=24, columns=120):
        pid, self.fd = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.environ["TERM"] = term
            os.execv(BIN, [BIN, "top", *arguments])
        self.pid = pid
        self.picture = Picture(rows, columns)
        self.rest = ""
        self.written = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def resize(self, rows, columns):
        self.picture = Picture(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def read(self):
        """False: it has ended."""
        try:
            piece = os.read(self.fd, 1 << 16).decode(errors="replace")
        except OSError:
            return False
        self.written += piece
        self.rest = self.picture.feed(self.rest + piece)
        return piece != ""

    def wait_for(self, pattern):
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.picture.text(), re.MULTILINE):
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            if not ready or not self.read():
                raise AssertionError(f"{pattern!r} isn't in\n{self.picture.text()}")

    def wait(self):
        """Gives the exit status."""
        while self.read():
            pass
        _, status = os.waitpid(self.pid, 0)
        self.pid = None
        return os.waitstatus_to_exitcode(status)


class Top(Inspected):
    def test_it_draws_sorts_filters_and_quits(self):
        with Serve(echo(), threads=1) as server, server.connect() as peer:
            self.assertTrue(is_served(peer))
            with Screen(str(server.pid), "--interval", "100ms") as top:
                top.wait_for(rf"^simul top: {server.pid}, .*simul serve ")
                top.wait_for(rf"^loops:  {server.pid} [\d.]+ %$")
                top.wait_for(r"^5 tasks, 1 connections, 0 stalls$")
                top.wait_for(r"^sorted by busy; h: help$")
                top.wait_for(r"^ +BUSY% +WAKE/S +SINCE +FRAMES +TASK +AWAITS +AT +NOTE$")
                top.wait_for(r"^ +0\.0 +0\.0 +\S+ +\d+ +serve_task +recv fd \d+ +echo.cpp:\d+ +connection")
                top.press("n")
                top.wait_for(r"^sorted by name")
                top.wait_for(r" accept_on_all_task .*\n.* acceptor of 'echo' .*\n.* keep_handshakes_task .*\n.* lead_task ")
                top.press("r")
                top.wait_for(r" serve_task .*\n.* lead_task .*\n.* keep_handshakes_task .*\n.* acceptor of ")
                top.press("h")
                top.wait_for(r"^h, \? +this help; any key leaves it$")
                top.press("x/accept_on\n")
                top.wait_for(r"^sorted by name, reversed; 1 with 'accept_on'; h: help$")
                top.wait_for(r"NOTE\n.* accept_on_all_task .*\n$")
                top.press("\x1b")
                top.wait_for(r" serve_task ")
                top.press("p")
                top.wait_for(r"PAUSED")
                top.resize(10, 60)
                top.wait_for(r"^simul top: .*\n(.*\n){4}( .*\n){4} .*accept_on_all")
                top.press("q")
                self.assertEqual(top.wait(), 0)

    def test_it_says_that_the_server_has_gone(self):
        with Serve(echo(), threads=1) as server, Screen(str(server.pid)) as top:
            top.wait_for(r"sorted by busy")
            server.stop()
            self.assertEqual(top.wait(), 1)
            self.assertIn("the process has ended", top.written)

    def test_a_terminal_without_a_screen_is_refused(self):
        with Serve(echo(), threads=1) as server, Screen(str(server.pid), term="dumb") as top:
            self.assertEqual(top.wait(), 1)
            self.assertIn("a terminal of the type 'dumb' (TERM) has no screen", top.written)


if __name__ == "__main__":
    unittest.main()
