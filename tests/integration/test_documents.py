"""What the documents show is what the program does."""

import asyncio
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from _simul import run_simul

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Documents(unittest.TestCase):
    def test_snippets_are_cut_from_programs_that_are_tested(self):
        result = subprocess.run([ROOT / "scripts/update-docs", "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_simul_hpp_is_all_of_the_runtime(self):
        folder = ROOT / "core/include/simul"
        included = set(re.findall(r"#include <simul/([\w/.]+)>", (folder / "simul.hpp").read_text(encoding="utf-8")))
        self.assertEqual({header.name for header in folder.glob("*.hpp")} - included, {"simul.hpp", "testing.hpp"})

    @unittest.skipUnless(sys.version_info[:2] == (3, 11), "asyncio's names are those of Python 3.11")
    def test_every_name_of_asyncio_has_its_place(self):
        page = (ROOT / "docs/runtime/asyncio.md").read_text(encoding="utf-8")
        missing = [name for name in asyncio.__all__
                   if not name.startswith("_") and not re.search(rf"`{name}\b", page)]
        self.assertEqual(missing, [])

    def test_the_reference_is_the_one_that_simul_prints(self):
        self.assertEqual((ROOT / "docs/configuration.md").read_text(encoding="utf-8"),
                         run_simul("config", "--reference").stdout,
                         "cure: simul config --reference > docs/configuration.md")

    def test_the_configuration_in_the_readme_is_right(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        example = re.search(r"```yaml\n(.*?)```", readme, re.DOTALL)[1]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "simul.yaml")
            path.write_text(example, encoding="utf-8")
            (path.parent / "public").mkdir()
            result = run_simul("check", path)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_the_configuration_of_a_site_is_right(self):
        page = (ROOT / "docs/http.md").read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name in ("public", "site", "others"):
                (root / name).mkdir()
            for name in ("404.html", "50x.html"):
                (root / name).touch()
            (root / "simul.yaml").write_text(re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1], encoding="utf-8")
            result = run_simul("check", root / "simul.yaml")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_the_program_in_the_readme_is_the_example(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        example = (ROOT / "examples/embedded/main.cpp").read_text(encoding="utf-8")
        for line in ("Coro<> echo(Connection& peer) {", "while (auto chunk = co_await peer.recv()) {",
                     "if (!co_await peer.send(*chunk)) {"):
            self.assertIn(line, readme)
            self.assertIn(line, example)


if __name__ == "__main__":
    unittest.main()
