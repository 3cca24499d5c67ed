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
import threading
import time
import unittest

from _simul import (
    BIN, NOBODY, PATIENCE, Serve, close_all, echo, is_served, listener, run_simul, run_simul_as_nobody, stuff, wait_until
)


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
        with Serve(echo(), threads=2, stall_threshold="1h") as server:
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
        refused(1, f"{self.folder}: this isn't an inspector's socket", "ps", str(self.folder))
        refused(1, "test_inspect.py: this isn't an inspector's socket", "ps", __file__)
        refused(1, "'abc' is neither a PID nor a socket", "ps", "abc")
        for wrong in ("many", "-1", "20001", "1e3"):
            refused(2, f"--limit: '{wrong}' is no number from 0 to 20000", "ps", f"--limit={wrong}")
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
                        # Until it listens it answers nobody.
                        wait_until(lambda: "recv" in run_simul("ps", str(client.pid)).stdout, "a task that receives")
                        self.assertTrue(self.socket_of(client).exists())
                    else:
                        wait_until(lambda: "recv" in self.ps(server), "connections")
                        self.assertFalse(self.socket_of(client).exists())
                finally:
                    client.send_signal(signal.SIGINT)
                    client.wait(PATIENCE)
                self.assertFalse(self.socket_of(client).exists())

    def test_a_filter_looks_at_the_note_and_says_when_nothing_matches(self):
        with Serve(echo(), threads=1) as server, server.connect() as peer, server.connect() as other:
            self.assertTrue(is_served(peer) and is_served(other))
            (task,) = self.tasks(server, "--filter", f":{peer.getsockname()[1]} ")
            self.assertEqual(task["name"], "serve_task")
            (same,) = self.tasks(server, "--filter", task["waits_for"])
            self.assertEqual(same["id"], task["id"])
            done = run_simul("ps", str(server.pid), "--filter", "nowhere")
            self.assertEqual((done.returncode, done.stdout), (0, ""))
            self.assertRegex(done.stderr, r"^none of \d+ tasks match\n$")


def task(identity, parent="", **changed):
    """As an inspector describes it."""
    return {
        "id": identity, "parent": parent, "name": identity, "state": "ready", "waits_for": "", "calls": [],
        "since_s": 1, "wake_ups": 1, "wake_ups_per_s": None, "busy": None, "frame_bytes": 1, "note": "", **changed,
    }


def answer(*tasks, **changed):
    return {
        "ok": True, "count": len(tasks), "matching": len(tasks), "pid": 1, "program": "p", "command_line": "impostor",
        "uptime_s": 1, "counters": {}, "tasks": tasks,
        "loops": [{"thread": 1, "answers": True, "tasks": len(tasks), "busy": None}], **changed,
    }


class Impostor:
    """Listens at `path` and sends `line` to everybody, or a blank each tenth of a second if there is none."""

    def __init__(self, path, line):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self.line = line if isinstance(line, bytes) or line is None else json.dumps(line).encode() + b"\n"
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(path))
        self.listening.listen(8)
        self.asked = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.listening.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listening.close()

    def serve(self):
        while True:
            try:
                peer, _ = self.listening.accept()
            except OSError:
                return
            with peer:
                try:
                    while peer.recv(4096):
                        self.asked += 1
                        while self.line is None and not self.over.wait(0.1):
                            peer.send(b" ")
                        peer.sendall(self.line or b"")
                except OSError:
                    pass


