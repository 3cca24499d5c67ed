"""SIMUL_TRACE shows how control is handed over, in any program. (That of triple is in test_lessons.py.)"""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from _simul import BIN, run_simul

HAND_OVERS = pathlib.Path(__file__).resolve().parents[2] / "examples/lessons/expected/triple.trace"
LESSONS = pathlib.Path(BIN).resolve().parent.parent / "libexec/simul/lessons"


def traced(lesson: str, trace: str, **more) -> subprocess.CompletedProcess:
    return subprocess.run([LESSONS / lesson], env={**os.environ, "SIMUL_TRACE": trace}, capture_output=True,
                          text=True, timeout=60, check=True, **more)


class Trace(unittest.TestCase):
    def test_the_long_form_tells_the_seventeen_steps_and_the_queue(self):
        story = run_simul("lesson", "triple", "--trace=long").stderr
        steps = [line for line in story.splitlines() if not line.startswith(" ")]
        self.assertEqual(len(steps), 17)
        self.assertEqual(steps[4], "5. Control is now in triple_task.__await__.")
        self.assertIn("2. Control is now in event-loop.\n        The queue: main_task.\n", story)
        self.assertIn("8. Control is now in event-loop.\n        The queue: triple_task.\n", story)
        self.assertIn("12. Control is now in event-loop.\n        The queue: main_task.\n", story)
        self.assertTrue(story.endswith("17. Control is now in event-loop.\n        The queue is empty.\n"), story)

    def test_the_json_form_is_written_to_a_file_that_trace_viewers_read(self):
        with tempfile.TemporaryDirectory() as folder:
            traced("triple", "json", cwd=folder)
            (path,) = pathlib.Path(folder).glob("simul-trace.*.json")
            events = json.loads(path.read_text(encoding="utf-8"))
        names = [event["name"] for event in events if event["ph"] == "B"]
        self.assertEqual(names, ["main_task", "main()", "triple_task", "triple()", "main_task", "main()"])
        self.assertTrue(all(set(event) >= {"name", "ph", "pid"} for event in events))

    def test_a_file_can_be_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "here")
            self.assertEqual(traced("triple", f"handoff:{path}").stderr, "")
            self.assertEqual(path.read_text(encoding="utf-8"), HAND_OVERS.read_text(encoding="utf-8"))

    def test_what_can_not_be_understood_or_written_is_said_and_changes_nothing(self):
        result = traced("triple", "everything")
        self.assertEqual(result.stdout, "17\n")
        self.assertEqual(result.stderr, "simul: warning: SIMUL_TRACE='everything' is ignored: it can be handoff, "
                                        "long or json, each with :FILE\n")
        result = traced("triple", "json:/nowhere/trace.json")
        self.assertEqual(result.stdout, "17\n")
        self.assertEqual(result.stderr, "simul: warning: SIMUL_TRACE: /nowhere/trace.json: No such file or directory\n")


if __name__ == "__main__":
    unittest.main()
