#!/usr/bin/env python3
"""Counts test cases over the build folders that `meson test` has run in.

usage: tools/count_tests.py BUILD...

A GoogleTest program counts with the cases of its XML report in BUILD/results, a program that prints
TAP with its points, any other as one. A program that failed though none of its cases did (a
crash, a leak at its end, a time limit) counts as one failure more; so does a folder without a log.
Prints what failed, then "N passed, N failed". Exits 1 if one failed or none ran.
"""

import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml
from collections.abc import Iterator

Case = tuple[str, bool]  # name, passed

_TAP_POINT = re.compile(r"(ok|not ok)\b(?: \d+)?(?: - )?(.*)")


def gtest_cases(report: pathlib.Path) -> list[Case]:
    """The cases of one GoogleTest XML report; those that did not run are none."""
    cases = []
    for case in xml.parse(report).iter("testcase"):
        if case.get("status") == "run":
            passed = case.find("failure") is None and case.find("skipped") is None
            cases.append((f"{case.get('classname')}.{case.get('name')}", passed))
    return cases


def tap_cases(output: str) -> list[Case]:
    """The points at the left edge; none if the output is no TAP."""
    if not output.startswith("TAP version"):
        return []
    points = (_TAP_POINT.match(line) for line in output.splitlines())
    return [(point[2], point[1] == "ok") for point in points if point]


def program_cases(record: dict, results: pathlib.Path) -> list[Case]:
    """All cases of one test of meson: `record` is its line of testlog.json."""
    report = results / (pathlib.PurePath(record["command"][0]).name + ".xml")
    passed = record["result"] == "OK"
    cases = gtest_cases(report) if report.is_file() else tap_cases(record.get("stdout") or "")
    if not cases or (not passed and all(ok for _, ok in cases)):
        cases = [*cases, (f"the program itself: {record['result']}", passed)]
    return cases


def build_cases(build: pathlib.Path) -> Iterator[Case]:
    """All cases of one build folder."""
    log = build / "meson-logs" / "testlog.json"
    if not log.is_file():
        yield f"{build.name}: no tests ran", False
        return
    records = [json.loads(line) for line in log.read_text().splitlines()]
    programs = [record["command"][0] for record in records if len(record["command"]) == 1]
    names = [pathlib.PurePath(program).name for program in programs]
    for name in {name for name in names if names.count(name) > 1}:
        yield f"{build.name}: two test programs are called {name}, their reports collide", False
    for record in records:
        for case, passed in program_cases(record, build / "results"):
            yield f"{build.name}: {record['name']}: {case}", passed


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    cases = [case for build in sys.argv[1:] for case in build_cases(pathlib.Path(build))]
    failed = [name for name, passed in cases if not passed]
    for name in failed:
        print(f"failed: {name}")
    print(f"{len(cases) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
