"""tools/count_tests.py counts every case once, and a failure never as none."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest
from unittest import mock

import tree_tools

import count_tests

REPORT = """<testsuites><testsuite name="A">
<testcase name="one" classname="A" status="run" result="completed"/>
<testcase name="two" classname="A" status="run" result="completed">{two}</testcase>
<testcase name="off" classname="A" status="notrun" result="suppressed"/>
</testsuite></testsuites>"""
GOOD = REPORT.format(two="")
BAD = REPORT.format(two='<failure message="1 != 2"/>')
SKIPPED = REPORT.format(two='<skipped message="no"/>')
TAP = "TAP version 13\n1..2\nok 1 - a\n# note\nnot ok 2 - b\n    ok 1 - nested\n"
PLAIN = "# no TAP\n"

# (what happens, result, stdout, report, passed, failed)
ROWS = [
    ("a GoogleTest program counts its cases", "OK", "", GOOD, 2, 0),
    ("a failed case counts once", "FAIL", "", BAD, 1, 1),
    ("a skipped case is no passed case", "OK", "", SKIPPED, 1, 1),
    ("a leak at the end fails the program", "FAIL", "", GOOD, 2, 1),
    ("a crash leaves no report", "ERROR", "", None, 0, 1),
    ("a program over its time counts as failed", "TIMEOUT", "", None, 0, 1),
    ("TAP points at the left edge count", "FAIL", TAP, None, 1, 1),
    ("TAP without a failed point, but a bad status", "FAIL", "TAP version 13\nok 1\n", None, 1, 1),
    ("any other program is one case", "OK", PLAIN, None, 1, 0),
    ("any other program that failed", "FAIL", PLAIN, None, 0, 1),
]


class CountTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = pathlib.Path(folder.name)
        (self.build / "meson-logs").mkdir()
        (self.build / "results").mkdir()

    def log(self, *records: dict) -> None:
        lines = [json.dumps(record) + "\n" for record in records]
        (self.build / "meson-logs" / "testlog.json").write_text("".join(lines))

    def count(self) -> tuple[str, int]:
        output = io.StringIO()
        with mock.patch("sys.argv", ["count", str(self.build)]), \
             contextlib.redirect_stdout(output):
            status = count_tests.main()
        return output.getvalue().splitlines()[-1], status

    def test_rows(self) -> None:
        for what, result, stdout, report, passed, failed in ROWS:
            with self.subTest(what):
                path = self.build / "results" / "prog.xml"
                path.unlink(missing_ok=True)
                if report:
                    path.write_text(report)
                self.log({"name": "t", "command": ["/b/prog"], "result": result, "stdout": stdout})
                self.assertEqual(
                    self.count(), (f"{passed} passed, {failed} failed", int(failed > 0)))

    def test_no_log_is_one_failure(self) -> None:
        self.assertEqual(self.count(), ("0 passed, 1 failed", 1))

    def test_an_empty_log_is_no_success(self) -> None:
        self.log()
        self.assertEqual(self.count(), ("0 passed, 0 failed", 1))

    def test_two_programs_of_one_name_are_told(self) -> None:
        record = {"name": "t", "command": ["/b/x/prog"], "result": "OK", "stdout": ""}
        self.log(record, {**record, "command": ["/b/y/prog"]})
        self.assertEqual(self.count(), ("2 passed, 1 failed", 1))


if __name__ == "__main__":
    tree_tools.main(__file__)