class Impostors(Inspected):
    """What listens there may be anybody's process, and say anything."""

    HOSTILE = "\x1b[31mRED\x1b]0;owned\x07\u009b31m\u202eabc\u2066"

    def show(self, command, line, *options):
        path = self.folder / "impostor.sock"
        path.unlink(missing_ok=True)
        with Impostor(path, line):
            return run_simul(command, str(path), *options)

    def assert_harmless(self, done):
        self.assertNotRegex(done.stdout + done.stderr, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

    def test_no_escape_sequence_reaches_the_terminal(self):
        hostile = self.HOSTILE
        call = {"function": hostile, "file": hostile, "line": 1}
        whole = answer(
            task("0x1", name=hostile, waits_for=hostile, state="waiting", note=hostile, calls=[call]),
            program=hostile, command_line=hostile, counters={hostile: 1},
            loops=[{"thread": 1, "answers": False, "silence": hostile}],
        )
        for options in (["ps"], ["ps", "--json"], ["pstree"]):
            command, *rest = options
            for line in (whole, {"ok": False, "error": hostile}, b"\x1b[31m\x9b\n", b'{"ok": "\x1b"}\n'):
                done = self.show(command, line, *rest)
                self.assertEqual(done.returncode, 1, done)
                self.assert_harmless(done)
        self.assertIn("RED", self.show("ps", {"ok": False, "error": hostile}).stderr)
        self.assert_harmless(run_simul("ps", f"/tmp/{hostile[:-1]}"))

    def test_answers_of_the_wrong_shape_are_no_inspectors(self):
        wrong = (
            {"ok": True}, {"ok": True, "loops": 5, "tasks": {"a": 1}, "count": -1, "matching": "q"}, [1, 2],
            answer({"id": 1}), answer(loops=[{}]),
        )
        for command in ("ps", "pstree"):
            for line in wrong:
                done = self.show(command, line)
                self.assertEqual(done.returncode, 1, line)
                self.assertRegex(done.stderr, r"^simul: .*impostor.sock: this is no inspector: its answers? makes? no sense\n$")

    def test_numbers_beyond_reason_stay_short(self):
        done = self.show("ps", answer(task("0x1", since_s=-1e300), task("0x2", since_s=1e300)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(max(map(len, done.stdout.splitlines())), 120)

    def test_a_tree_may_have_rings_repeat_itself_and_be_deep(self):
        ring = [task("self", "self"), task("a", "b"), task("b", "a"), task("a", ""), task("")]
        chain = [task("c0")] + [task(f"c{i}", f"c{i - 1}") for i in range(1, 20000)]
        done = self.show("pstree", answer(*ring, *chain))
        self.assertEqual(done.returncode, 0, done.stderr)
        names = re.findall(r"(?m)─ (\S*)$", done.stdout)
        self.assertEqual(sorted(names), sorted({each["name"] for each in ring + chain}))
        self.assertLess(max(map(len, done.stdout.splitlines())), 300)

    def test_the_list_passes_over_what_is_no_inspector(self):
        folder = self.folder / "simul"
        mine = folder / f"{os.getpid()}.sock"
        with Serve(echo(), threads=1) as server:
            def listed():
                done = run_simul("ps", "--list", "--json")
                self.assertEqual(done.returncode, 0, done.stderr)
                return {process["pid"] for process in json.loads(done.stdout)}

            self.assertIn(server.pid, listed())
            for line in ({"ok": True, "loops": 5}, b"[\n", None, answer(uptime_s="x")):
                with self.subTest(line=line), Impostor(mine, line) as impostor:
                    self.assertIn(server.pid, listed())
                    self.assertNotIn(os.getpid(), listed())
                    self.assertGreater(impostor.asked, 0)
                mine.unlink()
            with Impostor(mine, answer()):
                self.assertIn(os.getpid(), listed())
            mine.unlink()
            with Impostor(self.folder / "other.sock", answer()) as other:  # somebody's socket, by a link
                mine.symlink_to(self.folder / "other.sock")
                self.assertNotIn(os.getpid(), listed())
                mine.unlink()
                self.assertEqual(other.asked, 0)
            with Impostor(folder / "1.sock", answer()) as other:  # it isn't this process
                self.assertNotIn(1, listed())
                self.assertEqual(other.asked, 0)

    def test_folders_that_others_can_write_to_are_not_trusted(self):
        folder = self.folder / "simul"
        with Impostor(folder / f"{os.getpid()}.sock", answer()) as impostor:
            folder.chmod(0o777)
            self.assertEqual(run_simul("ps", str(os.getpid())).returncode, 1)
            self.assertNotIn("impostor", run_simul("ps", "--list").stdout)
            if os.geteuid() == 0:
                folder.chmod(0o700)
                os.chown(folder, NOBODY, NOBODY)
                self.assertEqual(run_simul("ps", str(os.getpid())).returncode, 1)
                self.assertNotIn("impostor", run_simul("ps", "--list").stdout)
            self.assertEqual(impostor.asked, 0)

    def test_a_count_of_tasks_is_that_of_the_loops_that_answer(self):
        silent = {"thread": 7, "answers": False, "silence": "no answer"}
        loops = answer(task("0x1"))["loops"]
        for more, shown in (([], r"\?"), (loops, "at least 1")):
            done = self.show("pstree", answer(loops=[silent, *more]))
            self.assertRegex(done.stdout, rf"^p 1: {shown} tasks on ")
            self.assertIn("the loop of thread 7: no answer", done.stderr)

    def test_columns_are_as_wide_as_what_stands_in_them(self):
        long = "run_for_ever(std::chrono::seconds)::{lambda}_task"
        done = self.show("ps", answer(task("0x1", name=long, note="here"), task("0x2", note="there")))
        self.assertEqual(len({line.index(word) for line, word in zip(done.stdout.splitlines(), ("NOTE", "here", "there"))}), 1)
        self.assertIn(long, done.stdout)


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
            self.assertRegex(done.stdout, r"─ accept_on_all_task\n[│ ]+accept_on_all\(\) at .*\n.*group.*\n.*└─ acceptor of echo\n")

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
            stuff(server, peer)
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
        with Serve(echo(), threads=1, stall_threshold="1h") as server, server.connect() as peer:
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
                top.wait_for(r" accept_on_all_task .*\n.* acceptor of echo .*\n.* keep_handshakes_task .*\n.* lead_task ")
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

    def test_what_is_below_the_screen_is_counted_and_reached_by_keys(self):
        with Serve(echo(), threads=1) as server, server.connect() as peer:
            self.assertTrue(is_served(peer))
            with Screen(str(server.pid), "--interval", "100ms", "--sort", "name", rows=8) as top:
                top.wait_for(r"NOTE\n.* accept_on_all_task .*\n.* acceptor of echo .*\n3 more below$")
                top.press("\x1bOB")  # down
                top.wait_for(r"NOTE\n.* acceptor of echo .*\n.*\n1 more above, 2 more below$")
                top.press(10 * "\x1bOB")
                top.wait_for(r"NOTE\n.*\n.* serve_task .*\n3 more above, 0 more below$")
                top.press(10 * "\x1bOA")
                top.wait_for(r"NOTE\n.* accept_on_all_task .*\n.*\n3 more below$")
                top.press("/recv\n")
                top.wait_for(r"NOTE\n.* serve_task .*\n*$")

    def test_a_stalled_loop_has_an_unknown_number_of_tasks(self):
        path = self.folder / "impostor.sock"
        long = "a_function_with_a_very_long_name_task"
        stalled = answer(
            task("0x1", name=long, note="here"), loops=[{"thread": 7, "answers": False, "silence": "no answer"}]
        )
        with Impostor(path, stalled), Screen(str(path)) as top:
            top.wait_for(r"^\? tasks$")
            top.wait_for(r" a_function_with_a_ver[^y]+ ready .* here$")
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
