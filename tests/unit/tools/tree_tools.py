"""What the tests of tools/ share: the path to them, and a runner that reports each case as TAP."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
sys.dont_write_bytecode = True


class _TapResult(unittest.TestResult):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def _add(self, verdict: str, test: unittest.TestCase) -> None:
        self.lines.append(f"{verdict} {len(self.lines) + 1} - {str(test).replace('#', 'no. ')}")

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802  unittest's name
        self._add("ok", test)

    def addFailure(self, test: unittest.TestCase, err: object) -> None:  # noqa: N802
        super().addFailure(test, err)
        self._add("not ok", test)

    def addError(self, test: unittest.TestCase, err: object) -> None:  # noqa: N802
        super().addError(test, err)
        self._add("not ok", test)


def main(file: str) -> None:
    """Runs the tests of the calling module; exits 1 if one failed or none ran."""
    result = _TapResult()
    unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]).run(result)
    print("TAP version 13", *result.lines, f"1..{len(result.lines)}", sep="\n")
    for test, trace in result.failures + result.errors:
        print(f"{test}\n{trace}", file=sys.stderr)
    if not result.lines:
        print(f"{file}: no test ran", file=sys.stderr)
    sys.exit(0 if result.lines and result.wasSuccessful() else 1)
