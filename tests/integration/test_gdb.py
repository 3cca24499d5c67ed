"""The gdb script shows the tasks of a program from its core file."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from _simul import BIN, Serve, echo, is_built_with_ubsan, is_served, wait_until

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts/gdb/simul.py"


def gdb(*arguments: str) -> str:
    result = subprocess.run(["gdb", "--nx", "--batch", *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, timeout=100, check=False)
    return result.stdout + result.stderr


@unittest.skipUnless(shutil.which("gdb"), "gdb isn't installed")
class Gdb(unittest.TestCase):
    @unittest.skipIf(is_built_with_ubsan(), "the core of a sanitized process has all its shadow memory")
    def test_a_core_file_shows_each_task_with_its_coroutines_and_what_it_waits_for(self):
        with tempfile.TemporaryDirectory() as folder:
            core = pathlib.Path(folder, "core")
            with Serve(echo(), threads=1) as server, server.connect() as peer:
                self.assertTrue(is_served(peer, b"hello"))
                wait_until(lambda: server.task_of_connection()["waits_for"].startswith("recv "), "a handler that waits")
                taken = gdb("-p", str(server.pid), "-ex", f"generate-core-file {core}")
            if "ptrace: Operation not permitted" in taken:
                self.skipTest("this system lets nobody look at processes")
            text = gdb(BIN, str(core), "-x", str(SCRIPT), "-ex", "simul-tasks")
            self.assertRegex(text, r"(?m)^loop 0x[0-9a-f]+, thread \d+$")
            self.assertRegex(text, r"serve_task at 0x[0-9a-f]+, [1-9]\d* wake-ups\n"
                                   r" +serve\(\) at echo\.cpp:\d+\n"
                                   r" +waits for \S*Recv\S*\n")
            self.assertNotIn("guarded", text)  # the library's own
            self.assertRegex(text, r"acceptor of echo at 0x[0-9a-f]+, \d+ wake-ups\n +run\(\) at acceptor\.cpp:\d+")
            some = gdb(BIN, str(core), "-x", str(SCRIPT), "-ex", "simul-tasks serve()")
            self.assertEqual(len(re.findall(r" at 0x[0-9a-f]+, ", some)), 1, some)
            damaged = gdb(BIN, str(core), "-x", str(SCRIPT), "-ex",
                          "python Program.calls = lambda self, task: pointer(96)", "-ex", "simul-tasks")
            self.assertGreater(damaged.count("is damaged: Cannot access memory at address 0x60"), 1, damaged)

    def test_a_program_without_simul_is_an_error_that_says_so(self):
        text = gdb("/bin/true", "-x", str(SCRIPT), "-ex", "simul-tasks")
        self.assertIn("no simul_debug_layout here: is this a program that links simul?", text)


if __name__ == "__main__":
    unittest.main()
