"""Every lesson prints what `examples/lessons/expected/NAME.txt` says.

The first line of that file is the command: `$ simul lesson NAME arguments`. The rest is what it prints, exactly,
but for the places of what differs from run to run:

    {time}       a time of day, 14:52:22
    {number}     a number, 42 or -1,234.5; {number>=3} or {number<=5} one with a bound, {number>=1<=2} with two
    {address}    an address in memory, 0x7f0a1c
    {text}       anything within the line
    {lines}      alone on a line: any number of lines, up to the first that is as the next one here

Spaces before a place are as many as you like: what is right-aligned stays aligned in the file. A lesson prints
nothing to stderr; triple.trace is what `triple --trace` prints there. Bounds are for what a lesson promises
("at least three seconds"), not for how fast a machine is: tests run under sanitizers, on busy machines.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from _simul import BIN, run_simul

LESSONS = pathlib.Path(__file__).resolve().parents[2] / "examples/lessons"
PLACE = re.compile(r" *\{(time|number|address|text)(?:>=([\d.]+))?(?:<=([\d.]+))?\}")
PATTERNS = {
    "time": r"\d\d:\d\d:\d\d",
    "number": r"-?\d[\d,]*(?:\.\d+)?",
    "address": r"0x[0-9a-f]+",
    "text": r".*",
}


def difference(expected: str, printed: str):
    """What is wrong with a line, or None."""
    pattern, bounds, end = "", [], 0
    for place in PLACE.finditer(expected):
        spaces = " +" if place[0].startswith(" ") else ""
        pattern += re.escape(expected[end:place.start()]) + f"{spaces}({PATTERNS[place[1]]})"
        bounds.append((place[2], place[3]))
        end = place.end()
    match = re.fullmatch(pattern + re.escape(expected[end:]), printed)
    if not match:
        return f"expected {expected!r}\n  printed {printed!r}"
    for value, (least, most) in zip(match.groups(), bounds):
        if least and float(value.replace(",", "")) < float(least):
            return f"less than {least}: {printed!r}"
        if most and float(value.replace(",", "")) > float(most):
            return f"more than {most}: {printed!r}"
    return None


def compare(expected, printed):
    """The first thing that is wrong, or None."""
    rest = iter(printed)
    skipping = False
    for line in expected:
        if line == "{lines}":
            skipping = True
            continue
        problem = "something is missing at the end"
        for candidate in rest:
            problem = difference(line, candidate)
            if not (problem and skipping):
                break
        if problem:
            return problem if not skipping else f"no line {line!r}"
        skipping = False
    surplus = next(rest, None)
    return None if surplus is None or skipping else f"more than expected: {surplus!r}"


def names():
    return [line for line in (LESSONS / "ORDER").read_text(encoding="utf-8").splitlines()
            if re.match("[a-z]", line)]


class Output(unittest.TestCase):
    def check(self, name):
        command, *expected = (LESSONS / f"expected/{name}.txt").read_text(encoding="utf-8").splitlines()
        self.assertEqual(command.split()[:4], ["$", "simul", "lesson", name])
        lesson = run_simul(*command.split()[2:])
        self.assertEqual((lesson.returncode, lesson.stderr), (0, ""), lesson.stdout)
        self.assertIsNone(compare(expected, lesson.stdout.splitlines()), lesson.stdout)

    def test_every_lesson_has_its_expected_output(self):
        files = {path.stem for path in (LESSONS / "expected").glob("*.txt")}
        self.assertEqual(files, set(names()))

    def test_control_flows_through_triple_as_the_overview_says(self):
        lesson = run_simul("lesson", "triple", "--trace")
        self.assertEqual(lesson.stdout, "17\n")
        self.assertEqual(lesson.stderr, (LESSONS / "expected/triple.trace").read_text(encoding="utf-8"))


def add_tests():
    for name in names():
        setattr(Output, f"test_{name}", lambda self, name=name: self.check(name))


add_tests()


class Command(unittest.TestCase):
    def test_without_a_name_lists_all_in_the_order_of_teaching(self):
        listed = run_simul("lesson").stdout.splitlines()
        self.assertEqual([line.split()[0] for line in listed], names())
        for line in listed:
            self.assertRegex(line, r"^\w+ +\S+ ")

    def test_a_name_that_is_almost_right_gets_a_suggestion(self):
        result = run_simul("lesson", "tripel")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr, 'simul lesson: there is no lesson "tripel"; did you mean "triple"?\n'
                                        "`simul lesson` lists them\n")

    def test_a_name_that_is_nothing_like_a_lesson_gets_none(self):
        result = run_simul("lesson", "zzz")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertNotIn("did you mean", result.stderr)

    def test_the_source_of_each_can_be_read(self):
        for name in names():
            source = run_simul("lesson", name, "--source")
            self.assertEqual(source.returncode, 0, source.stderr)
            self.assertIn("#include <simul/", source.stdout)


class Arguments(unittest.TestCase):
    def check_usage(self, name, *arguments):
        with self.subTest(name, arguments=arguments):
            lesson = run_simul("lesson", name, *arguments)
            self.assertEqual((lesson.returncode, lesson.stdout), (2, ""))
            complaint, usage = lesson.stderr.splitlines()
            self.assertTrue(complaint.startswith(f"{name}: "), complaint)
            self.assertIn(f'"{arguments[-1]}"', complaint)
            self.assertTrue(usage.startswith(f"usage: simul lesson {name}"), usage)

    def test_a_lesson_refuses_those_that_it_does_not_know(self):
        for name in names():
            self.check_usage(name, "--bogus")
            self.check_usage(name, "bogus")

    def test_a_number_is_one_as_a_whole_and_within_its_limits(self):
        for number in ("0", "-5", "1e3", "5x", " 5", "99999999999999999999", "nan", ""):
            self.check_usage("chess", number)
        for number in ("-1", "inf", "nan", "1s"):
            self.check_usage("async_sleep", number)
        for number in ("0", "-1", "nan", "1e300"):
            self.check_usage("greedy", number)
        self.check_usage("pool_of_processes", "0")

    def test_there_is_one_of_each(self):
        self.check_usage("chess", "100000", "3")
        self.check_usage("chess", "100000", "--serial", "3")

    def test_options_may_stand_anywhere(self):
        for arguments in (["--serial", "1000000"], ["1000000", "--serial"]):
            with self.subTest(arguments):
                lesson = run_simul("lesson", "chess", *arguments)
                self.assertEqual((lesson.returncode, lesson.stderr), (0, ""))
                self.assertEqual(lesson.stdout.count("one after the other"), 2)


class Installed(unittest.TestCase):
    """The command in a place of its own, with a lesson that prints what it got."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.prefix = pathlib.Path(folder.name)
        (self.prefix / "bin").mkdir()
        self.simul = shutil.copy(BIN, self.prefix / "bin")

    def add_show(self):
        lessons = self.prefix / "libexec/simul/lessons"
        lessons.mkdir(parents=True)
        (lessons / "index").write_text("show\tPrints what it got\n", encoding="utf-8")
        (lessons / "show").write_text('#!/bin/sh\necho "${SIMUL_TRACE-none}" "$@"\nexit 7\n', encoding="utf-8")
        (lessons / "show").chmod(0o755)

    def lesson(self, *arguments):
        environment = {key: value for key, value in os.environ.items() if key != "SIMUL_TRACE"}
        return subprocess.run([self.simul, "lesson", *arguments], env=environment, capture_output=True,
                              text=True, timeout=30, check=False)

    def test_arguments_and_options_reach_the_lesson_and_its_status_comes_back(self):
        self.add_show()
        result = self.lesson("show", "10", "--real", "--scale=2", "x y", "-v")
        self.assertEqual((result.stdout, result.returncode), ("none 10 --real --scale=2 x y -v\n", 7))

    def test_trace_sets_the_environment_and_not_the_arguments(self):
        self.add_show()
        for arguments, printed in (
            (["show", "--trace"], "handoff\n"),
            (["--trace", "show", "3"], "handoff 3\n"),
            (["show", "--trace=long", "3"], "long 3\n"),
            (["show", "3", "--trace=json"], "json 3\n"),
            (["show", "--trace=json:a.json"], "json:a.json\n"),
        ):
            with self.subTest(arguments):
                self.assertEqual(self.lesson(*arguments).stdout, printed)

    def test_a_trace_that_does_not_exist_is_an_error(self):
        self.add_show()
        result = self.lesson("show", "--trace=loud")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("loud", result.stderr)

    def test_how_to_trace_belongs_to_the_option(self):
        self.add_show()
        for arguments in (["show", "--trace", "long"], ["--trace", "long", "show"], ["show", "3", "--trace", "json:a"]):
            with self.subTest(arguments):
                result = self.lesson(*arguments)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertRegex(result.stderr, "did you mean --trace=(long|json:a)\\?\n")
        self.assertEqual(self.lesson("show", "long").stdout, "none long\n")

    def test_where_none_are_installed_that_is_said(self):
        result = self.lesson()
        self.assertEqual(result.returncode, 1)
        self.assertIn("no lessons are installed here", result.stderr)

    def test_a_lesson_without_its_program_is_an_error_with_its_path(self):
        self.add_show()
        (self.prefix / "libexec/simul/lessons/show").unlink()
        result = self.lesson("show")
        self.assertEqual(result.returncode, 1)
        self.assertIn("libexec/simul/lessons/show: No such file or directory", result.stderr)

    def test_a_lesson_without_its_source_is_an_error_with_its_path(self):
        self.add_show()
        result = self.lesson("show", "--source")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("share/doc/simul/lessons/show.cpp isn't there", result.stderr)


if __name__ == "__main__":
    unittest.main()
